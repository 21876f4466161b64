"""A person takes their data along and deletes their account, in a real browser."""

from __future__ import annotations

import zipfile

import pytest
from playwright.sync_api import expect

from accounts.models import Membership, User
from moderation.personal_data import SECTIONS
from skills.transfers import request_transfer
from tests.browser.axe import broken_in_a_scheme
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_my_traces import enter
from tests.factories.accounts import organisation, password_of
from tests.factories.skills import publish_skill
from tests.factories.traces import Uploader, session

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def full(alice, charlie, publish):
    """Alice with something of most kinds, with long names."""
    organisation("w" * 60, owner=alice)
    acme = organisation("acme", owner=alice)
    Membership.objects.create(namespace=acme, user=charlie, role="owner")
    skill = publish("s" * 60).skill
    request_transfer(skill=skill, to=charlie.namespace, actor=alice)
    publish_skill(slug="other-one", namespace=alice.namespace)
    Uploader(alice).share("long", session(7))
    return alice


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_breaks_a_rule_of_axe(site, page, full, mona, size):
    page.set_viewport_size(size)
    enter(page, site, full)
    faults = {}

    def look(name: str) -> None:
        for scheme, told in broken_in_a_scheme(page).items():
            faults[f"{name}, {scheme}"] = told
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{name} scrolls sideways: {width}"

    for address in ("/me/account/", "/me/account/delete/", "/me/account/deleted/"):
        assert page.goto(f"{site}{address}").status == 200, address
        look(address)
    page.goto(f"{site}/me/account/delete/")
    page.get_by_label("Your handle").fill("somebody")
    page.get_by_label("Your password").fill("wrong")
    page.get_by_role("button", name="Delete my account for good").click()
    expect(page.get_by_text("Nothing was deleted.")).to_be_visible()
    look("refused")
    page.context.clear_cookies()
    enter(page, site, mona)
    page.goto(f"{site}/me/account/delete/")
    look("of staff")

    assert faults == {}


def test_export_and_delete(site, page, full):
    enter(page, site, full)
    page.goto(f"{site}/me/")
    page.locator("#main").get_by_role("link", name="My account").click()
    with page.expect_download() as begun:
        page.get_by_role("button", name="Export my data").click()
    with zipfile.ZipFile(begun.value.path()) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"{section.name}.json" for section in SECTIONS]

    page.get_by_role("link", name="Delete my account").click()
    page.get_by_label("Your handle").fill("alice")
    page.get_by_label("Your password").fill(password_of(full))
    page.get_by_role("button", name="Delete my account for good").click()

    expect(page.get_by_role("heading", name="The account is deleted")).to_be_visible()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert User.objects.get(handle="alice").is_closed

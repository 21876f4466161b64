"""The staff's page of an author and its questions: rules of axe, both schemes, desk and phone."""

from __future__ import annotations

import pytest

from accounts.services import create_user
from moderation.services.bans import ban_user
from tests.browser.axe import broken_in_a_scheme
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.content import fill
from tests.browser.test_job_room import enter
from tests.factories.scans import SUSPICIOUS, scan_all
from tests.factories.skills import hold, publish_skill

PAGE = "/staff/authors/alice/"


@pytest.fixture
def desk(site, page, alice, ada, mona):
    """Ada's browser; Alice has public, hidden and doubtful skills, Bert is banned."""
    fill(alice.namespace, 26)
    hold(publish_skill(namespace=alice.namespace, slug="hidden-one").skill, "hidden")
    publish_skill(namespace=alice.namespace, slug="doubtful-one", files=SUSPICIOUS)
    scan_all()
    bert = create_user(handle="bert")
    publish_skill(namespace=bert.namespace, slug="gone-one")
    ban_user(user=bert, actor=mona, reason="Ships the same wallet thief under many names.")
    enter(site, page, ada)
    return site


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_about_an_author_breaks_a_rule_of_axe(desk, page, size):
    page.set_viewport_size(size)
    faults = {}
    addresses = [PAGE, f"{PAGE}ban/", "/staff/authors/bert/", "/staff/authors/bert/unban/"]

    for address in addresses:
        assert page.goto(f"{desk}{address}").status == 200
        for scheme, told in broken_in_a_scheme(page).items():
            faults[f"{address}, {scheme}"] = told
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{address} scrolls sideways: {width}"

    assert faults == {}


@pytest.mark.django_db(transaction=True)
def test_a_ban_is_asked_for_and_told(desk, page):
    page.goto(f"{desk}{PAGE}")
    page.click("text=Ban…")
    page.fill("#id_reason", "Spam.")
    page.click("text=Ban and hide 29 skills")

    page.wait_for_url(f"{desk}{PAGE}")
    assert "Banned alice: 29 skills hidden." in page.content()

"""A person sets how pages behave for them: sound for axe, usable without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from accounts.models import User
from tests.browser.axe import broken_in_a_scheme
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_my_traces import enter
from tests.factories.traces import Uploader, session

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/me/settings/"


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_page_breaks_no_rule_of_axe(site, page, ada, size):
    page.set_viewport_size(size)
    enter(page, site, ada)
    page.goto(f"{site}{PAGE}")

    assert broken_in_a_scheme(page) == {}
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_keys_are_turned_off_in_this_browser_and_the_menu_leads_here(site, page, alice):
    trace = Uploader(alice).share("one", session(4))
    enter(page, site, alice)
    page.goto(site)
    page.locator("#account-menu summary").click()
    page.get_by_role("link", name="My settings").click()

    page.get_by_role("button", name="Turn keys off").click()

    expect(page.get_by_role("button", name="Turn keys on")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_label("Search skills")).not_to_be_focused()
    page.goto(f"{site}/s/{trace.public_id}")
    expect(page.get_by_role("button", name="Turn keys on")).to_be_visible()
    page.goto(f"{site}{PAGE}")
    page.get_by_role("button", name="Turn keys on").click()
    page.keyboard.press("/")
    expect(page.get_by_label("Search skills")).to_be_focused()


def test_without_javascript_the_zone_is_set_and_the_page_says_there_are_no_keys(
    site, browser, alice
):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    enter(page, site, alice)
    page.goto(f"{site}{PAGE}")
    expect(page.get_by_text("without JavaScript there are no such keys")).to_be_visible()
    expect(page.get_by_role("button", name="Turn keys off")).to_be_hidden()

    page.get_by_label("Time zone").select_option("Asia/Kathmandu")
    page.get_by_role("button", name="Save the time zone").click()

    expect(page.get_by_text("The time zone is saved.")).to_be_visible()
    expect(page.get_by_text("UTC+5:45")).to_be_visible()
    assert User.objects.get(pk=alice.pk).time_zone == "Asia/Kathmandu"
    context.close()

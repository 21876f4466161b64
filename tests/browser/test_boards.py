"""Boards in a browser: more rows at the end, back again, and all of it without JavaScript."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.content import fill_boards

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = ".board tbody tr:not(.load-more)"


def test_more_rows_come_at_the_end_and_going_back_shows_them_again(site, page, alice):
    fill_boards()
    page.goto(f"{site}/leaderboards/trending/")
    rows = page.locator(ROWS)
    expect(rows).to_have_count(50)

    page.get_by_role("link", name=re.compile("Load more")).click()

    expect(rows).to_have_count(70)
    expect(page.locator("#live")).to_contain_text("20 more, 70 shown.")
    expect(page).to_have_url(re.compile(r"to=75&snapshot=\d+"))
    expect(page.locator(":focus")).to_be_visible()
    rows.nth(60).get_by_role("link").first.click()
    expect(page.locator(".skill-head")).to_be_visible()
    page.go_back()
    expect(page.locator(ROWS)).to_have_count(70)


def test_boards_windows_and_the_switch_are_links(site, page, alice):
    fill_boards(5)
    page.goto(f"{site}/")
    page.get_by_role("navigation", name="Site").get_by_role("link", name="Boards").click()

    page.get_by_role("link", name="30 days").click()
    expect(page).to_have_url(re.compile(r"window=30d$"))
    page.get_by_role("link", name="Suspicious too").click()
    expect(page.locator(ROWS)).to_have_count(6)
    page.get_by_role("link", name="Rising").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Rising, 7 days")


class TestWithoutJavaScript:
    @pytest.fixture
    def browser_context_args(self, browser_context_args):
        return {**browser_context_args, "java_script_enabled": False}

    def test_a_board_is_read_to_its_end(self, site, page, alice):
        fill_boards()
        page.goto(f"{site}/leaderboards/trending/")

        page.get_by_role("link", name=re.compile("Load more")).click()

        expect(page.locator(ROWS)).to_have_count(70)

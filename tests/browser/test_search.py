"""Search in a browser: results while typing, the back button, and all of it without JavaScript."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.factories.bulk import list_skills

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = ".skill-list > .skill-row"


@pytest.fixture(autouse=True)
def skills(alice):
    """Sixty skills that take notes, and one that merges tables."""
    said = {"categories": ["data"], "topics": []}
    rows = [("csv", "Merges tables."), *((f"note-{n:02}", "Takes notes.") for n in range(60))]
    list_skills(
        alice.namespace,
        ({"slug": slug, "display_name": slug, "summary": says} | said for slug, says in rows),
    )


def test_results_come_while_typing_and_the_reader_stays_in_the_field(site, page):
    page.goto(f"{site}/")
    page.get_by_role("link", name="Browse").click()
    field = page.get_by_role("searchbox", name="Search skills")

    field.press_sequentially("merges")

    expect(page.get_by_role("heading", level=1)).to_have_text("Search: merges")
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page.locator(f"{ROWS} mark")).to_have_text("Merges")
    expect(page.locator("#live")).to_have_text("1 result")
    expect(page).to_have_url(f"{site}/skills/?q=merges")
    expect(page).to_have_title(re.compile("Search: merges"))
    expect(field).to_be_focused()
    field.press_sequentially(" nothing")
    field.fill("zzzz")
    expect(page.get_by_text("No skills match “zzzz”")).to_be_visible()
    expect(page.locator("#live")).to_have_text("0 results")
    field.fill("")
    expect(page).to_have_url(f"{site}/skills/")
    expect(page.locator(ROWS)).to_have_count(25)
    # Letters left no pages behind them.
    page.go_back()
    expect(page).to_have_url(f"{site}/")


def test_what_was_narrowed_stays_so_while_typing(site, page):
    page.goto(f"{site}/skills/?category=web")

    page.get_by_role("searchbox", name="Search skills").press_sequentially("note")

    expect(page.get_by_text("No skills match “note”")).to_be_visible()
    expect(page).to_have_url(re.compile("q=note&category=web$"))


def test_more_results_come_at_the_end_and_going_back_shows_them_again(site, page):
    page.goto(f"{site}/skills/?q=notes")
    expect(page.get_by_text("60 results")).to_be_visible()
    expect(page.locator(ROWS)).to_have_count(25)

    page.get_by_role("link", name="Load more").click()
    expect(page.locator("#live")).to_contain_text("25 more, 50 shown.")
    page.get_by_role("link", name="Load more").click()

    expect(page.locator(ROWS)).to_have_count(60)
    expect(page.locator("#live")).to_contain_text("10 more, 60 shown.")
    page.locator(ROWS).nth(55).get_by_role("link").first.click()
    expect(page.locator(".skill-head")).to_be_visible()
    page.go_back()
    expect(page.locator(ROWS)).to_have_count(60)


class TestWithoutJavaScript:
    @pytest.fixture
    def browser_context_args(self, browser_context_args):
        return {**browser_context_args, "java_script_enabled": False}

    def test_a_search_is_asked_and_read_to_its_end(self, site, page):
        page.goto(f"{site}/skills/")
        page.get_by_role("searchbox", name="Search skills").fill("notes")
        page.keyboard.press("Enter")
        expect(page.locator(ROWS)).to_have_count(25)

        for shown in (50, 60):
            page.get_by_role("link", name="Load more").click()
            expect(page.locator(ROWS)).to_have_count(shown)

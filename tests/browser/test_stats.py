"""The star and the charts in a real browser: by keyboard, without a script, in forced colours."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from skills.models import SkillStar
from tests.browser.axe import broken
from tests.browser.content import count, fill

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/skills/alice/pdf-tools/"


def sign_in(site, page) -> None:
    """Sign in from the star of a visitor, and come back to the page."""
    page.goto(f"{site}{URL}")
    page.get_by_role("link", name="Star this skill").click()
    page.get_by_label("Name").fill("alice")
    page.get_by_label("Password").fill("alice-keeps-a-secret")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site}{URL}")


def test_a_person_stars_by_keyboard_and_hears_it(site, page, alice):
    fill(alice.namespace, 0)
    count()
    sign_in(site, page)
    button = page.get_by_role("button", name="Star this skill")
    expect(button).to_have_attribute("aria-pressed", "false")

    button.focus()
    page.keyboard.press("Enter")

    expect(button).to_have_attribute("aria-pressed", "true")
    expect(button).to_be_focused()
    expect(page.locator("#live")).to_have_text("You starred PDF Tools. 1 star now.")
    expect(page.locator("#star b")).to_have_text("1")
    expect(page.locator("#live")).to_have_count(1)
    assert SkillStar.objects.count() == 1
    page.keyboard.press("Space")
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#live")).to_contain_text("You took your star from PDF Tools.")
    assert broken(page) == ""


def test_a_session_that_ended_leads_to_sign_in_and_back(site, page, alice):
    fill(alice.namespace, 0)
    sign_in(site, page)
    page.context.clear_cookies(name="session")

    page.get_by_role("button", name="Star this skill").click()

    expect(page).to_have_url(f"{site}/login/?next={URL}")


def test_the_period_of_the_charts_is_a_link_and_the_table_is_behind_each(site, page, alice):
    fill(alice.namespace, 0)
    count()
    page.goto(f"{site}{URL}?tab=stats")
    expect(page.get_by_role("img", name="Downloads per day", exact=True)).to_be_visible()

    page.get_by_role("link", name="90 days").click()
    page.get_by_text("The numbers as a table").first.press("Enter")

    expect(page).to_have_url(f"{site}{URL}?tab=stats&days=90")
    expect(page.get_by_role("row")).to_have_count(1 + 90 + 1 + 5)


def test_charts_are_drawn_in_forced_colours(site, page, alice):
    fill(alice.namespace, 0)
    count()
    page.emulate_media(forced_colors="active", color_scheme="dark")
    page.goto(f"{site}{URL}?tab=stats")

    fill_of = "el => getComputedStyle(el).fill"
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")

    for mark in page.locator(".plot svg path").all():
        shade = mark.evaluate(fill_of)
        assert shade in {"none", "rgb(255, 255, 255)"}
        assert shade != paper


class TestWithoutJavaScript:
    @pytest.fixture
    def browser_context_args(self, browser_context_args):
        return {**browser_context_args, "java_script_enabled": False}

    def test_a_person_stars_and_is_told(self, site, page, alice):
        fill(alice.namespace, 0)
        sign_in(site, page)

        page.get_by_role("button", name="Star this skill").click()

        expect(page).to_have_url(f"{site}{URL}")
        expect(page.get_by_role("status").first).to_have_text("You starred PDF Tools.")
        pressed = page.get_by_role("button", name="Star this skill")
        expect(pressed).to_have_attribute("aria-pressed", "true")

"""What people do, with and without JavaScript."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from skills.models import Skill
from tests.browser.content import fill

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_visitor_filters_loads_more_and_comes_back(site, page, alice):
    fill(alice.namespace)
    page.goto(f"{site}/skills/")
    page.locator(".facets").get_by_role("link", name="Data and research").click()
    expect(page).to_have_url(re.compile("category=data"))
    rows = page.locator(".skill-row")
    expect(rows).to_have_count(25)

    page.locator(".load-more").click()
    expect(rows).to_have_count(30)
    expect(page.locator(":focus")).to_be_visible()
    rows.nth(27).get_by_role("link").first.click()
    expect(page.locator(".skill-head")).to_be_visible()
    page.go_back()

    expect(page).to_have_url(re.compile("category=data"))
    expect(rows.first).to_be_visible()


def test_a_hidden_skill_is_gone_at_the_next_look(site, page, alice):
    fill(alice.namespace, 3)
    page.goto(f"{site}/skills/")
    expect(page.get_by_role("link", name="PDF Tools")).to_be_visible()

    Skill.objects.filter(slug="pdf-tools").update(moderation_status="hidden")
    page.reload()

    expect(page.get_by_role("link", name="PDF Tools")).to_have_count(0)


def test_a_line_of_a_file_has_an_address(site, page, alice):
    fill(alice.namespace, 0)
    page.goto(f"{site}/skills/alice/pdf-tools/versions/1.1.0/files/scripts/split.sh#L3")

    expect(page.locator("#L3")).to_be_in_viewport()
    page.locator("#L2 a, a[href='#L2']").first.click()
    expect(page).to_have_url(re.compile("#L2$"))


def test_the_install_command_is_copied_and_announced(site, page, context, alice):
    fill(alice.namespace, 0)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{site}/skills/alice/pdf-tools/")

    page.get_by_role("button", name=re.compile("Copy")).first.click()

    expect(page.locator("#live")).to_contain_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"npx clawhub --registry {site} install @alice/pdf-tools"


def test_the_theme_is_chosen_without_a_flash(site, page, alice):
    page.goto(f"{site}/skills/")
    page.locator("#theme-menu summary").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")

    page.reload()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_search_field_is_one_key_away(site, page, alice):
    page.goto(f"{site}/skills/")

    page.keyboard.press("/")

    expect(page.locator("#site-search")).to_be_focused()


def test_a_person_signs_in_makes_a_token_and_revokes_it(site, page, alice):
    page.goto(f"{site}/me/tokens/")
    page.get_by_label("Name").fill("Alice")
    page.get_by_label("Password").fill("alice-keeps-a-secret")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site}/me/tokens/")

    page.get_by_role("textbox", name="Name").fill("my laptop")
    page.get_by_role("button", name="Make token").click()
    shown = page.locator("#new-token")
    expect(shown).to_contain_text(re.compile(r"^skb_\w{8}_\w{49}$"))

    page.goto(f"{site}/me/tokens/")
    expect(page.locator(".token-once")).to_have_count(0)
    page.get_by_role("link", name="Revoke my laptop").click()
    page.get_by_role("button", name="Revoke token").click()

    expect(page.get_by_role("cell", name="revoked")).to_be_visible()


class TestWithoutJavaScript:
    @pytest.fixture
    def browser_context_args(self, browser_context_args):
        return {**browser_context_args, "java_script_enabled": False}

    def test_browse_search_read_and_page(self, site, page, alice):
        fill(alice.namespace)
        page.goto(f"{site}/")
        page.locator("main input[type=search]").fill("pdf")
        page.locator("main").get_by_role("button", name="Search").click()
        page.get_by_role("link", name="PDF Tools").first.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("PDF Tools")
        page.get_by_role("link", name=re.compile("Files")).first.click()
        page.get_by_role("link", name="scripts/split.sh").click()
        expect(page.get_by_text("into pages")).to_be_visible()

        page.goto(f"{site}/skills/")
        page.locator(".load-more").click()
        expect(page.locator(".skill-row")).to_have_count(31)

    def test_the_theme_form_works(self, site, page, alice):
        page.goto(f"{site}/skills/?category=data")
        page.locator("#theme-menu summary").click()
        page.get_by_role("button", name="Dark").click()

        expect(page).to_have_url(f"{site}/skills/?category=data")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")

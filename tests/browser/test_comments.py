"""Writing, deleting and restoring a comment, with and without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from skills.models import Skill
from tests.browser.axe import broken_in_a_scheme
from tests.browser.conftest import DESKTOP, PHONE
from tests.factories.accounts import password_of
from tests.factories.comments import comment_on, many_comments, reported
from tests.factories.skills import publish_skill

pytestmark = pytest.mark.django_db(transaction=True)

TAB = "/skills/alice/pdf-tools/?tab=comments"


@pytest.fixture
def skill(alice) -> Skill:
    publish_skill(namespace=alice.namespace)
    return Skill.objects.get()


def sign_in_from(page, person) -> None:
    """Fill in the form that the page shows."""
    page.get_by_label("Name").fill(person.handle)
    page.get_by_label("Password").fill(password_of(person))
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize("scripted", [True, False], ids=["script", "no script"])
def test_write_delete_restore(site, page, browser, request, skill, charlie, scripted):
    if not scripted:
        plain = browser.new_context(java_script_enabled=False, viewport=DESKTOP)
        request.addfinalizer(plain.close)
        page = plain.new_page()
    page.goto(site + TAB)
    page.locator("#write").get_by_role("link", name="Sign in").click()
    sign_in_from(page, charlie)
    expect(page).to_have_url(site + TAB)

    page.get_by_label("Your comment").fill("First line\nSecond line")
    page.get_by_role("button", name="Comment", exact=True).click()

    row = page.locator(".comments li")
    expect(row).to_contain_text("First line")
    expect(page).to_have_url(f"{site}{TAB}#{row.get_attribute('id')}")
    row.get_by_role("button", name="Delete your comment").click()
    expect(row).to_contain_text("You deleted this comment.")
    row.get_by_role("button", name="Restore this comment").click()
    expect(page.get_by_text("Your comment is back.")).to_be_visible()
    expect(row.get_by_role("button", name="Delete your comment")).to_be_visible()
    skill.refresh_from_db()
    assert skill.comment_count == 1


def test_load_more_appends(site, page, skill, charlie):
    many_comments(skill, charlie, 70)
    page.goto(site + TAB)
    rows = page.locator(".comments > li:not(.load-more)")
    expect(rows).to_have_count(50)

    page.get_by_role("link", name="Load more").click()

    expect(rows).to_have_count(70)
    expect(page.get_by_role("link", name="Load more")).to_have_count(0)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_of_comments_breaks_a_rule_of_axe(
    site, page, skill, charlie, alice, mona, ada, size
):
    comment_on(skill, mona, "word " * 200)
    comment_on(skill, alice, "x" * 500)
    comment_on(skill, ada, "Mine.")
    comment = reported(skill, charlie, alice, text="An ad. " * 20)
    page.set_viewport_size(size)
    addresses = [TAB, f"/skills/alice/pdf-tools/comments/{comment.pk}/report/"]
    addresses += ["/staff/comments/", f"/staff/comments/{comment.pk}/"]
    page.goto(f"{site}/login/")
    sign_in_from(page, ada)
    faults = {}

    for address in addresses:
        assert page.goto(site + address).status == 200, address
        for scheme, told in broken_in_a_scheme(page).items():
            faults[f"{address}, {scheme}"] = told
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{address} scrolls sideways: {width}"

    assert faults == {}

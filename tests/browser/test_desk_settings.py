"""Settings and badges in a browser: they pass axe, hold a phone's width, and work by forms alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from moderation.services import settings
from skills.models import ReservedSlug, SkillBadge
from tests.browser.axe import broken, broken_in_a_scheme
from tests.browser.conftest import DESKTOP
from tests.browser.test_job_room import enter
from tests.factories.skills import publish_skill

pytestmark = pytest.mark.django_db(transaction=True)

NARROW = {"width": 360, "height": 740}
REASON = "It reads like a name of ours, and somebody would take it for our word. " * 4


@pytest.fixture
def filled(alice, ada):
    """Names, changes and badges, long ones among them."""
    settings.reserve_slug(slug="desk-lamp", reason=REASON[:290], actor=ada)
    settings.reserve_slug(slug="a-very-" + "long-" * 17 + "one", reason="Ours.", actor=ada)
    skill = publish_skill(namespace=alice.namespace, slug="pdf-tools").skill
    return SkillBadge.objects.create(
        skill=skill, kind="official", given_by=ada, reason=REASON[:290]
    )


@pytest.mark.parametrize("size", [DESKTOP, NARROW], ids=["desktop", "phone"])
def test_no_page_breaks_a_rule_of_axe(site, page, ada, filled, size):
    page.set_viewport_size(size)
    enter(site, page, ada)
    faults = {}
    addresses = {
        "settings": "/staff/settings/",
        "badges": "/staff/badges/?skill=@alice/pdf-tools",
        "take": f"/staff/badges/{filled.pk}/take/",
    }
    for name, address in addresses.items():
        assert page.goto(f"{site}{address}").status == 200, name
        for scheme, told in broken_in_a_scheme(page).items():
            faults[f"{name}, {scheme}"] = told
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{name} scrolls sideways: {width}"

    assert faults == {}


def test_a_refused_form_passes_axe_and_a_mended_one_is_saved(site, page, ada, filled):
    enter(site, page, ada)
    page.goto(f"{site}/staff/settings/")
    page.get_by_label("Slug", exact=True).fill("admin")
    page.get_by_label("Why").fill("Ours.")
    page.get_by_role("button", name="Reserve").click()

    expect(page.get_by_role("alert")).to_contain_text("Not saved.")
    assert broken(page) == ""
    page.get_by_label("Slug", exact=True).fill("floor-lamp")
    page.get_by_role("button", name="Reserve").click()

    expect(page.locator("tbody").first).to_contain_text("floor-lamp")
    assert ReservedSlug.objects.filter(slug="floor-lamp").exists()

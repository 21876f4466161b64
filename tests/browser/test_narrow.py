"""A phone: nothing scrolls sideways, whatever names people choose, and diffs can be read."""

from __future__ import annotations

import pytest

from tests.browser.conftest import PHONE
from tests.factories.skills import publish_skill

pytestmark = pytest.mark.django_db(transaction=True)

# As long as an import may bring, without a place to break.
LONG = "w" * 120
BASE = f"/skills/alice/{LONG}/"


@pytest.fixture
def _long(alice):
    for version in ("1.0.0", "1.1.0"):
        publish_skill(
            namespace=alice.namespace,
            slug=LONG,
            display_name=LONG,
            keep_slug=True,
            version=version,
            summary=LONG,
            topics=["t" * 40],
            changelog=LONG,
            files={"SKILL.md": f"# {LONG}\n", f"{LONG}.txt": f"{LONG * 3} {version}\n"},
        )


@pytest.mark.usefixtures("_long")
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/skills/",
        f"/skills/?q={LONG}",
        "/u/alice/",
        BASE,
        f"{BASE}?tab=files",
        f"{BASE}?tab=security",
        f"{BASE}versions/",
        f"{BASE}versions/1.0.0/",
        f"{BASE}versions/1.1.0/files/{LONG}.txt",
        f"{BASE}diff/1.0.0...1.1.0/",
    ],
)
def test_no_page_scrolls_sideways_for_a_long_name(site, page, path):
    page.set_viewport_size(PHONE)
    assert page.goto(f"{site}{path}").status == 200

    wide = page.evaluate(
        """() => [...document.querySelectorAll("main *")]
          .filter(e => e.getBoundingClientRect().right > innerWidth + 1
            && !e.closest(".code-body, .command, pre, .sr"))
          .map(e => e.outerHTML.slice(0, 90))"""
    )

    assert wide == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.usefixtures("_long")
def test_the_lines_of_a_diff_wrap(site, page):
    page.set_viewport_size(PHONE)
    page.goto(f"{site}{BASE}diff/1.0.0...1.1.0/")

    overflow = page.locator(".code-body").first.evaluate("e => e.scrollWidth - e.clientWidth")

    assert overflow <= 0

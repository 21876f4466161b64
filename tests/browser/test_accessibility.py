"""Every kind of page passes axe in light and dark, on a desk and on a phone."""

from __future__ import annotations

import pytest

from tests.browser.axe import broken_in_a_scheme
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.content import count, fill, fill_boards, fill_traces

ADDRESSES = {
    "home": "/",
    "browse": "/skills/?category=documents",
    "search": "/skills/?q=note",
    "empty search": "/skills/?q=nothing-like-this",
    "skill": "/skills/alice/pdf-tools/",
    "files": "/skills/alice/pdf-tools/?tab=files",
    "stats": "/skills/alice/pdf-tools/?tab=stats&days=90",
    "nothing counted": "/skills/alice/note-taker-00/?tab=stats",
    "security": "/skills/alice/pdf-tools/?tab=security",
    "versions": "/skills/alice/pdf-tools/versions/",
    "file": "/skills/alice/pdf-tools/versions/1.1.0/files/scripts/split.sh",
    "diff": "/skills/alice/pdf-tools/diff/1.0.0...1.1.0/",
    "author": "/u/alice/",
    "login": "/login/",
    "api": "/api/docs/",
    "api of traces": "/api/docs/traces/",
    "about": "/about/moderation/",
    "counts": "/about/counts/",
    "board": "/leaderboards/trending/",
    "whole board": "/leaderboards/trending/?window=30d&suspicious=1&to=100",
    "empty board": "/leaderboards/all-time/",
    "ranking": "/about/ranking/",
    "feeds": "/about/feeds/",
    "ai summaries": "/about/ai-summaries/",
    "traces": "/t/",
    "no traces": "/t/?agent=codex",
    "trace": "/s/rounding",
    "every message": "/s/rounding/full",
    "message": "/s/rounding/messages/event-5",
    "missing": "/skills/nobody/nothing/",
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_breaks_a_rule_of_axe(site, page, alice, size):
    fill(alice.namespace, 3)
    count()
    fill_boards()
    fill_traces(alice)
    page.set_viewport_size(size)
    faults = {}

    for name, address in ADDRESSES.items():
        answer = page.goto(f"{site}{address}")
        assert answer.status == (404 if name == "missing" else 200), name
        for scheme, told in broken_in_a_scheme(page).items():
            faults[f"{name}, {scheme}"] = told
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{name} scrolls sideways: {width}"

    assert faults == {}

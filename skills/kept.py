"""HTML kept in this process, because writing it costs more than reading the rows.

Cards are kept under everything they show, so a changed card is another key and nothing is ever
invalidated. Whole pages are kept for visitors without a session and served only after one indexed
statement said that the list is still the same, so what was hidden is gone in the next request.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
from django.http import HttpRequest, HttpResponse
from django.template.loader import get_template
from django.utils.html import escape
from django.utils.http import parse_etags
from django.utils.safestring import SafeString, mark_safe

from accounts.context import theme_of
from config.formats import relative_time
from config.kept import Kept, has_session, hash_text, set_caching
from config.text import mark_invisible
from skills import verdict
from skills.addresses import skill_url
from skills.listing import Card
from skills.slugs import CATEGORY_LABELS, DEFAULT_CATEGORY

# What surrounds a card's name and summary; no text in between holds a tag.
NAME: Final = ("<bdi>", "</bdi>")
SUMMARY: Final = ('<p class="summary" dir="auto">', "</p>")

CARDS_LIMIT_CHARS: Final = 12_000_000
FRAMES_LIMIT_BYTES: Final = 4_000_000
PAGES_LIMIT_BYTES: Final = 16_000_000
PAGE_SECONDS: Final = 60
"""Relative times on a kept page are at most this much behind."""

ETAG_SECONDS: Final = 3_600
"""A browser that already has the page may keep its relative times for this long."""


@dataclass(frozen=True)
class _Page:
    stamp: str
    made_at: float
    body: bytes


cards: Final[Kept[SafeString]] = Kept(CARDS_LIMIT_CHARS)
frames: Final[Kept[tuple[bytes, bytes]]] = Kept(FRAMES_LIMIT_BYTES)
pages: Final[Kept[_Page]] = Kept(PAGES_LIMIT_BYTES)


# --- Cards ----------------------------------------------------------------------------------------


def card_html(card: Card, now: datetime) -> SafeString:
    """Return the list item of a card. The key is all it shows, its relative time included."""
    key = (
        *card[:6],
        tuple(card.categories),
        tuple(card.topics),
        *card[8:],
        relative_time(card.updated_at, now),
    )
    html = cards.get(key)
    if html is None:
        html = _write_card(card, now)
        cards.put(key, html, len(html))
    return html


def marked_html(card: Card, now: datetime, mark: Callable[[str], SafeString]) -> SafeString:
    """Return the list item of a card in which `mark` turned name and summary into safe HTML."""
    html = _refilled(card_html(card, now), NAME, mark(card.display_name))
    if card.summary:
        html = _refilled(html, SUMMARY, mark(card.summary))
    return mark_safe(html)  # noqa: S308 - Safe texts in the place of escaped ones.


def _refilled(html: str, between: tuple[str, str], text: str) -> str:
    """Put another text between these tags, where they stand first."""
    opening, closing = between
    start = html.index(opening) + len(opening)
    return html[:start] + text + html[html.index(closing, start) :]


def _write_card(card: Card, now: datetime) -> SafeString:
    latest = orjson.loads(card.latest_version_summary)
    shown = {
        "url": skill_url(card.owner_handle, card.slug),
        "display_name": mark_invisible(card.display_name),
        "owner": card.owner_handle,
        "slug": card.slug,
        "word": verdict.word_of_active(card.moderation_reason, is_suspicious=card.is_suspicious),
        "badges": list(orjson.loads(card.badges)),
        "summary": mark_invisible(card.summary),
        "version": latest["version"],
        "license": latest.get("declaredLicense") or "",
        "updated": card.updated_at,
        "categories": [
            {"key": key, "label": CATEGORY_LABELS[key]}
            for key in card.categories
            if key != DEFAULT_CATEGORY
        ],
        "topics": card.topics,
        "downloads": card.downloads,
        "installs": card.installs_all_time,
        "stars": card.stars,
    }
    html = get_template("components/_skill_card.html").render({"skill": shown, "now": now})
    return mark_safe(html)  # noqa: S308 - A template's output.


def marker(words: list[str]) -> Callable[[str], SafeString]:
    """Return a function that escapes text and puts `<mark>` around each of the words."""
    pattern = re.compile(
        "|".join(map(re.escape, sorted(words, key=len, reverse=True))), re.IGNORECASE
    )

    def mark(text: str) -> SafeString:
        parts: list[str] = []
        end = 0
        for match in pattern.finditer(text):
            parts.append(mark_invisible(text[end : match.start()]))
            parts.append(f"<mark>{escape(match.group())}</mark>")
            end = match.end()
        parts.append(mark_invisible(text[end:]))
        return mark_safe("".join(parts))  # noqa: S308 - Every part is escaped.

    return mark if words else mark_invisible


# --- Frames ---------------------------------------------------------------------------------------

# No text of a visitor or an author looks like this: theirs is escaped.
ROWS_STAND_HERE: Final = mark_safe("<!-- rows -->")


def framed(
    request: HttpRequest, rows: str, *, key: Hashable, render: Callable[[], HttpResponse]
) -> HttpResponse:
    """Put rows into the page that `render` makes around `ROWS_STAND_HERE`.

    What surrounds the rows holds nothing of the database: it is kept under `key` and the colours,
    for visitors without a session.
    """
    kept_key = (key, theme_of(request))
    found = None if has_session(request) else frames.get(kept_key)
    if found is None:
        before, _mark, after = render().content.partition(ROWS_STAND_HERE.encode())
        found = before, after
        if not has_session(request):
            frames.put(kept_key, found, len(before) + len(after))
    return HttpResponse(b"".join((found[0], rows.encode(), found[1])))


# --- Pages ----------------------------------------------------------------------------------------


def answer(
    request: HttpRequest,
    *,
    key: Hashable,
    stamp: Callable[[], str],
    render: Callable[[], HttpResponse],
) -> HttpResponse:
    """Answer with a list page: 304, the kept one, or a fresh one.

    `stamp` is asked before `render`: a change between the two makes the kept page old at once,
    never wrong. `key` holds all that the page depends on beside the rows and the colours.
    """
    if has_session(request):
        return set_caching(request, render(), is_public=False)
    theme = theme_of(request)
    now = time.time()
    current = stamp()
    etag = f'W/"{hash_text(key, current, theme, int(now // ETAG_SECONDS))}"'
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        response = HttpResponse(status=304)
    else:
        response = _kept_or_fresh((key, theme), current, render)
    response.headers["ETag"] = etag
    return set_caching(request, response, is_public=True)


def _kept_or_fresh(key: Hashable, stamp: str, render: Callable[[], HttpResponse]) -> HttpResponse:
    now = time.monotonic()
    found = pages.get(key)
    if found is not None and found.stamp == stamp and now - found.made_at < PAGE_SECONDS:
        return HttpResponse(found.body)
    response = render()
    if response.status_code == 200:  # noqa: PLR2004
        body = response.content
        pages.put(key, _Page(stamp, now, body), len(body))
    return response

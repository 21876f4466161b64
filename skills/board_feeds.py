"""The Atom and JSON twins of a board: what the page shows, for programs that keep asking."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

import orjson
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import http_date, parse_etags
from django.views.decorators.http import require_safe

from config.formats import exact_count, machine_time
from config.text import clean_line
from skills import kept
from skills.addresses import author_url, skill_url
from skills.board_pages import (
    BoardQuery,
    BoardUnknown,
    Row,
    Shown,
    WindowRefused,
    board_query,
    read_board,
    twin_url,
)

FEED_ROWS: Final = 50
ATOM: Final = "http://www.w3.org/2005/Atom"
# Before the first build a feed still needs a moment, and always the same one.
NEVER: Final = datetime(2026, 1, 1, tzinfo=UTC)
# What XML 1.0 has no way to write, not even as a reference.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@require_safe
def atom(request: HttpRequest, board: str) -> HttpResponse:
    """Answer with the first ranks as an Atom feed."""
    return _twin(request, board, FEED_ROWS, write_atom, "application/atom+xml; charset=utf-8")


@require_safe
def json(request: HttpRequest, board: str) -> HttpResponse:
    """Answer with every rank as JSON."""
    return _twin(request, board, None, write_json, "application/json")


def write_json(query: BoardQuery, shown: Shown) -> bytes:
    """Return the board as a JSON document."""
    return orjson.dumps(document(query, shown))


def document(query: BoardQuery, shown: Shown) -> dict[str, Any]:
    """Return the board as programs read it; `generatedAt` is null before the first build."""
    header = shown.header
    counted = header and header.counted_until
    return {
        "board": query.board,
        "window": query.window,
        "generatedAt": header and machine_time(header.built_at),
        "countedUntil": counted and machine_time(counted),
        "snapshot": header and header.pk,
        "items": [_item(row) for row in shown.rows],
    }


def _item(row: Row) -> dict[str, Any]:
    card = row.card
    return {
        "rank": row.rank,
        "previousRank": row.previous_rank,
        "owner": card.owner_handle,
        "slug": card.slug,
        "name": card.display_name,
        "downloads": row.downloads,
        "installs": row.installs,
        "stars": row.stars,
        "status": row.word,
        "url": settings.SITE_URL + skill_url(card.owner_handle, card.slug),
    }


def write_atom(query: BoardQuery, shown: Shown) -> bytes:
    """Return the board as a feed. An entry is a skill: its id stays while its rank changes."""
    page, feed = (settings.SITE_URL + twin_url(query, end) for end in ("/", ".atom"))
    updated = shown.header.built_at if shown.header else NEVER
    entries = "".join(_entry(page, row) for row in shown.rows)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="{ATOM}" xml:lang="en">\n'
        f"<id>{escape(page)}</id>\n"
        f"<title>{escape(query.title)} · Skillboard</title>\n"
        f"<updated>{machine_time(updated)}</updated>\n"
        f'<link rel="self" type="application/atom+xml" href={quoteattr(feed)}/>\n'
        f'<link rel="alternate" type="text/html" href={quoteattr(page)}/>\n'
        f"<author><name>Skillboard</name><uri>{escape(settings.SITE_URL)}/</uri></author>\n"
        f"{entries}</feed>\n"
    ).encode()


def _entry(page: str, row: Row) -> str:
    card = row.card
    url = settings.SITE_URL + skill_url(card.owner_handle, card.slug)
    author = settings.SITE_URL + author_url(card.owner_handle)
    told = f"{exact_count(row.downloads)} downloads, {exact_count(row.installs)} new installs"
    return (
        f"<entry>\n<id>{escape(page)}#skill-{card.skill_id}</id>\n"
        f"<title>{row.rank}. {_text(card.display_name, 200)}</title>\n"
        f"<updated>{machine_time(card.updated_at)}</updated>\n"
        f'<link rel="alternate" type="text/html" href={quoteattr(url)}/>\n'
        f"<author><name>{_text(card.owner_handle, 64)}</name><uri>{escape(author)}</uri></author>\n"
        f"<summary>{_text(card.summary, 300)} ({told}; {row.word})</summary>\n</entry>\n"
    )


def _text(text: str, limit: int) -> str:
    """Escape what a stranger wrote, without characters that hide or that XML cannot hold."""
    return escape(_NOT_XML.sub("", clean_line(text, limit)))


def _twin(
    request: HttpRequest,
    board: str,
    limit: int | None,
    write: Callable[[BoardQuery, Shown], bytes],
    content_type: str,
) -> HttpResponse:
    suspicious = request.GET.get("suspicious", "") == "1"
    try:
        query = board_query(board, request.GET.get("window", ""), with_suspicious=suspicious)
    except BoardUnknown:
        raise Http404 from None
    except WindowRefused as refusal:
        return HttpResponse(refusal.message, status=400, content_type="text/plain; charset=utf-8")
    shown = read_board(query, **({} if limit is None else {"limit": limit}))
    return revalidated(request, write(query, shown), content_type, shown)


def revalidated(request: HttpRequest, body: bytes, content_type: str, shown: Shown) -> HttpResponse:
    """Answer with `body`, or 304 to whoever has it.

    Only the ETag decides. The build's time is told, but asked back alone it would keep alive what
    was hidden since.
    """
    etag = f'"{kept.hash_text(body)}"'
    known = {
        tag.removeprefix("W/") for tag in parse_etags(request.headers.get("If-None-Match", ""))
    }
    response = HttpResponse(status=304) if etag in known else HttpResponse(body)
    response.headers["Content-Type"] = content_type
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "public, max-age=60"
    if shown.header:
        response.headers["Last-Modified"] = http_date(shown.header.built_at.timestamp())
    return response

"""The Atom and JSON twins of a board: what the page shows, for programs that keep asking."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import orjson
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from config.feeds import ATOM_TYPE, JSON_TYPE, atom_feed, revalidated, xml_text
from config.formats import exact_count, machine_time
from skills.addresses import skill_url
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
from skills.feed_entries import skill_entry

FEED_ROWS: Final = 50


@require_safe
def atom(request: HttpRequest, board: str) -> HttpResponse:
    """Answer with the first ranks as an Atom feed."""
    return _twin(request, board, FEED_ROWS, write_atom, ATOM_TYPE)


@require_safe
def json(request: HttpRequest, board: str) -> HttpResponse:
    """Answer with every rank as JSON."""
    return _twin(request, board, None, write_json, JSON_TYPE)


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
    return atom_feed(
        page=page,
        feed=feed,
        title=query.title,
        updated=built_at(shown),
        entries="".join(_entry(page, row) for row in shown.rows),
    )


def _entry(page: str, row: Row) -> str:
    counts = f"{exact_count(row.downloads)} downloads, {exact_count(row.installs)} new installs"
    title = f"{row.rank}. {xml_text(row.card.display_name, 200)}"
    return skill_entry(page, row.card, title=title, told=f"{counts}; {row.word}")


def built_at(shown: Shown) -> datetime | None:
    """Return when the board was built; None before the first time."""
    return shown.header.built_at if shown.header else None


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
    return revalidated(request, write(query, shown), content_type, built_at(shown))

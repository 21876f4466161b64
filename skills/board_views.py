"""Pages of leaderboards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import orjson
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import Truncator
from django.views.decorators.http import require_safe

from config.charts import sparkline
from config.formats import exact_count
from config.htmx import wants_partial
from config.text import mark_invisible
from skills import kept
from skills.addresses import author_url, skill_url
from skills.board_images import image_url
from skills.board_pages import (
    DEFAULT_WINDOW,
    MORE_ROWS,
    PAGE_ROWS,
    WINDOWS,
    BoardFilter,
    BoardUnknown,
    Row,
    Shown,
    read_board,
    twin_url,
)
from skills.models.leaderboard import Board, Window
from skills.ranking import BOARD_SIZE
from skills.slugs import DEFAULT_CATEGORY

SUMMARY_CHARACTERS: Final = 64
"""Nearly a line, so that fifty rows stay a light page."""

NO_SNAPSHOT: Final = 0
"""The id of no snapshot."""

GONE_NOTICE: Final = "That ranking is no longer kept; this is the newest one."


@require_safe
def board(request: HttpRequest, board: str) -> HttpResponse:
    """Show a board: the newest snapshot of it, or the one named while it is kept."""
    try:
        asked = BoardFilter.parse(board, request.GET)
    except BoardUnknown:
        raise Http404 from None
    if not asked.is_canonical(request.GET):
        return redirect(asked.url())
    partial = wants_partial(request)
    first = asked.to - MORE_ROWS + 1 if partial and asked.to > PAGE_ROWS else 1
    shown = read_board(asked.query, snapshot=asked.snapshot, first=first, last=asked.to)
    template = "public/_board_rows.html" if partial else "public/board.html"
    response = kept.answer(
        request,
        key=("board", _kept_as(asked, shown), partial),
        stamp=lambda: shown.stamp,
        render=lambda: render(request, template, _context(asked, shown)),
    )
    if partial:
        response.headers["HX-Replace-Url"] = asked.url()
    return response


def _is_gone(asked: BoardFilter, shown: Shown) -> bool:
    """Say whether another snapshot was named than is shown."""
    return shown.header is not None and asked.snapshot not in {None, shown.header.pk}


def _kept_as(asked: BoardFilter, shown: Shown) -> BoardFilter:
    """Return what the page is kept as: the same for every snapshot that is not there."""
    if asked.snapshot is None or (shown.header and asked.snapshot == shown.header.pk):
        return asked
    return replace(asked, snapshot=NO_SNAPSHOT)


def _context(asked: BoardFilter, shown: Shown) -> dict[str, Any]:
    header, query = shown.header, asked.query
    size = min(header.entry_count if header else 0, BOARD_SIZE)
    return {
        "asked": asked,
        "shown": shown,
        "rows": [row_of(row) for row in shown.rows],
        "next_url": asked.url(to=asked.to + MORE_ROWS, snapshot=header and header.pk)
        if asked.to < size
        else None,
        "next_ranks": f"{asked.to + 1} to {min(asked.to + MORE_ROWS, size)} of {size}",
        "notices": [*asked.notices, *([GONE_NOTICE] if _is_gone(asked, shown) else [])],
        "newest_url": asked.url(snapshot=None, to=PAGE_ROWS),
        "boards": _boards(asked),
        "windows": _windows(asked),
        "suspicious_url": asked.of(with_suspicious=not query.with_suspicious),
        "atom_url": twin_url(query, ".atom"),
        "json_url": twin_url(query, ".json"),
        "canonical": settings.SITE_URL + asked.of(with_suspicious=False),
        "is_indexable": not (set(asked.parameters()) - {"window"}),
        "image": settings.SITE_URL + image_url(query, shown.rows),
    }


def _boards(asked: BoardFilter) -> list[dict[str, Any]]:
    return [
        {
            "label": board.label,
            "url": asked.of(board=board, window=DEFAULT_WINDOW[board]),
            "current": board == asked.query.board,
        }
        for board in Board
    ]


def _windows(asked: BoardFilter) -> list[dict[str, Any]]:
    """Return the windows to choose from; none where there is no choice."""
    choices = WINDOWS[asked.query.board]
    return [
        {
            "label": Window(window).label,
            "url": asked.of(window=window),
            "current": window == asked.query.window,
        }
        for window in choices
        if len(choices) > 1
    ]


def row_of(row: Row) -> dict[str, Any]:
    """Return a rank as the page shows it."""
    card = row.card
    categories = [key for key in card.categories if key != DEFAULT_CATEGORY]
    most = exact_count(max(row.days))
    return {
        "rank": row.rank,
        "movement": movement(row),
        "url": skill_url(card.owner_handle, card.slug),
        "name": mark_invisible(card.display_name),
        "summary": mark_invisible(Truncator(card.summary).chars(SUMMARY_CHARACTERS)),
        "owner": card.owner_handle,
        "owner_url": author_url(card.owner_handle),
        "category": categories[0] if categories else "",
        "downloads": row.downloads,
        "share": f"{row.downloads / max(row.most_downloads, 1):.3f}",
        "installs": row.installs,
        "spark": sparkline(row.days, label=f"At most {most} a day"),
        "word": row.word,
        "badges": list(orjson.loads(card.badges)),
    }


def movement(row: Row) -> dict[str, str]:
    """Return how a rank moved in a day: what is seen, what is read aloud, the tone."""
    if row.previous_rank is None:
        return {"sign": "NEW", "words": "", "tone": "plus"}
    places = row.previous_rank - row.rank
    if not places:
        return {"sign": "=", "words": "same place", "tone": ""}
    noun = "place" if abs(places) == 1 else "places"
    if places > 0:
        return {"sign": f"▲{places}", "words": f"up {places} {noun}", "tone": "plus"}
    return {"sign": f"▼{-places}", "words": f"down {-places} {noun}", "tone": "minus"}

"""Boards for programs: `trending` of the contract, and any board with ranks and movement."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import P, QueryEx, Router

from config.api import json_response
from config.feeds import JSON_TYPE, revalidated
from config.pagination import parse_limit
from skills import serializers
from skills.api import is_true, reads
from skills.board_feeds import built_at, write_json
from skills.board_pages import Shown, board_query, read_board

router = Router(tags=["boards"])


@router.get("/trending", summary="Trending skills")
@reads
def trending(
    request: HttpRequest,  # noqa: ARG001
    *,
    window: QueryEx[str, P(description="`24h`, `7d` (by default) or `30d`")] = "",
    limit: QueryEx[str, P(description="1 to 200, 25 by default")] = "",
    non_suspicious_only: QueryEx[str, P(alias="nonSuspiciousOnly")] = "",
    non_suspicious: QueryEx[str, P(alias="nonSuspicious")] = "",
) -> HttpResponse:
    """The newest trending board as a list of skills with their ranks; one page."""
    clean = is_true(non_suspicious_only) or is_true(non_suspicious)
    query = board_query("trending", window, with_suspicious=not clean)
    shown = read_board(query, limit=parse_limit(limit))
    return json_response({"items": _ranked_items(shown), "nextCursor": None})


@router.get("/leaderboards/{board}", summary="A leaderboard")
@reads
def leaderboard(
    request: HttpRequest,
    board: str,
    *,
    window: QueryEx[str, P(description="one of the board's windows, such as `7d`")] = "",
    suspicious: QueryEx[str, P(description="`1`: suspicious skills are on it, too")] = "",
) -> HttpResponse:
    """Every rank of the newest snapshot, with the rank of a day before."""
    query = board_query(board, window, with_suspicious=is_true(suspicious))
    shown = read_board(query)
    return revalidated(request, write_json(query, shown), JSON_TYPE, built_at(shown))


def _ranked_items(shown: Shown) -> list[dict[str, Any]]:
    """Return list items that say where they stand and what that rank is made of."""
    return [
        serializers.list_item(row.card)
        | {"rank": row.rank, "previousRank": row.previous_rank, "windowDownloads": row.downloads}
        for row in shown.rows
    ]

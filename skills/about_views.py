"""Pages about the site that explain what the skills app decides."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from skills import ranking
from skills.board_pages import DEFAULT_WINDOW, BoardQuery, twin_url
from skills.boards import BOARDS
from skills.models.leaderboard import Board
from skills.skill_stats import DEFINITIONS

HOUR: Final = timedelta(hours=1)


@require_safe
def counts(request: HttpRequest) -> HttpResponse:
    """Say what each number means, when it is counted, and what is kept to count it."""
    definitions = list(DEFINITIONS.items())
    return render(request, "public/about_counts.html", {"definitions": definitions})


@require_safe
def rules(request: HttpRequest) -> HttpResponse:
    """Say how boards are ranked; every number comes from the module that ranks."""
    context = {
        "ranking": ranking,
        "rising_window_days": ranking.WINDOW_DAYS[DEFAULT_WINDOW[Board.RISING]],
        "movement_hours": ranking.MOVEMENT_SPAN // HOUR,
        "leeway_hours": ranking.MOVEMENT_LEEWAY // HOUR,
    }
    return render(request, "public/about_ranking.html", context)


@require_safe
def feeds(request: HttpRequest) -> HttpResponse:
    """List every feed."""
    queries = [BoardQuery(board, window) for board, window in BOARDS]
    rows = [
        {"title": query.title} | {name: twin_url(query, end) for name, end in TWINS.items()}
        for query in queries
    ]
    return render(request, "public/about_feeds.html", {"feeds": rows})


TWINS: Final = {"page": "/", "atom": ".atom", "json": ".json"}

"""Builds the demo's boards: of now, and of every day before that is kept, so that ranks move."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import F

from skills.boards import BOARDS, DAYS_KEPT, build, build_all
from skills.models import Leaderboard
from skills.ranking import WINDOW_DAYS

DAY: Final = timedelta(days=1)


def build_demo_boards(anchor: datetime) -> None:
    """Build the boards of days for each day until `anchor`, then every board as of `anchor`.

    Only where none stands yet: a second run must not write history again.
    """
    if Leaderboard.objects.exists():
        return
    of_days = [(board, window) for board, window in BOARDS if window in WINDOW_DAYS]
    for days in range(DAYS_KEPT // DAY - 1, 0, -1):
        for board, window in of_days:
            build(board, window, anchor - days * DAY)
    list(build_all(anchor))
    # No fold has run: what there is to count was written as of these moments.
    Leaderboard.objects.filter(counted_until=None).update(counted_until=F("built_at"))

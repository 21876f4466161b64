"""Builds the demo's boards: of now, and of days before, so that ranks move and have a history."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from skills.boards import BOARDS, DAYS_KEPT, build, build_all
from skills.models import Leaderboard, SkillDailyStat, SkillTotal
from skills.models.leaderboard import Board, Window
from skills.ranking import WINDOW_DAYS

DAY: Final = timedelta(days=1)


def build_demo_boards(anchor: datetime) -> None:
    """Build the boards of days for each day until `anchor`, then every board as of `anchor`.

    Of the two others one day before is enough, for movement: no chart is drawn of them.

    Only where none stands yet: a second run must not write history again.
    """
    if Leaderboard.objects.exists():
        return
    of_days = [(board, window) for board, window in BOARDS if window in WINDOW_DAYS]
    for days in range(DAYS_KEPT // DAY - 1, 0, -1):
        for board, window in of_days:
            build(board, window, anchor - days * DAY)
    build(Board.TRENDING, Window.DAY, anchor - DAY)
    _build_all_time(anchor - DAY)
    list(build_all(anchor))
    # No fold has run: what there is to count was written as of these moments.
    Leaderboard.objects.filter(counted_until=None).update(counted_until=F("built_at"))


@transaction.atomic
def _build_all_time(moment: datetime) -> None:
    """Build the board of totals as it stood that day: what was counted since is taken off a while.

    Nobody sees the totals meanwhile, and a kill leaves them as they were.
    """
    since = SkillDailyStat.objects.filter(skill=OuterRef("pk"), day__gt=moment.date())
    downloads = Subquery(since.values("skill").annotate(n=Sum("downloads")).values("n"))
    SkillTotal.objects.update(downloads=F("downloads") - Coalesce(downloads, 0))
    build(Board.ALL_TIME, Window.EVER, moment)
    SkillTotal.objects.update(downloads=F("downloads") + Coalesce(downloads, 0))

"""Building leaderboards: from counts to a dated snapshot that is never changed afterwards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import connection, transaction
from django.db.models import Sum
from psycopg.sql import SQL, Identifier

from config.statements import statement
from jobs.models import JobRun
from skills import ranking, verdict
from skills.models import (
    Leaderboard,
    LeaderboardEntry,
    SkillDailyStat,
    SkillHourlyStat,
    SkillTotal,
)
from skills.models.leaderboard import Board, Window
from skills.models.stats import Counts
from skills.ranking import Candidate

BOARDS: Final = (
    (Board.TRENDING, Window.DAY),
    (Board.TRENDING, Window.WEEK),
    (Board.TRENDING, Window.MONTH),
    (Board.RISING, Window.WEEK),
    (Board.ALL_TIME, Window.EVER),
)
"""Every board there is, with each of its windows."""

ALL_KEPT: Final = timedelta(hours=26)
"""Every snapshot, so that movement over a day always finds one; afterwards one of each UTC day."""

DAYS_KEPT: Final = timedelta(days=30)

FIRST_KEEP: Final = 500
"""Two boards of 200 and some to spare for suspicious skills and owners with many."""

KEEP_GROWTH: Final = 10
EVERY_ID: Final = 2**63 - 1
COUNTER: Final = "fold_events"


@dataclass(frozen=True)
class Built:
    """What a build published: the snapshot with suspicious skills, and the one without."""

    everything: Leaderboard
    plain: Leaderboard


def build_all(now: datetime, *, after: int = 0) -> Iterator[int]:
    """Build every board, from the one at `after` on; yield the number of those built so far."""
    for number, (board, window) in enumerate(BOARDS[after:], start=after + 1):
        build(board, window, now)
        yield number


def build(board: Board, window: Window, now: datetime) -> Built:
    """Build both variants of a board and publish them in one transaction.

    Whoever reads meanwhile sees the snapshot before. Two builds at once, or one killed and done
    again, leave whole snapshots, of which the newest counts.
    """
    # Asked first: what is folded after this moment may be in the numbers, what was before it is.
    counted_until = JobRun.objects.last_success_at(COUNTER)
    source = _source(window, now)
    candidates = _candidates(board, source, now)
    everything = ranking.ranked(candidates)
    plain = ranking.ranked(c for c in candidates if not c.is_suspicious)
    days = _days({c.skill_id for c in (*everything, *plain)}, now)
    told = {
        "board": board,
        "window": window,
        "built_at": now,
        "counted_until": counted_until,
        "suspicious_count": sum(c.is_suspicious for c in everything),
        "window_downloads": _downloads(source),
    }
    with transaction.atomic():
        return Built(
            _publish(everything, days, with_suspicious=True, **told),
            _publish(plain, days, with_suspicious=False, **told),
        )


def prune_snapshots(now: datetime) -> int:
    """Delete the snapshots that are past their time; return how many."""
    old = Leaderboard.objects.filter(built_at__lt=now - ALL_KEPT)
    kept: set[int] = set()
    for board, window in BOARDS:
        for with_suspicious in (True, False):
            rows = old.of(board, window, with_suspicious=with_suspicious)
            kept |= _last_of_days(rows.values_list("pk", "built_at"), now - DAYS_KEPT)
    gone = list(old.exclude(pk__in=kept).values_list("pk", flat=True))
    with transaction.atomic():
        Leaderboard.objects.filter(pk__in=gone).delete()
    return len(gone)


def _last_of_days(newest_first: Iterable[tuple[int, datetime]], since: datetime) -> set[int]:
    """Return the last snapshot of each UTC day."""
    last: dict[date, int] = {}
    for pk, built_at in newest_first:
        if built_at >= since:
            last.setdefault(built_at.date(), pk)
    return set(last.values())


class Source(NamedTuple):
    """The rows that count a window: a table, and from where to where a column of it goes."""

    model: type[Counts]
    period: str
    first: datetime | date | int
    last: datetime | date | int


def _source(window: Window, now: datetime) -> Source:
    if window == Window.EVER:
        # Totals have no time: every skill's row is in the window.
        return Source(SkillTotal, "skill_id", 0, EVERY_ID)
    if window == Window.DAY:
        return Source(SkillHourlyStat, "hour", *ranking.completed_hours(now))
    return Source(SkillDailyStat, "day", *ranking.days_until(now, ranking.WINDOW_DAYS[window]))


def _candidates(board: Board, source: Source, now: datetime) -> list[Candidate]:
    """Return the candidates that decide both variants of a board.

    Few are enough, unless one owner, suspicious skills or equals fill the head of the list; then it
    asks again for more. So a board is never short while there are skills to fill it.
    """
    names = {"counts": source.model._meta.db_table, "period": source.period}
    query = SQL(statement("skills/board_candidates")).format(
        **{place: Identifier(name) for place, name in names.items()}
    )
    told = {
        "first": source.first,
        "last": source.last,
        "born_after": now - timedelta(days=ranking.RISING_DAYS) if board == Board.RISING else None,
        "unscanned": verdict.UNSCANNED_PATTERN,
    }
    keep = FIRST_KEEP
    while True:
        with connection.cursor() as cursor:
            cursor.execute(query, told | {"keep": keep})
            rows = cursor.fetchall()
        # A row without an owner is of a skill that was deleted beside us.
        found = [Candidate(*row) for row in rows if row[1] is not None]
        if len(rows) < keep:
            return found
        found = _above_the_cut(found, rows[-1])
        plain = [candidate for candidate in found if not candidate.is_suspicious]
        if ranking.is_settled(found) and ranking.is_settled(plain):
            return found
        keep *= KEEP_GROWTH


def _above_the_cut(found: list[Candidate], last: tuple[Any, ...]) -> list[Candidate]:
    """Leave out those who count the same as the last row: some of their equals may be missing."""
    counted = tuple(last[2:5])
    return [c for c in found if (c.downloads, c.installs, c.stars) != counted]


def _downloads(source: Source) -> int:
    """Return the downloads of all skills in the window, on the board or not: one statement."""
    window = {f"{source.period}__gte": source.first, f"{source.period}__lte": source.last}
    counted = source.model._base_manager.filter(**window).aggregate(n=Sum("downloads"))
    return counted["n"] or 0


def _days(skill_ids: set[int], now: datetime) -> dict[int, list[int]]:
    """Return the downloads of the last days of each skill, oldest first: one statement."""
    first, last = ranking.days_until(now, ranking.SPARKLINE_DAYS)
    days: dict[int, list[int]] = defaultdict(lambda: [0] * ranking.SPARKLINE_DAYS)
    rows = SkillDailyStat.objects.filter(skill__in=skill_ids, day__range=(first, last))
    for skill_id, day, downloads in rows.values_list("skill_id", "day", "downloads"):
        days[skill_id][(day - first).days] = downloads
    return days


def _publish(
    board_order: list[Candidate],
    days: dict[int, list[int]],
    *,
    with_suspicious: bool,
    **told: Any,
) -> Leaderboard:
    """Write one variant: its header and its entries."""
    before = (
        Leaderboard.objects.of(told["board"], told["window"], with_suspicious=with_suspicious)
    ).nearest_to(told["built_at"] - ranking.MOVEMENT_SPAN, within=ranking.MOVEMENT_LEEWAY)
    ranks = dict(before.entries.values_list("skill_id", "rank")) if before else {}
    header = Leaderboard.objects.create(
        with_suspicious=with_suspicious,
        compared_with=before,
        entry_count=len(board_order),
        top_downloads=board_order[0].downloads if board_order else 0,
        **told,
    )
    LeaderboardEntry.objects.bulk_create(
        LeaderboardEntry(
            leaderboard=header,
            rank=rank,
            skill_id=candidate.skill_id,
            previous_rank=ranks.get(candidate.skill_id),
            downloads=candidate.downloads,
            installs=candidate.installs,
            stars=candidate.stars,
            days=days[candidate.skill_id],
        )
        for rank, candidate in enumerate(board_order, start=1)
    )
    return header

"""What was counted of one skill: totals, a series of days, ranks, and the charts of them.

Unknown is None and never 0: a day before the skill or the counting began, or after the last fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db.models import Subquery
from django.utils.safestring import SafeString

from config import charts
from config.formats import calendar_day, change, exact_count
from skills.models import Board, Leaderboard, Skill, SkillDailyStat, SkillTotal, Window

DAY: Final = timedelta(days=1)
WEEK_DAYS: Final = 7
HEAD_DAYS: Final = 30
RANK_DAYS: Final = 30
MIN_SPARK: Final = 2

DEFINITIONS: Final = {
    "downloads": "A download counts once per skill, person or address, and UTC day.",
    "installs": "An install counts once per skill and person.",
    "current installs": "Installs that a client has reported in the last 60 days.",
    "stars": "The number of people who have starred the skill.",
    "versions": "The published versions whose files can be read.",
}
"""What each number means, in the words of every page."""


class Totals(NamedTuple):
    """What ever happened to a skill, as shown; None where nothing was ever counted."""

    downloads: int | None
    installs: int | None
    current_installs: int | None
    stars: int


def totals_of(skill: Skill, counted_at: datetime | None) -> Totals:
    """Return the live totals; no statement for a skill that was read with its `total`."""
    try:
        total = skill.total
    except SkillTotal.DoesNotExist:
        none = None if counted_at is None else 0
        return Totals(none, none, none, 0)
    return Totals(
        max(total.downloads, 0),
        max(total.installs_all_time, 0),
        max(total.installs_current, 0),
        max(total.stars, 0),
    )


# --- Days -----------------------------------------------------------------------------------------


class Day(NamedTuple):
    """The counts of one UTC day; None where it is not known."""

    day: date
    downloads: int | None = None
    installs: int | None = None
    stars: int | None = None


def series_of(skill: Skill, days: int, *, now: datetime, counted_at: datetime | None) -> list[Day]:
    """Return the last UTC days, oldest first, today the last: one statement.

    A day without a row is 0 if it lies between the beginning of the count, of this skill or of
    all, and the last fold.
    """
    today = now.astimezone(UTC).date()
    first = today - (days - 1) * DAY
    ever = SkillDailyStat.objects.order_by("day").values("day")[:1]
    rows = {
        day: (Day(day, downloads, installs, stars), began)
        for day, downloads, installs, stars, began in SkillDailyStat.objects.of_days(
            skill.pk, first, today
        ).values_list("day", "downloads", "installs_new", "stars", Subquery(ever))
    }
    known = _known(skill, {day: began for day, (_row, began) in rows.items()}, counted_at)
    every = [first + n * DAY for n in range(days)]
    none = 0, 0, 0
    return [
        rows[day][0] if day in rows else Day(day, *none) if day in known else Day(day)
        for day in every
    ]


class _Span(NamedTuple):
    first: date
    last: date

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last


def _known(skill: Skill, rows: dict[date, date], counted_at: datetime | None) -> _Span:
    """Return the days of which it is known that nothing happened, if there is no row."""
    born = skill.created_at.astimezone(UTC).date()
    if counted_at is None:
        return _Span(date.max, date.min)
    began = max([born, *list(rows.values())[:1]])
    return _Span(min([began, *rows]), counted_at.astimezone(UTC).date())


def weekly_change(values: Sequence[int | None]) -> str:
    """Return how the last seven full days differ from the seven before, the last value is today."""
    this, before = values[-WEEK_DAYS - 1 : -1], values[-2 * WEEK_DAYS - 1 : -WEEK_DAYS - 1]
    return change(_sum(this), _sum(before))


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == WEEK_DAYS == len(values) else None


def spark(values: Sequence[int | None], name: str) -> SafeString:
    """Return the line of a month's known days; nothing for less than two."""
    known = [value for value in values[-HEAD_DAYS:] if value is not None]
    if len(known) < MIN_SPARK:
        return SafeString()
    return charts.sparkline(known, label=f"{name.capitalize()} per day, the last {len(known)} days")


# --- Charts ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chart:
    """A drawing, the sentence that says what it shows, and its numbers as a table."""

    name: str
    title: str
    sentence: str
    svg: str = ""
    columns: tuple[str, ...] = ()
    rows: Sequence[tuple[str, str]] = ()


def chart_of_days(series: Sequence[Day], column: str, title: str) -> Chart:
    """Draw one count of a series; only a sentence where nothing was counted."""
    days: list[tuple[date, int | None]] = [(row.day, getattr(row, column)) for row in series]
    known = [(day, number) for day, number in days if number is not None]
    total, period = sum(number for _day, number in known), f"these {len(days)} days"
    if not total:
        told = f"No {column} were counted in {period}." if known else f"{period} are not counted."
        return Chart(column, title, told[0].upper() + told[1:])
    best, most = max(known, key=lambda pair: pair[1])
    return Chart(
        column,
        title,
        f"{exact_count(total)} {column if total > 1 else column.removesuffix('s')} in {period},"
        f" at most {exact_count(most)} on one day, {calendar_day(best)}.{_gaps(days, known)}",
        charts.bars(days, label=title, partial_last=known[-1][0] == days[-1][0]),
        ("UTC day", column.capitalize()),
        [(calendar_day(day), exact_count(number)) for day, number in reversed(days)],
    )


def _gaps(days: Sequence[Any], known: Sequence[Any]) -> str:
    missing = len(days) - len(known)
    few = "day is" if missing == 1 else "days are"
    return f" {missing} {few} not known and left empty." if missing else ""


def chart_of_ranks(skill: Skill, *, now: datetime) -> Chart:
    """Draw where a skill stood on the 7-day trending board each day: one statement.

    Read from the board without suspicious skills unless the skill is one.
    """
    today = now.astimezone(UTC).date()
    days = [today - n * DAY for n in reversed(range(RANK_DAYS))]
    since = datetime(days[0].year, days[0].month, days[0].day, tzinfo=UTC)
    snapshots = Leaderboard.objects.of(
        Board.TRENDING, Window.WEEK, with_suspicious=skill.is_suspicious
    )
    # The last snapshot of a day decides: a skill that left the board since has no rank that day.
    of_day: dict[date, int | None] = {}
    for built_at, rank in snapshots.ranks_of(skill.pk, since):
        of_day.setdefault(built_at.astimezone(UTC).date(), rank)
    return _drawn_ranks([(day, of_day.get(day)) for day in days])


def _drawn_ranks(days: Sequence[tuple[date, int | None]]) -> Chart:
    title = "Rank among trending skills of 7 days"
    known = [(day, rank) for day, rank in days if rank is not None]
    if not known:
        return Chart("rank", title, f"Not among the first 200 in these {len(days)} days.")
    best_day, best = min(known, key=lambda pair: pair[1])
    last_day, last = known[-1]
    return Chart(
        "rank",
        title,
        f"On the board on {len(known)} of {len(days)} days: best #{best} on"
        f" {calendar_day(best_day)}, last #{last} on {calendar_day(last_day)}.",
        charts.ranks(days, label=title),
        ("UTC day", "Rank"),
        [(calendar_day(day), f"#{rank}" if rank else "—") for day, rank in reversed(days)],
    )

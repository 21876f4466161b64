"""Events and counts, and the truth they are compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime

from django.db import connection, models
from django.utils import timezone

from skills.fold import fold_until_drained
from skills.models import (
    EventKind,
    Skill,
    SkillDailyStat,
    SkillHourlyStat,
    SkillTotal,
    StatEvent,
)

COLUMNS = ("downloads", "installs_new", "installs_all_time", "installs_current", "stars")
# What one event of each kind adds to each column; a clear adds its delta to the last but one.
EFFECTS = {
    EventKind.DOWNLOAD: {"downloads": 1},
    EventKind.STAR: {"stars": 1},
    EventKind.UNSTAR: {"stars": -1},
    EventKind.INSTALL_NEW: {"installs_new": 1, "installs_all_time": 1, "installs_current": 1},
    EventKind.INSTALL_REACTIVATE: {"installs_current": 1},
    EventKind.INSTALL_DEACTIVATE: {"installs_current": -1},
    EventKind.INSTALL_CLEAR: {"installs_all_time": -1},
}


def queue(skill: Skill, kind: EventKind, *times: datetime, count: int = 1, delta: int = 0) -> None:
    """Queue `count` events of a kind at each of these times (now, if none is given)."""
    StatEvent.objects.bulk_create(
        StatEvent(skill_id=skill.pk, kind=kind, occurred_at=when, delta=delta)
        for when in times or (timezone.now(),)
        for _ in range(count)
    )


def counted(**counts: int) -> dict[str, int]:
    """The five columns, 0 where nothing is said."""
    return dict.fromkeys(COLUMNS, 0) | counts


def daily(skill: Skill) -> dict[date, dict[str, int]]:
    rows = SkillDailyStat.objects.filter(skill=skill).values("day", *COLUMNS)
    return {row.pop("day"): row for row in rows}


def hourly(skill: Skill) -> dict[datetime, dict[str, int]]:
    rows = SkillHourlyStat.objects.filter(skill=skill).values("hour", *COLUMNS)
    return {row.pop("hour"): row for row in rows}


def total(skill: Skill) -> dict[str, int]:
    return SkillTotal.objects.filter(skill=skill).values(*COLUMNS).get()


def fold() -> int:
    return fold_until_drained()


def truth(events: Iterable[tuple[int, int, int]]) -> dict[int, dict[str, int]]:
    """What (skill, kind, delta) events add up to, per skill, by plain counting."""
    sums: dict[int, Counter[str]] = {}
    for skill_id, kind, delta in events:
        of_skill = sums.setdefault(skill_id, Counter())
        for column, change in EFFECTS[EventKind(kind)].items():
            of_skill[column] += change
        of_skill["installs_current"] += delta
    return {skill_id: counted(**found) for skill_id, found in sums.items()}


@contextmanager
def unusable(model: type[models.Model]) -> Iterator[None]:
    """Take a table away for a while, as a database that is half there would."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO away")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE away RENAME TO {table}")

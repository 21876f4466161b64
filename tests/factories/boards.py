"""Skills that may be on a board, what happened to them, and boards made of it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from accounts.models import Namespace
from jobs.models import JobRun, RunState, Trigger
from skills import boards
from skills.models import Skill, SkillDailyStat, SkillHourlyStat, SkillTotal
from skills.models.leaderboard import Board, Window
from skills.verdict import SCAN_CLEAN
from tests.factories.bulk import list_skills
from tests.factories.skills import NamespaceFactory

SUSPICIOUS = {"moderation_flags": ["flagged.suspicious"], "moderation_reason": "manual.caution"}


def decided(namespace: Namespace | None = None, **columns: Any) -> Skill:
    """One listed skill with a decision."""
    return decided_many(1, namespace or NamespaceFactory(), **columns)[0]


def decided_many(count: int, namespace: Namespace | None = None, **columns: Any) -> list[Skill]:
    """Listed skills with a decision; without a namespace each has an owner of its own."""
    made = []
    owners = [namespace] if namespace else [NamespaceFactory() for _ in range(count)]
    for owner in owners:
        first = Skill.objects.count() if namespace is None else 0
        rows = [
            {
                "slug": f"skill-{first + n}",
                "display_name": f"Skill {first + n}",
                "moderation_reason": SCAN_CLEAN,
            }
            | columns
            for n in range(count if namespace else 1)
        ]
        made += list_skills(owner, rows)
    return made


def on_day(skill: Skill, day: date, downloads: int = 0, installs: int = 0, stars: int = 0) -> None:
    """Say what happened on a UTC day, as a fold would have left it."""
    SkillDailyStat.objects.create(
        day=day, skill=skill, downloads=downloads, installs_new=installs, stars=stars
    )


def in_hour(skill: Skill, hour: datetime, downloads: int) -> None:
    """Say what happened in a UTC hour."""
    SkillHourlyStat.objects.create(hour=hour, skill=skill, downloads=downloads)


def ever(skill: Skill, downloads: int) -> None:
    """Say what ever happened."""
    SkillTotal.objects.create(skill=skill, downloads=downloads)


def downloaded(skills: list[Skill], day: date, most: int) -> None:
    """Give each skill one download less than the one before."""
    SkillDailyStat.objects.bulk_create(
        SkillDailyStat(day=day, skill=skill, downloads=most - n) for n, skill in enumerate(skills)
    )


def folded_at(moment: datetime) -> None:
    """Say when counting last succeeded."""
    JobRun.objects.create(
        kind=boards.COUNTER,
        trigger=Trigger.SCHEDULE,
        state=RunState.SUCCEEDED,
        started_at=moment,
        finished_at=moment + timedelta(seconds=1),
    )


def week(now: datetime) -> boards.Built:
    """Build the board that most tests look at: trending, 7 days."""
    return boards.build(Board.TRENDING, Window.WEEK, now)


def slugs(snapshot: Any) -> list[str]:
    """The skills of a snapshot in the order of their ranks."""
    rows = snapshot.entries.order_by("rank").values_list("rank", "skill__slug")
    assert [rank for rank, _slug in rows] == list(range(1, len(rows) + 1))
    return [slug for _rank, slug in rows]

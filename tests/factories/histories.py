"""Histories of skills as the fold leaves them: daily rows, their sums, ranks on past boards."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Sum
from django.utils import timezone

from accounts.models import User
from jobs.models import JobRun, RunState, Trigger
from skills.models import Leaderboard, LeaderboardEntry, Skill, SkillDailyStat, SkillTotal
from skills.statistics import SUMMED


def count_days(skill: Skill, days: dict[int, dict[str, int]], now: datetime | None = None) -> None:
    """Give a skill daily rows, by how many days ago, and the totals that follow from them."""
    today = (now or timezone.now()).date()
    SkillDailyStat.objects.bulk_create(
        SkillDailyStat(skill=skill, day=today - timedelta(days=ago), **counts)
        for ago, counts in days.items()
    )
    sums = SkillDailyStat.objects.filter(skill=skill).aggregate(**{n: Sum(n) for n in SUMMED})
    SkillTotal.objects.update_or_create(skill=skill, defaults=sums)


def two_months(skill: Skill, now: datetime | None = None) -> None:
    """60 days that grow by a week's rhythm, with a day with none among them."""
    count_days(
        skill,
        {
            ago: {
                "downloads": (200 - 2 * ago) * (3 + ago % 7) // 9,
                "installs_new": (90 - ago) * (2 + ago % 7) // 40,
                "installs_all_time": (90 - ago) * (2 + ago % 7) // 40,
                "installs_current": (90 - ago) * (2 + ago % 7) // 60,
                "stars": (ago * 7) % 5,
            }
            for ago in range(60)
            if ago != 11
        },
        now,
    )


def succeeded(kind: str, at: datetime | None = None, **said: Any) -> JobRun:
    """A run of a job that began, and did its work, at this moment."""
    moment = at or timezone.now()
    return JobRun.objects.create(
        kind=kind,
        trigger=Trigger.SCHEDULE,
        state=RunState.SUCCEEDED,
        started_at=moment,
        finished_at=moment,
        **said,
    )


def rank(
    skill: Skill,
    ranks: Iterable[tuple[datetime, int]],
    *,
    board: str = "trending",
    window: str = "7d",
    with_suspicious: bool = False,
) -> None:
    """Put a skill on snapshots of a board built at these moments."""
    for built_at, place in ranks:
        snapshot = Leaderboard.objects.create(
            board=board,
            window=window,
            with_suspicious=with_suspicious,
            built_at=built_at,
            entry_count=1,
        )
        LeaderboardEntry.objects.create(
            leaderboard=snapshot, rank=place, skill=skill, downloads=1, installs=0, stars=0, days=[]
        )


def star_by(skill: Skill, *people: User) -> None:
    """Let these people star a skill."""
    from skills import events

    for person in people:
        events.star(skill_id=skill.pk, user_id=person.pk)

"""Gives demo skills a past: counts for every day since they were published, that add up.

A day's share follows from a burst at each version, a slow trend, weekends and chance, all of it
from the skill's name, so that every first start tells the same story. Shares are cut from one
running sum, so the days add up to the totals of `skill.toml` exactly.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from accounts.models import User
from skills.demo.content import DemoSkill
from skills.models import Skill, SkillDailyStat, SkillHourlyStat, SkillStar, SkillTotal

BURST: Final = 2.5
BURST_DAYS: Final = 3.0
WEEKEND: Final = 0.6
# Hours of these days are kept beside the days themselves, as the fold keeps them.
HOURLY_DAYS: Final = 3
# How busy the hours of a day (UTC) are.
RHYTHM: Final = (3, 2, 2, 2, 3, 4, 6, 9, 11, 12, 12, 11, 11, 12, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Slot:
    """A stretch of a skill's life, an hour or a day, and what happened in it."""

    start: datetime
    downloads: int
    installs_new: int
    installs_current: int
    stars: int

    @property
    def counts(self) -> dict[str, int]:
        """Return the columns of a count row."""
        return {
            "downloads": self.downloads,
            "installs_new": self.installs_new,
            "installs_all_time": self.installs_new,
            "installs_current": self.installs_current,
            "stars": self.stars,
        }


def past_of(demo: DemoSkill, anchor: datetime) -> list[Slot]:
    """Return the days of a skill up to `anchor`, then the hours of the last days instead."""
    starts = _starts(demo, anchor)
    weights = [_weight(demo, start, anchor) for start in starts]
    counts = demo.counts
    gone = counts.installs - counts.current
    # Who gives a skill up had it for a while: installs leave in the later half of its life.
    late = [w if n >= len(weights) // 2 else 0.0 for n, w in enumerate(weights)]
    columns = zip(
        starts,
        _cut(counts.downloads, weights),
        _cut(counts.installs, weights),
        _cut(gone, late if any(late) else weights),
        _cut(counts.stars, weights),
        strict=True,
    )
    return [Slot(start, dl, new, new - left, stars) for start, dl, new, left, stars in columns]


def _starts(demo: DemoSkill, anchor: datetime) -> list[datetime]:
    first = anchor - timedelta(days=max(version.days_ago for version in demo.versions))
    today = datetime.combine(anchor.date(), time(), UTC)
    hours_from = today - HOURLY_DAYS * DAY
    day = datetime.combine(first.date(), time(), UTC)
    starts = []
    while day < hours_from:
        starts.append(day)
        day += DAY
    hour = max(hours_from, first.replace(minute=0, second=0, microsecond=0))
    while hour <= anchor:
        starts.append(hour)
        hour += HOUR
    return starts


def _weight(demo: DemoSkill, start: datetime, anchor: datetime) -> float:
    age = (anchor - start) / DAY
    bursts = sum(
        BURST * math.exp(-(version.days_ago - age) / BURST_DAYS)
        for version in demo.versions
        if version.days_ago >= age
    )
    life = max(version.days_ago for version in demo.versions) or 1.0
    trend = 1 + (_chance(demo.slug, "trend") * 2 - 0.5) * (1 - min(1.0, age / life))
    weekday = WEEKEND if start.weekday() >= 5 else 1.0  # noqa: PLR2004 - Saturday and Sunday.
    luck = 0.7 + 0.6 * _chance(demo.slug, start.date().isoformat())
    share = RHYTHM[start.hour] / sum(RHYTHM) if age < HOURLY_DAYS + 1 else 1.0
    return (trend + bursts) * weekday * luck * share


def _chance(*told: str) -> float:
    """Return a number from 0 to 1 that follows from these words."""
    digest = hashlib.blake2b("/".join(told).encode(), digest_size=4).digest()
    return int.from_bytes(digest) / 2**32


def _cut(total: int, weights: Sequence[float]) -> list[int]:
    """Cut a total into whole parts by weight that add up to it exactly."""
    whole = sum(weights) or 1.0
    parts, reached, given = [], 0.0, 0
    for weight in weights:
        reached += weight
        upto = round(total * min(1.0, reached / whole))
        parts.append(upto - given)
        given = upto
    parts[-1] += total - given
    return parts


def record_past(*, skill: Skill, demo: DemoSkill, anchor: datetime, people: Sequence[int]) -> None:
    """Write the count rows, totals and star rows of a skill that was just published.

    `people` are users who may have starred it, at least as many as it has stars.
    """
    slots = past_of(demo, anchor)
    hours_from = datetime.combine(anchor.date(), time(), UTC) - HOURLY_DAYS * DAY
    SkillHourlyStat.objects.bulk_create(
        SkillHourlyStat(hour=slot.start, skill=skill, **slot.counts)
        for slot in slots
        if slot.start >= hours_from and any(slot.counts.values())
    )
    SkillDailyStat.objects.bulk_create(
        SkillDailyStat(day=day, skill=skill, **counts) for day, counts in _by_day(slots).items()
    )
    totals = _sum(slot.counts for slot in slots)
    stars = totals.pop("stars")
    SkillTotal.objects.bulk_create([SkillTotal(skill=skill, **totals)])
    moments = [slot.start for slot in slots for _ in range(slot.stars)]
    # Whose stars: another part of the people for each skill.
    first = int(_chance(demo.slug, "people") * len(people))
    SkillStar.objects.bulk_create(
        SkillStar(skill=skill, user_id=people[(first + n) % len(people)], starred_at=moment)
        for n, moment in zip(range(stars), moments, strict=True)
    )


def _by_day(slots: Iterable[Slot]) -> dict[date, dict[str, int]]:
    days: dict[date, list[dict[str, int]]] = {}
    for slot in slots:
        if any(slot.counts.values()):
            days.setdefault(slot.start.date(), []).append(slot.counts)
    return {day: _sum(counts) for day, counts in days.items()}


def _sum(rows: Iterable[dict[str, int]]) -> dict[str, int]:
    sums = dict.fromkeys(
        ("downloads", "installs_new", "installs_all_time", "installs_current", "stars"), 0
    )
    for row in rows:
        for column, count in row.items():
            sums[column] += count
    return sums


def stargazers(count: int) -> list[int]:
    """Return the ids of `count` invented readers who can do nothing but have starred."""
    handles = [f"reader-{n:03}" for n in range(1, count + 1)]
    standing = set(User.objects.filter(handle__in=handles).values_list("handle", flat=True))
    made = [User(handle=handle, is_active=False) for handle in handles if handle not in standing]
    for user in made:
        user.set_unusable_password()
    User.objects.bulk_create(made, ignore_conflicts=True)
    ids = User.objects.filter(handle__in=handles).order_by("handle").values_list("pk", flat=True)
    return list(ids)

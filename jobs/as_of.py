"""As of when counts are: the moment a job last did its work, and whether that is long ago."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.utils import timezone

from jobs.models import JobRun
from jobs.schedules import BY_NAME

KEPT_SECONDS: Final = 30
"""A process asks again after so long: older by that much, "as of" is still true."""

LATE_AFTER_INTERVALS: Final = 2

_kept: dict[str, tuple[float, datetime | None]] = {}


class AsOf(NamedTuple):
    """The moment up to which something was counted; None when it never was."""

    moment: datetime | None
    is_late: bool


def as_of(job_name: str) -> AsOf:
    """Return as of when this job's counts are; one statement in 30 seconds and process."""
    now = time.monotonic()
    asked_at, moment = _kept.get(job_name, (None, None))
    if asked_at is None or now - asked_at >= KEPT_SECONDS:
        moment = JobRun.objects.last_success_at(job_name)
        _kept[job_name] = now, moment
    return AsOf(moment, moment is not None and timezone.now() - moment > _patience(job_name))


def forget() -> None:
    """Ask the database again next time."""
    _kept.clear()


def _patience(job_name: str) -> timedelta:
    every = BY_NAME[job_name].every
    assert every is not None  # noqa: S101 - Asked of scheduled jobs only.
    return every * LATE_AFTER_INTERVALS

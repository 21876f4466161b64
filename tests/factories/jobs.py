"""Runs and signs of life for tests, straight as rows."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone

from jobs.models import ClusterBeat, JobRun, RunState, Trigger
from jobs.schedules import JOBS


def make_run(kind: str = "fold_events", state: str = "queued", **told: Any) -> JobRun:
    """A run in this state, with the times and the lease such a run has."""
    now = timezone.now()
    told.setdefault("trigger", Trigger.SCHEDULE)
    if state == RunState.RUNNING:
        told = {
            "lease_token": uuid.uuid4(),
            "lease_until": now + timedelta(minutes=2),
            "started_at": now - timedelta(seconds=10),
            "heartbeat_at": now,
            "attempts": 1,
        } | told
    elif state in {RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED}:
        told = {
            "started_at": now - timedelta(seconds=3),
            "heartbeat_at": now,
            "finished_at": now,
        } | told
    return JobRun.objects.create(kind=kind, state=state, **told)


def make_beat(queue: str = "skillboard", seconds_ago: int = 1, **told: Any) -> ClusterBeat:
    """A cluster that showed a sign of life so long ago."""
    now = timezone.now()
    return ClusterBeat.objects.create(
        **{
            "name": f"{queue}-1",
            "queue": queue,
            "host": "web.example",
            "pid": 41,
            "started_at": now - timedelta(hours=3),
            "beat_at": now - timedelta(seconds=seconds_ago),
        }
        | told
    )


def all_is_well() -> None:
    """Clusters alive, and a success of every job a moment ago."""
    for queue in {job.cluster for job in JOBS}:
        make_beat(queue)
    for job in JOBS:
        make_run(job.name, RunState.SUCCEEDED)

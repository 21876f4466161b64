"""What the supervisor of the worker reads and writes: signs of life, and the state of the queue.

Everything here is bounded: a lock that a frozen process holds must not stop the supervisor.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Final

from django.db.models.functions import Now
from django_q.models import OrmQ

from jobs.bounded import bounded
from jobs.models import ClusterBeat, JobRun, RunState

# A row that waits longer while its clusters end nothing is a sign that they stand still.
IMPATIENCE: Final = timedelta(seconds=10)
FORGOTTEN_AFTER: Final = timedelta(minutes=10)


@bounded()
def record(beats: Iterable[ClusterBeat]) -> None:
    """Write the signs of life of these clusters, dated by the database, in one statement."""
    rows = list(beats)
    for row in rows:
        row.beat_at = Now()
    names = [field.name for field in ClusterBeat._meta.concrete_fields if not field.primary_key]
    ClusterBeat.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["name"], update_fields=names
    )


@bounded()
def forget(names: Collection[str]) -> None:
    """Delete the signs of life of clusters that were stopped."""
    ClusterBeat.objects.filter(name__in=names).delete()


@bounded()
def forget_dead() -> int:
    """Delete the signs of life that nobody has renewed for long; return how many."""
    deleted, _ = ClusterBeat.objects.filter(beat_at__lt=Now() - FORGOTTEN_AFTER).delete()
    return deleted


@bounded()
def waiting_queues() -> set[str]:
    """Return the queues in which a row has been ready for longer than a cluster takes to see it."""
    waiting = OrmQ.objects.filter(lock__lt=Now() - IMPATIENCE)
    return set(waiting.values_list("key", flat=True).distinct())


@bounded()
def give_back(row_ids: Collection[int]) -> int:
    """Make rows ready that a dead cluster had fetched and not begun; return how many.

    They would otherwise stay hidden until `retry` is over. Call it only for rows that nobody can
    begin any more. Safe to repeat; rows that are done are gone, and one that somebody holds stays
    hidden.
    """
    hidden = OrmQ.objects.filter(pk__in=row_ids, lock__gt=Now())
    free = list(hidden.select_for_update(skip_locked=True).values_list("pk", flat=True))
    return int(OrmQ.objects.filter(pk__in=free).update(lock=Now()))


@bounded()
def is_idle(queues: Collection[str], ended: Collection[int]) -> bool:
    """Say whether nothing is queued, fetched or under way, and no run is queued or running.

    `ended` are rows whose task has ended; where it failed, they wait for their next try.
    """
    # One row more than these: if there are so many, one of them is something else.
    rows = OrmQ.objects.filter(key__in=queues).values_list("pk", flat=True)[: len(ended) + 1]
    if set(rows) - set(ended):
        return False
    unfinished = JobRun.objects.filter(state__in=[RunState.QUEUED, RunState.RUNNING])
    return not unfinished.exists()

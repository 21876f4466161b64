"""Is the queue being worked on? Read by `manage.py queue_health`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Count, Min
from django.utils import timezone
from django_q.models import OrmQ, Schedule, Task

from config.formats import duration
from jobs.models import ClusterBeat

LATE_AFTER: Final = timedelta(minutes=3)
STILL_AFTER: Final = timedelta(minutes=2)
BACKLOG_AFTER: Final = timedelta(minutes=10)
MAX_FAILURES_AN_HOUR: Final = 20


@dataclass(frozen=True)
class QueueHealth:
    """The state of queue and worker at one moment; ages in seconds, None where there is nothing."""

    checked_at: datetime
    ready_rows: int
    oldest_ready_seconds: float | None
    clusters: tuple[ClusterBeat, ...]
    late_schedules: tuple[str, ...]
    failures_last_hour: int

    @property
    def is_worker_alive(self) -> bool:
        """Say whether some cluster gave a sign of life just now."""
        return any(cluster.is_alive(self.checked_at) for cluster in self.clusters)

    @property
    def unserved_queues(self) -> tuple[str, ...]:
        """Return the queues that shall have clusters and have none alive."""
        alive = {cluster.queue for cluster in self.clusters if cluster.is_alive(self.checked_at)}
        wanted = (queue for queue, count in settings.WORKER_CLUSTERS.items() if count)
        return tuple(queue for queue in wanted if queue not in alive)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return what is wrong, a sentence each; empty when all is well."""
        return (*self._reasons_of_worker(), *self._reasons_of_queue())

    def _reasons_of_worker(self) -> list[str]:
        if not self.is_worker_alive:
            return ["No worker has given a sign of life for 30 s; start `manage.py worker`."]
        return [f"No cluster serves the queue {queue}." for queue in self.unserved_queues]

    def _reasons_of_queue(self) -> list[str]:
        found = []
        waited = timedelta(seconds=self.oldest_ready_seconds or 0)
        if waited > BACKLOG_AFTER:
            found.append(f"The oldest ready task has waited for {duration(waited)}; add clusters.")
        done = [cluster.last_done_at or cluster.started_at for cluster in self.clusters]
        if waited > STILL_AFTER and done and self.checked_at - max(done) > STILL_AFTER:
            found.append("Tasks are ready, and none has ended for 2 min.")
        if self.late_schedules:
            found.append(f"Schedules are late by 3 min and more: {', '.join(self.late_schedules)}.")
        if self.failures_last_hour > MAX_FAILURES_AN_HOUR:
            found.append(f"{self.failures_last_hour} tasks failed within the last hour.")
        return found


def queue_health() -> QueueHealth:
    """Look at queue, clusters, schedules and failures; four statements whatever there is."""
    now = timezone.now()
    ready = OrmQ.objects.filter(lock__lte=now).aggregate(rows=Count("pk"), oldest=Min("lock"))
    clusters = tuple(ClusterBeat.objects.order_by("name"))
    late = Schedule.objects.exclude(repeats=0).filter(next_run__lt=now - LATE_AFTER)
    failures = Task.objects.filter(success=False, stopped__gt=now - timedelta(hours=1))
    return QueueHealth(
        checked_at=now,
        ready_rows=ready["rows"],
        oldest_ready_seconds=_age(ready["oldest"], now),
        clusters=clusters,
        late_schedules=tuple(late.order_by("name").values_list("name", flat=True)),
        failures_last_hour=failures.count(),
    )


def _age(moment: datetime | None, now: datetime) -> float | None:
    # Never below zero: the database's clock may be a little ahead of ours.
    return None if moment is None else max((now - moment).total_seconds(), 0.0)

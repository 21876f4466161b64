"""Queue, worker, backlogs and drift as numbers for `/metrics`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Count, Min
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import OrmQ
from prometheus_client.core import GaugeMetricFamily

from config.metrics import gauges, source
from config.queues import known_queues
from jobs.drift import CHECKS
from jobs.models import ClusterBeat, JobRun
from jobs.schedules import JOBS


@source
def queues() -> Iterable[GaugeMetricFamily]:
    """Tell of each queue what is ready and who serves it: two statements."""
    now = timezone.now()
    ready = OrmQ.objects.filter(lock__lte=now).values_list("key")
    told = {key: (rows, oldest) for key, rows, oldest in ready.annotate(Count("pk"), Min("lock"))}
    names = sorted({*known_queues(), *told})
    alive = [beat.queue for beat in ClusterBeat.objects.all() if beat.is_alive(now)]
    yield gauges(
        "queue_ready_tasks",
        "Tasks that are ready and that no worker has taken.",
        ("queue",),
        {(name,): told[name][0] if name in told else 0 for name in names},
    )
    yield gauges(
        "queue_oldest_ready_seconds",
        "How long the oldest of them has been ready.",
        ("queue",),
        {(name,): age(told[name][1] if name in told else None, now) for name in names},
    )
    yield gauges(
        "queue_clusters_alive",
        "Clusters that gave a sign of life within 30 seconds.",
        ("queue",),
        {(name,): alive.count(name) for name in names},
    )


@source
def backlogs() -> Iterable[GaugeMetricFamily]:
    """Tell of each job that empties a queue how much waits and since when: the fold's lag."""
    now = timezone.now()
    told = {job.name: import_string(job.backlog_path)() for job in JOBS if job.backlog_path}
    yield gauges(
        "job_backlog",
        "What waits for a job, counted to a bound.",
        ("job",),
        {(name,): backlog.waiting for name, backlog in told.items()},
    )
    yield gauges(
        "job_lag_seconds",
        "How long the oldest of it has waited.",
        ("job",),
        {(name,): age(backlog.oldest_at, now) for name, backlog in told.items()},
    )


@source
def drift() -> Iterable[GaugeMetricFamily]:
    """Tell what the last check of each kind found: two statements."""
    last = [run.pk for run in JobRun.objects.last_success_of_each(CHECKS)]
    runs = list(JobRun.objects.filter(pk__in=last).only("kind", "started_at", "result"))
    yield gauges(
        "drift_rows",
        "Rows that differed from their rule in the last check.",
        ("check",),
        {(run.kind,): CHECKS[run.kind][0](run.result) for run in runs},
    )
    yield gauges(
        "drift_checked_timestamp_seconds",
        "When that check began.",
        ("check",),
        {(run.kind,): run.started_at.timestamp() for run in runs if run.started_at},
    )


def age(moment: datetime | None, now: datetime) -> float:
    """Return the seconds since then; 0 for nothing, and where the database's clock is ahead."""
    return 0.0 if moment is None else max((now - moment).total_seconds(), 0.0)

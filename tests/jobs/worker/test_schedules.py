"""Schedules in real clusters: several schedulers run each once, and a bad row stops none for long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from django_q.models import Schedule

from jobs.models import ClusterBeat, JobRun, RunState
from jobs.schedules import SCHEDULED_TASK
from tests.jobs.worker.conftest import eventually

pytestmark = pytest.mark.slow


def test_two_schedulers_run_a_due_schedule_once_beside_a_row_that_cannot_be_read(bench):
    bench.worker(WORKER_CLUSTERS="skillboard=2")
    assert eventually(lambda: ClusterBeat.objects.count() == 2)
    past = timezone.now() - timedelta(minutes=5)
    Schedule.objects.update(next_run=timezone.now() + timedelta(hours=1))
    Schedule.objects.filter(name="prune_records").update(next_run=past)
    # The scheduler reads both in one transaction; this one would take the other down with it.
    Schedule.objects.create(name="foreign", func=SCHEDULED_TASK, args="((", next_run=past)

    done = JobRun.objects.filter(kind="prune_records", state=RunState.SUCCEEDED)

    assert eventually(done.exists)
    assert not eventually(
        lambda: JobRun.objects.filter(kind="prune_records").count() > 1, seconds=2
    )
    assert not Schedule.objects.filter(name="foreign").exists()
    assert Schedule.objects.get(name="prune_records").next_run > timezone.now()


def test_a_supervisor_goes_on_while_somebody_holds_every_schedule(bench):
    with transaction.atomic():
        list(Schedule.objects.select_for_update())
        bench.worker()
        assert eventually(ClusterBeat.objects.exists)
        first = ClusterBeat.objects.get().beat_at

        # Schedules are looked at with the first beat; the later ones are what counts.
        assert eventually(lambda: ClusterBeat.objects.get().beat_at > first, seconds=30)

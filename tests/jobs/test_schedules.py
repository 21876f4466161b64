"""The table of schedules is the only one: rows follow from it, and nothing else stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import Schedule

from jobs import schedules
from jobs.schedules import BY_NAME, JOBS, synchronize

SCHEDULED = {job.name for job in JOBS if job.every is not None}


def test_every_job_can_be_found_and_says_what_it_does():
    assert len(BY_NAME) == len(JOBS)
    for job in JOBS:
        assert callable(import_string(job.path)), job.path
        assert job.title
        assert job.does.endswith(".")


@pytest.mark.parametrize(
    ("name", "now", "first"),
    [
        ("fold_events", "2026-03-01T10:20:30", "2026-03-01T10:21:00"),
        ("fold_events", "2026-03-01T10:20:00", "2026-03-01T10:20:00"),
        ("copy_totals", "2026-03-01T10:20:30", "2026-03-01T11:02:00"),
        ("copy_totals", "2026-03-01T23:59:59", "2026-03-02T00:02:00"),
        ("recount_statistics", "2026-03-01T03:10:00", "2026-03-01T03:10:00"),
        ("recount_statistics", "2026-02-28T03:10:01", "2026-03-01T03:10:00"),
    ],
)
def test_the_first_run_lies_on_the_grid(name, now, first):
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)

    assert BY_NAME[name].first_run(moment) == datetime.fromisoformat(first).replace(tzinfo=UTC)


@pytest.mark.django_db
def test_migrating_makes_the_rows():
    Schedule.objects.all().delete()

    call_command("migrate", verbosity=0)

    assert set(Schedule.objects.values_list("name", flat=True)) == SCHEDULED


@pytest.mark.django_db
def test_rows_that_are_right_are_left_alone():
    synchronize()
    Schedule.objects.filter(name="copy_totals").update(next_run=timezone.now())
    before = list(Schedule.objects.order_by("pk").values())

    assert synchronize() == 0

    assert list(Schedule.objects.order_by("pk").values()) == before


@pytest.mark.django_db
def test_a_row_that_was_changed_is_put_right_and_stays_paused():
    synchronize()
    Schedule.objects.filter(name="copy_totals").update(
        func="os.system", args="'rm'", repeats=0, minutes=1
    )

    assert synchronize() == 1

    row = Schedule.objects.get(name="copy_totals")
    assert (row.func, row.args, row.minutes) == (schedules.SCHEDULED_TASK, "'copy_totals'", 60)
    assert row.repeats == 0


@pytest.mark.django_db
def test_rows_of_nobody_and_second_rows_go():
    synchronize()
    now = timezone.now()
    Schedule.objects.create(name="mine", func="math.floor", args="((", next_run=now)
    Schedule.objects.create(name=None, func="math.floor", next_run=now)
    Schedule.objects.create(name="fold_events", func="math.floor", next_run=now)

    assert synchronize() == 3

    assert sorted(Schedule.objects.values_list("name", flat=True)) == sorted(SCHEDULED)


@pytest.mark.django_db
def test_a_resumed_schedule_starts_at_its_next_time():
    synchronize()
    before = Schedule.objects.get(name="copy_totals").next_run
    assert schedules.set_paused("copy_totals", paused=True)
    assert not schedules.set_paused("copy_totals", paused=True)
    assert [row.name for row in Schedule.objects.filter(repeats=0)] == ["copy_totals"]

    assert schedules.set_paused("copy_totals", paused=False)

    assert not schedules.set_paused("copy_totals", paused=False)
    assert Schedule.objects.get(name="copy_totals").next_run == before


@pytest.mark.django_db
def test_a_schedule_that_missed_its_time_in_a_pause_starts_at_once_and_once():
    synchronize()
    schedules.set_paused("copy_totals", paused=True)
    Schedule.objects.filter(name="copy_totals").update(next_run=timezone.now() - timedelta(days=9))

    schedules.set_paused("copy_totals", paused=False)

    due = Schedule.objects.get(name="copy_totals").next_run
    assert due <= timezone.now() < due + timedelta(hours=1)
    assert due.minute == 2  # On the grid, so that the next one is, too.

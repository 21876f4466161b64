"""The state words of the job room, and that reading them costs the same however much there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.models import JobRun
from jobs.overview import Standing, State, percentile, read_room
from jobs.schedules import BY_NAME, Backlog
from tests.factories.jobs import all_is_well, make_run

NOW = datetime(2026, 3, 3, 14, 5, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)

EMPTY = Backlog(waiting=0, is_more=False, oldest_at=None)
FULL = Backlog(waiting=9, is_more=False, oldest_at=NOW - MINUTE)
HELD = {"state": "running", "lease_until": NOW + MINUTE}
DIED = {"state": "running", "lease_until": NOW - MINUTE}
FRESH = {"state": "queued", "created_at": NOW - 5 * SECOND}
FORGOTTEN = {"state": "queued", "created_at": NOW - 31 * SECOND}
YIELDED = {"state": "queued", "created_at": NOW - HOUR, "lease_until": NOW - SECOND}
STOPPED = {"state": "paused", "created_at": NOW - HOUR}

FOLD, DAILY, ASKED = "fold_events", "recount_statistics", "refresh_derived"
JUST_NOW, TODAY = NOW - 30 * SECOND, datetime(2026, 3, 3, 3, 10, 4, tzinfo=UTC)
# Job, facts, active runs, states of ended runs newest first, the word.
CASES = [
    (FOLD, {"last_success_at": JUST_NOW, "backlog": EMPTY}, [], ["succeeded"], "idle"),
    (FOLD, {"last_success_at": JUST_NOW, "backlog": FULL}, [], ["succeeded"], "ok"),
    (FOLD, {"last_success_at": NOW - 2 * MINUTE}, [], ["succeeded"], "ok"),
    (FOLD, {"last_success_at": NOW - 4 * MINUTE}, [], ["succeeded"], "late"),
    (FOLD, {"last_success_at": NOW - 4 * MINUTE}, [HELD], ["succeeded"], "running"),
    (FOLD, {"last_success_at": NOW - 4 * MINUTE}, [DIED], ["succeeded"], "late"),
    (FOLD, {"last_success_at": JUST_NOW}, [DIED], ["succeeded"], "late"),
    (FOLD, {"last_success_at": JUST_NOW}, [FRESH], ["succeeded"], "running"),
    (FOLD, {"last_success_at": JUST_NOW}, [FORGOTTEN], ["succeeded"], "late"),
    (FOLD, {"last_success_at": JUST_NOW}, [YIELDED], ["succeeded"], "running"),
    (FOLD, {"last_success_at": JUST_NOW}, [STOPPED], ["succeeded"], "paused"),
    (FOLD, {"last_success_at": JUST_NOW}, [], ["failed", "succeeded"], "failing"),
    (FOLD, {"last_success_at": JUST_NOW}, [], ["succeeded", "failed"], "ok"),
    (FOLD, {"last_success_at": JUST_NOW}, [], ["cancelled", "failed"], "failing"),
    (FOLD, {"is_paused": True}, [], ["failed"], "paused"),
    (FOLD, {"is_paused": True, "has_worker": False}, [], [], "paused"),
    (FOLD, {"is_paused": True}, [HELD], [], "running"),
    (FOLD, {"has_worker": False, "backlog": EMPTY}, [], ["failed"], "no worker"),
    (FOLD, {"has_worker": False}, [HELD], [], "running"),
    (FOLD, {"has_worker": False}, [FORGOTTEN], [], "no worker"),
    (DAILY, {"last_success_at": TODAY}, [], ["succeeded"], "ok"),
    (DAILY, {"last_success_at": TODAY - 24 * HOUR}, [], ["succeeded"], "late"),
    (DAILY, {"next_at": NOW + HOUR}, [], [], "idle"),
    (DAILY, {"next_at": NOW - 10 * MINUTE}, [], [], "idle"),
    (DAILY, {"next_at": NOW - 16 * MINUTE}, [], [], "late"),
    (ASKED, {}, [], [], "idle"),
    (ASKED, {}, [], ["failed"], "failing"),
    (ASKED, {"has_worker": False}, [], [], "no worker"),
]


def standing(name, facts, active=(), ended=()):
    return Standing(
        job=BY_NAME[name],
        now=NOW,
        active=[JobRun(kind=name, **columns) for columns in active],
        recent=[JobRun(kind=name, state=state) for state in ended],
        **facts,
    )


@pytest.mark.parametrize(("name", "facts", "active", "ended", "word"), CASES)
def test_the_state_in_a_word(name, facts, active, ended, word):
    found = standing(name, facts, active, ended)

    assert found.state == word
    assert found.advice or word in {"ok", "running"}


def test_every_word_is_in_the_table():
    assert {case[-1] for case in CASES} == set(State)


def test_the_lag_counts_from_the_first_moment_that_was_missed():
    assert standing(FOLD, {"last_success_at": NOW - 30 * SECOND}).lag == 12 * SECOND
    assert standing(FOLD, {"last_success_at": NOW - 5 * SECOND}).lag == timedelta(0)
    yesterday = standing(DAILY, {"last_success_at": TODAY - 24 * HOUR})
    assert yesterday.lag == NOW - TODAY.replace(second=0)
    assert standing(ASKED, {"last_success_at": NOW - HOUR}).lag == timedelta(0)


def test_percentiles_are_durations_that_happened():
    durations = [n * SECOND for n in range(1, 101)]

    assert percentile(durations, 50) == 50 * SECOND
    assert percentile(durations, 95) == 95 * SECOND
    assert percentile(durations[:1], 95) == SECOND
    assert percentile([], 50) is None


def runs_of_each(count: int) -> None:
    for name in BY_NAME:
        rows = [make_run(name, "succeeded") for _ in range(1)]
        JobRun.objects.bulk_create(
            JobRun(
                kind=name,
                state="failed" if number % 3 else "succeeded",
                started_at=rows[0].started_at,
                finished_at=rows[0].finished_at,
                error="no",
            )
            for number in range(count - 1)
        )


@pytest.mark.django_db
def test_reading_the_room_takes_as_many_statements_at_500_runs_as_at_one():
    taken = {}
    for count in (1, 500):
        JobRun.objects.all().delete()
        runs_of_each(count)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            room = read_room()
        taken[count] = len(queries)
        assert all(len(found.recent) == min(count, 50) for found in room.standings)

    assert taken[1] == taken[500] <= 9


@pytest.mark.django_db
def test_the_newest_runs_of_a_job_are_read_by_its_index():
    from tests.factories.bulk import analyze, explain

    runs_of_each(400)
    analyze(JobRun)

    sql, params = JobRun.objects.recent_of_each(BY_NAME, 50).query.sql_with_params()
    plan = explain(sql, params)

    assert plan.blocks <= 20 * len(BY_NAME)


@pytest.mark.django_db
def test_a_room_where_all_is_well():
    all_is_well()

    room = read_room()

    assert (room.late_count, room.failing_count, room.paused_count) == (0, 0, 0)
    assert room.poll_seconds == 10
    assert [report.rows for report in room.drift] == [0, 0]

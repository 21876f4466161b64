"""The health of the queue, in numbers and in words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_q.models import OrmQ, Schedule, Task

from jobs.health import queue_health
from jobs.models import ClusterBeat

pytestmark = pytest.mark.django_db


def ago(**span: float):
    return timezone.now() - timedelta(**span)


def beat(queue: str, **said) -> ClusterBeat:
    facts = {"started_at": ago(hours=1), "beat_at": ago(seconds=3), "last_done_at": ago(seconds=9)}
    return ClusterBeat.objects.create(
        name=f"{queue}-1@host", queue=queue, host="host", pid=7, **(facts | said)
    )


def wait_in_queue(**span: float) -> None:
    OrmQ.objects.create(key="skillboard", payload="", lock=ago(**span))


@pytest.fixture
def all_well():
    Schedule.objects.update(next_run=timezone.now() + timedelta(minutes=1))
    beat("skillboard")
    beat("fold")
    beat("ai")
    beat("embed")


def test_a_served_queue_is_well(all_well, capsys):
    wait_in_queue(seconds=4)
    wait_in_queue(seconds=-300)  # Somebody works on this one.

    health = queue_health()

    assert health.reasons == ()
    assert health.is_worker_alive
    assert health.ready_rows == 1
    assert 4 <= health.oldest_ready_seconds < 30
    assert [cluster.queue for cluster in health.clusters] == ["ai", "embed", "fold", "skillboard"]
    call_command("queue_health")
    assert "1 ready" in capsys.readouterr().out


def test_without_a_worker_that_is_the_reason(all_well):
    ClusterBeat.objects.update(beat_at=ago(seconds=40))

    health = queue_health()

    assert not health.is_worker_alive
    with pytest.raises(CommandError, match="No worker has given a sign of life"):
        call_command("queue_health")


def test_an_empty_table_of_beats_is_no_worker():
    assert queue_health().clusters == ()
    assert not queue_health().is_worker_alive


def test_a_queue_without_a_living_cluster_is_named(all_well):
    ClusterBeat.objects.filter(queue="fold").update(beat_at=ago(seconds=40))

    assert queue_health().is_worker_alive
    assert queue_health().reasons == ("No cluster serves the queue fold.",)


def test_ready_rows_of_which_none_ends_are_a_standstill(all_well):
    wait_in_queue(minutes=3)
    assert queue_health().reasons == ()

    ClusterBeat.objects.update(last_done_at=ago(minutes=3))

    assert queue_health().reasons == ("Tasks are ready, and none has ended for 2 min.",)


def test_an_old_ready_row_is_a_backlog(all_well):
    wait_in_queue(minutes=11)

    [reason] = queue_health().reasons
    assert reason == "The oldest ready task has waited for 11 min; add clusters."


def test_a_late_schedule_is_named_unless_it_is_paused(all_well):
    Schedule.objects.filter(name="copy_totals").update(next_run=ago(minutes=4))
    Schedule.objects.filter(name="prune_stats").update(next_run=ago(minutes=4), repeats=0)

    assert queue_health().late_schedules == ("copy_totals",)
    assert "copy_totals" in queue_health().reasons[0]


def test_many_failures_within_the_hour_are_told(all_well):
    for number in range(21):
        Task.objects.create(
            id=f"{number:032}", name=str(number), func="f", success=False,
            started=ago(minutes=9), stopped=ago(minutes=8 if number else 90),
        )  # fmt: skip
    assert queue_health().failures_last_hour == 20
    assert queue_health().reasons == ()

    Task.objects.update(stopped=ago(minutes=8))

    assert queue_health().reasons == ("21 tasks failed within the last hour.",)


def test_the_look_costs_the_same_whatever_there_is(all_well, django_assert_num_queries):
    for _ in range(20):
        wait_in_queue(minutes=1)

    with django_assert_num_queries(4):
        assert queue_health().ready_rows == 20

"""Stopping the worker: what runs ends first, and nothing stays behind."""

from __future__ import annotations

import signal

import pytest

from jobs.models import ClusterBeat, JobRun, RunState
from jobs.services import start_run
from tests.jobs.worker.conftest import eventually, is_alive
from tests.jobs.worker.tasks import recorded

pytestmark = pytest.mark.slow


def test_sigterm_lets_running_and_fetched_tasks_end(bench, enqueue):
    supervisor = bench.worker()
    tree = bench.tree(supervisor)
    for number in range(3):
        enqueue("work", number, 1.5)
    assert eventually(lambda: {"begin 0", "begin 1"} <= set(recorded()))

    supervisor.terminate()
    told, _ = supervisor.communicate(timeout=30)

    assert supervisor.returncode == 0, told
    begun = {word.split()[1] for word in recorded() if word.startswith("begin")}
    assert {f"end {number}" for number in begun} <= set(recorded())
    assert not [pid for pid in tree.all if is_alive(pid)]
    assert not ClusterBeat.objects.exists()
    assert "worker stopped" in told


def test_a_second_ctrl_c_ends_everything_at_once(bench, enqueue):
    supervisor = bench.worker()
    tree = bench.tree(supervisor)
    enqueue("work", 0, 5)
    assert eventually(recorded)

    supervisor.send_signal(signal.SIGINT)
    assert not eventually(lambda: supervisor.poll() is not None, seconds=1)
    supervisor.send_signal(signal.SIGINT)
    told, _ = supervisor.communicate(timeout=3)

    assert supervisor.returncode == 0, told
    assert recorded() == ["begin 0"]
    assert not [pid for pid in tree.all if is_alive(pid)]


def test_until_idle_ends_when_tasks_and_runs_are_done(bench, enqueue):
    for number in range(4):
        enqueue("work", number, 0.2)
    enqueue("call_another", 4)
    enqueue("fail")
    run = start_run(kind="recover_runs").run

    supervisor = bench.worker("--until-idle", WORKER_TEST_RETRY="100")
    told, _ = supervisor.communicate(timeout=60)

    assert supervisor.returncode == 0, told
    assert recorded() == sorted(
        ["failed", *(f"{word} {n}" for n in range(5) for word in ("begin", "end"))]
    )
    run.refresh_from_db()
    assert run.state == RunState.SUCCEEDED
    assert not ClusterBeat.objects.exists()


def test_until_idle_waits_for_a_task_whose_worker_died(bench, enqueue):
    enqueue("die_once", 0)

    supervisor = bench.worker("--until-idle", WORKER_TEST_RETRY="4")
    told, _ = supervisor.communicate(timeout=60)

    assert supervisor.returncode == 0, told
    assert recorded() == ["begin 0", "begin 0", "end 0"]
    assert not JobRun.objects.exists()

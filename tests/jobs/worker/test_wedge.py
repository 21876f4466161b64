"""A cluster whose queue is locked for ever is noticed and replaced; nothing is lost or doubled.

Killing the idle worker that waits in `get` with the queue's read lock stops a plain cluster for
good, while it looks healthy. The first test shows that; the others that ours goes on.
"""

from __future__ import annotations

import os
import signal

import pytest

from jobs.models import ClusterBeat
from tests.jobs.worker.conftest import PATIENCE_SECONDS, children, eventually
from tests.jobs.worker.tasks import recorded

pytestmark = pytest.mark.slow

TASKS = 6
# Rows that a dead cluster had fetched must not wait for this, or the tests would take so long.
RETRY = "100"


def all_done_once(tasks: int = TASKS) -> bool:
    return recorded() == sorted(
        f"{word} {number}" for number in range(tasks) for word in ("begin", "end")
    )


def test_a_plain_cluster_stands_still_when_an_idle_worker_is_killed(bench, enqueue):
    plain = bench.start("qcluster", WORKER_TEST_RETRY=RETRY)
    tree = bench.plain_tree(plain)
    for number in range(4):
        enqueue("work", number)
        patience = 8 if number else PATIENCE_SECONDS
        if not eventually(lambda number=number: f"end {number}" in recorded(), patience):
            break
        # One of the idle workers waits with the lock; which one is a matter of luck.
        for worker in set(children(tree.sentinel)) - {tree.monitor, tree.pusher}:
            os.kill(worker, signal.SIGKILL)
    else:
        pytest.fail("no kill of idle workers stopped the plain cluster; the others prove nothing")

    assert number > 0, "it did not even start"
    plain.send_signal(signal.SIGTERM)
    assert not eventually(lambda: plain.poll() is not None, seconds=2)  # Not even stopping works.


def test_a_supervised_cluster_goes_on_whichever_idle_worker_is_killed(bench, enqueue):
    supervisor = bench.worker(WORKER_TEST_RETRY=RETRY)
    tree = bench.tree(supervisor)
    for victim in (0, 1):
        os.kill(tree.workers[victim], signal.SIGKILL)
        for number in range(victim * TASKS, (victim + 1) * TASKS):
            enqueue("work", number)

        tree = bench.tree(supervisor, instead_of=tree)
        assert eventually(lambda done=(victim + 1) * TASKS: all_done_once(done)), recorded()

    beat = ClusterBeat.objects.get()
    assert beat.restarts == 2
    assert beat.last_restart_reason == "a worker was killed by SIGKILL"
    assert beat.last_done_at is not None


def test_a_cluster_that_ends_nothing_while_its_queue_waits_is_replaced(bench, enqueue):
    supervisor = bench.worker(WORKER_TEST_RETRY=RETRY, WORKER_TEST_TIMEOUT="1")
    tree = bench.tree(supervisor)
    for worker in tree.workers:
        os.kill(worker, signal.SIGSTOP)
    for number in range(TASKS):
        enqueue("work", number)

    assert eventually(all_done_once), recorded()
    beat = ClusterBeat.objects.get()
    assert beat.last_restart_reason == "no task ended for 11 s although its queue waits"

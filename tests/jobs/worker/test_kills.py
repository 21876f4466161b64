"""Whatever process of the worker dies, its tree is replaced, every task ends, and none is left."""

from __future__ import annotations

import os
import signal

import psycopg
import pytest
from psycopg import sql

from jobs.models import ClusterBeat
from tests.conftest import _maintenance_address
from tests.jobs.worker.conftest import Tree, eventually, is_alive
from tests.jobs.worker.tasks import recorded

pytestmark = pytest.mark.slow

TASKS = 8
RETRY = "6"


def ends() -> set[str]:
    return {word for word in recorded() if word.startswith("end")}


def all_ended() -> bool:
    return len(ends()) == TASKS


def none_left(tree: Tree) -> bool:
    return not [pid for pid in tree.all if is_alive(pid)]


@pytest.mark.parametrize(
    ("victim", "reason"),
    [
        ("main", "its main process ended with SIGKILL"),
        ("sentinel", "its main process ended with code 1"),
        ("monitor", "a monitor was killed by SIGKILL"),
        ("pusher", "a pusher was killed by SIGKILL"),
    ],
)
def test_a_tree_is_replaced_whole_whichever_process_is_killed(bench, enqueue, victim, reason):
    supervisor = bench.worker(WORKER_TEST_RETRY=RETRY)
    before = bench.tree(supervisor)
    for number in range(TASKS):
        enqueue("work", number, 0.3)
    assert eventually(recorded)

    os.kill(getattr(before, victim), signal.SIGKILL)

    assert eventually(all_ended), recorded()
    assert eventually(lambda: none_left(before))
    assert bench.tree(supervisor, instead_of=before)
    assert ClusterBeat.objects.get().last_restart_reason == reason


def test_a_task_that_kills_its_worker_is_tried_again_and_the_others_go_on(bench, enqueue):
    supervisor = bench.worker(WORKER_TEST_RETRY=RETRY)
    before = bench.tree(supervisor)
    enqueue("die_once", 0)
    for number in range(1, TASKS):
        enqueue("work", number, 0.1)

    assert eventually(all_ended), recorded()
    assert recorded().count("begin 0") == 2
    assert recorded().count("end 0") == 1
    assert eventually(lambda: none_left(before))


def test_a_killed_supervisor_leaves_no_process(bench, enqueue):
    supervisor = bench.worker(WORKER_CLUSTERS="skillboard=1,fold=1")
    trees = [bench.tree(supervisor), bench.tree(supervisor, cluster=1, workers=1)]
    enqueue("work", 0, 30)
    assert eventually(recorded)

    supervisor.kill()

    pids = [pid for tree in trees for pid in tree.all]
    none_was_left = eventually(lambda: not any(map(is_alive, pids)), seconds=5)
    for pid in filter(is_alive, pids):
        os.kill(pid, signal.SIGKILL)  # Nobody else would end them.
    assert none_was_left


def test_it_outlives_a_database_that_is_away_and_says_so_once(bench, enqueue):
    supervisor = bench.worker()
    tree = bench.tree(supervisor)
    assert eventually(ClusterBeat.objects.exists)

    with closed(bench.database):
        eventually(lambda: False, seconds=2)
    enqueue("work", 0)

    assert eventually(lambda: "end 0" in recorded())
    assert ClusterBeat.objects.get().restarts == 0
    assert bench.tree(supervisor).main == tree.main
    supervisor.terminate()
    told, _ = supervisor.communicate(timeout=30)
    assert supervisor.returncode == 0
    assert told.count("the database does not answer") == 1
    assert told.count("the database answers again") == 1


class closed:  # noqa: N801 - Read as a word of the test.
    """Refuse every connection to a database, and end those that are open."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        self._allow("false")
        with psycopg.connect(**_maintenance_address(), autocommit=True) as server:
            ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            server.execute(ending, [self.name])

    def __exit__(self, *_) -> None:
        self._allow("true")
        from django.db import connection

        connection.close()

    def _allow(self, answer: str) -> None:
        statement = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
        with psycopg.connect(**_maintenance_address(), autocommit=True) as server:
            server.execute(statement.format(sql.Identifier(self.name), sql.SQL(answer)))

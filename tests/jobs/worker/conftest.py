"""Real clusters as processes, each test in a fresh database of the development server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from psycopg import sql

from tests.conftest import _maintenance_address
from tests.jobs.worker import tasks

ROOT = Path(__file__).parents[3]
# Longer than anything here takes on a busy machine, and well within the two minutes promised.
PATIENCE_SECONDS = 60
# No promise is made of a first start: in a fresh clone every process of it may compile all code.
START_SECONDS = 180


def eventually(is_true: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> bool:
    """Wait until something is true; say whether it came to be."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_true():
            return True
        time.sleep(0.1)
    return bool(is_true())


def children(pid: int) -> list[int]:
    """Return the direct children of a process in the order they were started."""
    with suppress(OSError):
        told = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(child) for child in told.split()]
    return []


def descendants(pid: int) -> list[int]:
    return [one for child in children(pid) for one in (child, *descendants(child))]


def is_alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@dataclass
class Tree:
    """The processes of one cluster; a guard starts its workers first, then monitor and pusher."""

    main: int
    sentinel: int
    workers: list[int]
    monitor: int
    pusher: int

    @classmethod
    def found(cls, main: int, workers: int) -> Tree | None:
        """Return the cluster of this main process; None unless all of it stands."""
        sentinel = children(main)[:1]
        rest = children(sentinel[0]) if sentinel else []
        if len(rest) != workers + 2:
            return None
        return cls(main, sentinel[0], rest[:workers], rest[workers], rest[workers + 1])

    @property
    def all(self) -> list[int]:
        return [self.main, self.sentinel, *self.workers, self.monitor, self.pusher]


@dataclass
class Bench:
    """Starts workers on one database, and remembers what to end."""

    database: str
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        """Run `manage.py …` on this test's database."""
        process = subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "tests.jobs.worker.settings",
                "WORKER_TEST_DATABASE": self.database,
                "WORKER_CLUSTERS": "skillboard=1",
                **env,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def worker(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        return self.start("worker", *arguments, **env)

    def tree(
        self,
        supervisor: subprocess.Popen[str],
        *,
        cluster: int = 0,
        workers: int = 2,
        instead_of: Tree | None = None,
    ) -> Tree:
        """Wait until a cluster of a supervisor stands, or the one `instead_of` another."""
        seen: list[Tree] = []

        def stands() -> bool:
            # Asked anew each time: a main process seen just now may be one that is going.
            mains = children(supervisor.pid)[cluster : cluster + 1]
            trees = [Tree.found(main, workers) for main in mains]
            before = instead_of.main if instead_of else None
            seen[:] = [tree for tree in trees if tree and tree.main != before]
            return bool(seen)

        patience = PATIENCE_SECONDS if instead_of else START_SECONDS
        assert eventually(stands, patience), children(supervisor.pid)
        return seen[0]

    def plain_tree(self, cluster: subprocess.Popen[str]) -> Tree:
        """Wait until a cluster without a supervisor stands."""
        assert eventually(lambda: Tree.found(cluster.pid, workers=2), START_SECONDS)
        tree = Tree.found(cluster.pid, workers=2)
        assert tree
        return tree

    def end(self) -> None:
        """End all that was started, also what a broken supervisor would leave behind."""
        for process in self.started:
            for pid in [*descendants(process.pid), process.pid]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=10)


@pytest.fixture(scope="session")
def _migrated(django_db_blocker) -> Iterator[str]:
    """A migrated database to copy; its name says whose it is, so that a killed run's is dropped."""
    name = f"test_skillboard_{settings.TEST_RUN}_worker_{os.getpid()}"
    _recreate(name, "template1")
    bench = Bench(name)
    migrate = bench.start("migrate", "-v0")
    told, _ = migrate.communicate(timeout=120)
    assert migrate.returncode == 0, told
    yield name
    _drop(name)


@pytest.fixture
def bench(_migrated, django_db_blocker) -> Iterator[Bench]:
    """This test's database, which its own connection uses too, and workers on it."""
    name = f"{_migrated}_copy"
    _recreate(name, _migrated)
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    bench = Bench(name)
    try:
        with django_db_blocker.unblock():
            yield bench
    finally:
        bench.end()
        connection.close()
        connection.settings_dict["NAME"] = before
        _drop(name)


@pytest.fixture
def enqueue(bench) -> Callable[..., str]:
    """Queue a recording task: `enqueue("work", 1, 0.5)`."""
    from django_q.tasks import async_task

    return lambda name, *arguments: async_task(f"{tasks.PREFIX}.{name}", *arguments)


def _recreate(name: str, template: str) -> None:
    _drop(name)
    _run(
        sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(template)
        )
    )


def _drop(name: str) -> None:
    _run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _run(statement: sql.Composed) -> None:
    with psycopg.connect(**_maintenance_address(), autocommit=True) as server:
        server.execute(statement)

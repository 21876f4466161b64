"""One cluster of the worker, in a process tree of its own: `python -m jobs.cluster PARENT NOTES`.

It is django-q2's cluster with three additions. Every process dies with its parent, so that none
goes on taking tasks unguarded. It notes for its supervisor what it fetches, begins and ends. And
it notes which of its processes died: one that is killed while it reads a queue takes the queue's
lock with it, and then the whole cluster waits for ever, while its log looks normal.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Any, Final

import django_q.cluster
from django.db import connections
from django_q.brokers.orm import ORM
from django_q.cluster import Cluster, Sentinel
from django_q.conf import Conf
from django_q.signals import post_execute, post_execute_in_worker, pre_execute

from jobs.ledger import BEGUN, DIED, ENDED, FETCHED, GONE, STORED

PR_SET_PDEATHSIG: Final = 1
JOIN_SECONDS: Final = 0.2
# How a worker tells why it ended: django-q2 writes these into the worker's timer.
TIMED_OUT: Final = 0
RECYCLED: Final = -2
# Python unwound and gave its locks back: an error, such as a lost database, and no kill.
UNWOUND: Final = (0, 1)


class Notes:
    """The way to the supervisor: a pipe, one line a note.

    A line is shorter than what a pipe takes at once, so lines of several processes never mix.
    A full pipe blocks: what is not noted is not begun, or it could be begun twice.
    """

    def __init__(self, descriptor: int) -> None:
        """Write to this end of a pipe."""
        self._descriptor = descriptor

    def tell(self, word: str, *about: object) -> None:
        """Write one note."""
        os.write(self._descriptor, (" ".join([word, *map(str, about)]) + "\n").encode())


class NotingBroker(ORM):
    """The queue table; tells which rows the cluster has fetched into its memory."""

    def __init__(self, notes: Notes) -> None:
        """Read the queue that the environment names."""
        super().__init__(list_key=Conf.CLUSTER_NAME)
        self.notes = notes

    def dequeue(self) -> list[tuple[int, str]] | None:
        """Fetch rows, hidden from others until `retry` is over."""
        rows: list[tuple[int, str]] | None = super().dequeue()
        for row_id, _payload in rows or ():
            self.notes.tell(FETCHED, row_id)
        return rows


class WatchedSentinel(Sentinel):
    """The guard of a cluster; tells the supervisor before it replaces a process."""

    def reincarnate(self, process: Any) -> None:
        """Replace a process that ended, as django-q2 does, and note its end."""
        role = "worker"
        if process in (self.monitor, self.pusher):
            role = "monitor" if process is self.monitor else "pusher"
        notes: Notes = self.broker.notes
        if role == "worker":
            notes.tell(GONE, process.pid)
        if not _ended_by_plan(process):
            notes.tell(DIED, f"a {role} {_cause(process.exitcode)}")
        super().reincarnate(process)


def _ended_by_plan(process: Any) -> bool:
    timer = getattr(process, "timer", None)
    if timer is not None and int(timer.value) in {TIMED_OUT, RECYCLED}:
        return True
    return process.exitcode in UNWOUND


def _cause(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"was killed by {signal.Signals(-exit_code).name}"
    return f"ended with code {exit_code}"


def die_with_parent(parent: int) -> None:
    """Let the kernel kill this process as soon as `parent` is gone, now if it already is.

    Linux only; elsewhere a supervisor that is killed leaves its clusters behind.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def bind_children() -> None:
    """Let every process that is forked from here on die with the one that forked it."""
    forking = [os.getpid()]

    def remember() -> None:
        forking[0] = os.getpid()

    os.register_at_fork(before=remember, after_in_child=lambda: die_with_parent(forking[0]))


def note_tasks(notes: Notes) -> None:
    """Note the begin and the end of each task in its worker, and its result in the monitor."""

    def begun(task: dict[str, Any], **_: Any) -> None:
        if not _runs_inside_another(task):
            notes.tell(BEGUN, task["ack_id"], os.getpid())

    def ended(task: dict[str, Any], **_: Any) -> None:
        if not _runs_inside_another(task):
            notes.tell(ENDED, task["ack_id"], os.getpid())

    def stored(task: dict[str, Any], **_: Any) -> None:
        if not _runs_inside_another(task):
            notes.tell(STORED)

    for happens, receiver in (
        (pre_execute, begun),
        (post_execute_in_worker, ended),
        (post_execute, stored),
    ):
        happens.connect(receiver, weak=False)


def _runs_inside_another(task: dict[str, Any]) -> bool:
    """Say whether a task called this one with `sync=True`; such a one never was in the queue."""
    return bool(task.get("sync"))


def main(parent: int, descriptor: int) -> int:
    """Run a cluster until SIGTERM, which lets it end what it has begun; return the exit code."""
    die_with_parent(parent)
    bind_children()
    os.set_inheritable(descriptor, False)
    notes = Notes(descriptor)
    note_tasks(notes)
    # The one way to have a cluster start a guard of ours.
    django_q.cluster.Sentinel = WatchedSentinel
    cluster = Cluster(broker=NotingBroker(notes))
    # Its own handler waits for the guard inside the signal, which can hang the start for ever.
    stops: list[int] = []
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda number, _frame: stops.append(number))
    connections.close_all()
    cluster.start()
    while cluster.sentinel.is_alive() and not stops:
        cluster.sentinel.join(JOIN_SECONDS)
    cluster.stop()
    return 0 if cluster.sentinel.exitcode == 0 else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))

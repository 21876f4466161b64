"""The supervisor of the worker: keeps the clusters running, and replaces what stands still."""

from __future__ import annotations

import logging
import select
import signal
import socket
import time
from collections.abc import Callable, Mapping
from typing import Final

from django.conf import settings
from django.db import Error, close_old_connections, connection

from config.queues import queue_settings
from jobs import beats, schedules
from jobs.tree import State, Tree

logger = logging.getLogger(__name__)

TICK_SECONDS: Final = 0.2
# Every so many beats the schedule rows are made right again: a malformed one stops the others.
BEATS_PER_SYNCHRONIZE: Final = 6
# The queue must be found idle for so long: between a row and the note of it lies a moment.
IDLE_SECONDS: Final = 1.0
HOST_CHARS: Final = 40


class Supervisor:
    """The clusters of this machine. It survives the database being away; nothing else stops it."""

    def __init__(self, clusters: Mapping[str, int], *, until_idle: bool = False) -> None:
        """Describe so many clusters of each queue; `run` starts them."""
        host = socket.gethostname()[:HOST_CHARS]
        self.trees = [
            Tree(f"{queue}-{number}@{host}", queue, host)
            for queue, count in clusters.items()
            for number in range(1, count + 1)
        ]
        self._until_idle = until_idle
        self._stops: list[int] = []
        self._is_stopping = False
        self._is_database_away = False
        self._beats = 0
        self._next_beat = self._next_look = 0.0
        self._idle_since: float | None = None

    def run(self) -> None:
        """Work until SIGTERM, Ctrl-C or, if so asked, until nothing is left to do."""
        for stop in (signal.SIGINT, signal.SIGTERM):
            signal.signal(stop, lambda number, _frame: self._stops.append(number))
        while any(tree.state is not State.OVER for tree in self.trees):
            for tree in self.trees:
                tree.step()
            self._obey()
            if not self._is_stopping:
                self._attend()
            self._wait()
        self._with_database(self._end)
        logger.info("worker stopped")

    def _wait(self) -> None:
        """Sleep until a note comes, or for a tick."""
        pipes = [tree.descriptor for tree in self.trees if tree.descriptor is not None]
        # A tree whose pipe has ended stays readable: the tick keeps us from spinning.
        time.sleep(TICK_SECONDS / 4)
        select.select(pipes, [], [], TICK_SECONDS)

    def _obey(self) -> None:
        """Stop when asked: gently the first time, at once at a second Ctrl-C."""
        if self._stops and not self._is_stopping:
            self._stop("asked to")
        if len(self._stops) > 1 and signal.SIGINT in self._stops[1:]:
            self._stops = self._stops[:1]
            logger.warning("worker stops at once; what was under way is done again later")
            for tree in self.trees:
                tree.kill()

    def _stop(self, why: str) -> None:
        self._is_stopping = True
        logger.info("worker stops (%s); running tasks end first", why)
        for tree in self.trees:
            tree.stop(queue_settings(tree.queue).drain_seconds)

    def _attend(self) -> None:
        now = time.monotonic()
        if now >= self._next_beat:
            self._next_beat = now + settings.WORKER_BEAT_SECONDS
            self._with_database(self._beat)
        if self._until_idle and now >= self._next_look:
            self._next_look = now + IDLE_SECONDS / 2
            self._with_database(self._look_whether_idle)

    def _beat(self) -> None:
        """Write signs of life, give rows of dead trees back, judge the living, repair schedules."""
        self._record()
        self._give_back()
        waiting = beats.waiting_queues()
        for tree in self.trees:
            tree.judge(is_waiting=tree.queue in waiting)
            tree.ledger.forget(queue_settings(tree.queue).retry)
        if self._beats % BEATS_PER_SYNCHRONIZE == 0:
            wrong = schedules.synchronize()
            if wrong:
                logger.warning("%d schedule rows were not as the table says; repaired", wrong)
            beats.forget_dead()
        self._beats += 1

    def _record(self) -> None:
        found = (tree.beat() for tree in self.trees)
        beats.record(beat for beat in found if beat is not None)

    def _give_back(self) -> None:
        for tree in self.trees:
            if tree.left_behind:
                beats.give_back(tree.left_behind)
                tree.left_behind = set()

    def _look_whether_idle(self) -> None:
        now = time.monotonic()
        ended = {row for tree in self.trees for row in tree.ledger.ended}
        queues = {tree.queue for tree in self.trees}
        if not all(tree.is_idle for tree in self.trees) or not beats.is_idle(queues, ended):
            self._idle_since = None
            return
        self._idle_since = self._idle_since or now
        if now - self._idle_since >= IDLE_SECONDS:
            self._stop("nothing is left to do")

    def _end(self) -> None:
        self._give_back()
        beats.forget([tree.name for tree in self.trees])

    def _with_database(self, act: Callable[[], None]) -> None:
        """Do something that needs the database; while it is away, say so once and go on."""
        try:
            close_old_connections()
            act()
        except Error as error:
            connection.close()
            self._idle_since = None
            for tree in self.trees:
                tree.judge(is_waiting=False)
            if not self._is_database_away:
                logger.warning("the database does not answer: %s", " ".join(str(error).split()))
            self._is_database_away = True
            return
        if self._is_database_away:
            logger.warning("the database answers again")
        self._is_database_away = False

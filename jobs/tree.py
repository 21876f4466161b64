"""One cluster as its supervisor sees it: a process tree that lives, is ended, and comes again."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from django.conf import settings
from django.utils import timezone

from config.queues import queue_settings
from jobs.ledger import Ledger
from jobs.models import ClusterBeat

# The supervisor's log is one: who reads it asks what became of a cluster, not of a module.
logger = logging.getLogger("jobs.supervisor")

# How long running tasks of a tree to be replaced may go on; in a wedged one the others still can.
REPLACE_GRACE_SECONDS: Final = 30.0
QUIET_SECONDS: Final = 1.0
# The kernel may take its time with a killed process, but nothing waits for it for ever.
DEATH_SECONDS: Final = 30.0
REAP_SECONDS: Final = 1.0
# A tree that lives so long was no failed start.
STEADY_SECONDS: Final = 30.0
MAX_BACKOFF_SECONDS: Final = 30.0
LOUD_AFTER_FAILURES: Final = 3
READ_BYTES: Final = 65_536


class State(Enum):
    """What a tree is at. Only the first two have a main process."""

    RUNNING = auto()
    ENDING = auto()  # asked to stop
    DYING = auto()  # killed; the last process has not gone yet
    RESTING = auto()  # until its next start
    OVER = auto()  # for good


class Tree:
    """A cluster of one queue. `step` moves it on; nothing here waits.

    All its processes hold the writing end of one pipe. When that pipe ends, all are gone: no
    decision rests on process ids.
    """

    def __init__(self, name: str, queue: str, host: str) -> None:
        """Describe a cluster; `start` starts it."""
        self.name = name
        self.queue = queue
        self.host = host
        self.state = State.RESTING
        self.ledger = Ledger()
        self.restarts = 0
        self.last_reason = ""
        self.started_at = timezone.now()
        self.last_done_at: datetime | None = None
        # Rows that a dead tree had fetched and not begun.
        self.left_behind: set[int] = set()
        self.descriptor: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._is_over = False
        self._began = self._progressed = self._deadline = 0.0
        self._quiet_since: float | None = None
        self._next_start = 0.0
        self._failures = 0

    def start(self) -> None:
        """Start the cluster in a session of its own, so that no Ctrl-C reaches it."""
        self.descriptor, writing = os.pipe()
        os.set_blocking(self.descriptor, False)
        self.ledger = Ledger()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jobs.cluster", str(os.getpid()), str(writing)],
            cwd=settings.BASE_DIR,
            env={**os.environ, "Q_CLUSTER_NAME": self.queue},
            stdin=subprocess.DEVNULL,
            pass_fds=[writing],
            start_new_session=True,
        )
        os.close(writing)
        self.state = State.RUNNING
        self.started_at = timezone.now()
        self._began = self._progressed = time.monotonic()
        self._quiet_since = None
        logger.info("cluster %s started as process %d", self.name, self._process.pid)

    def replace(self, reason: str) -> None:
        """End the tree and start another; tasks that run get a moment to end."""
        self.restarts += 1
        self.last_reason = reason[: ClusterBeat._meta.get_field("last_restart_reason").max_length]
        logger.warning("cluster %s is replaced: %s", self.name, reason)
        self._end(REPLACE_GRACE_SECONDS)

    def stop(self, seconds: float) -> None:
        """End the tree for good; what it runs and has fetched gets `seconds` to end."""
        self._is_over = True
        if self.state is State.RUNNING:
            self._end(seconds)
        elif self.state is State.RESTING:
            self.state = State.OVER

    def kill(self) -> None:
        """End every process of the tree at once."""
        if self._process is None or self.state not in {State.RUNNING, State.ENDING}:
            return
        self.state = State.DYING
        self._deadline = time.monotonic() + DEATH_SECONDS
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def step(self) -> None:
        """Take in what came to pass, and do what follows from it."""
        is_dead = self._read()
        now = time.monotonic()
        if self.state is State.RUNNING:
            self._watch()
        if self.state is State.ENDING and self._has_ended(now):
            self.kill()
        elif self.state is State.DYING and (is_dead or now > self._deadline):
            self._bury(now, is_dead=is_dead)
        elif self.state is State.RESTING and now >= self._next_start:
            self.start()

    def judge(self, *, is_waiting: bool) -> None:
        """Replace the tree when it ends nothing although rows of its queue wait."""
        now = time.monotonic()
        if not is_waiting:
            self._progressed = now
        patience = queue_settings(self.queue).timeout + 10
        still = now - max(self._progressed, self.ledger.stored_at)
        if self.state is State.RUNNING and still > patience:
            self.replace(f"no task ended for {patience} s although its queue waits")

    def beat(self) -> ClusterBeat | None:
        """Return the sign of life to be written; None while there is no process."""
        if self._process is None or self.state not in {State.RUNNING, State.ENDING}:
            return None
        if self.ledger.stored_at:
            ago = timedelta(seconds=time.monotonic() - self.ledger.stored_at)
            self.last_done_at = timezone.now() - ago
        return ClusterBeat(
            name=self.name,
            queue=self.queue,
            host=self.host,
            pid=self._process.pid,
            started_at=self.started_at,
            last_done_at=self.last_done_at,
            restarts=self.restarts,
            last_restart_reason=self.last_reason,
        )

    @property
    def is_idle(self) -> bool:
        """Say whether it runs, and has nothing in its memory."""
        return self.state is State.RUNNING and self.ledger.is_quiet and not self.ledger.fetched

    def _watch(self) -> None:
        assert self._process is not None  # noqa: S101 - It runs.
        code = self._process.poll()
        if code is not None:
            told = signal.Signals(-code).name if code < 0 else f"code {code}"
            self.replace(f"its main process ended with {told}")
        elif self.ledger.deaths:
            self.replace(self.ledger.deaths[0])

    def _end(self, seconds: float) -> None:
        """Ask the main process, and no other, to stop: the rest would die without draining."""
        assert self._process is not None  # noqa: S101 - It runs.
        self.state = State.ENDING
        self._deadline = time.monotonic() + seconds
        self._process.terminate()

    def _has_ended(self, now: float) -> bool:
        """Say whether to wait no longer: it ended, its time is over, or it only stands still."""
        assert self._process is not None  # noqa: S101 - It is ending.
        if self._process.poll() is not None or now > self._deadline:
            return True
        if self._is_over or not self.ledger.is_quiet:
            self._quiet_since = None
            return False
        self._quiet_since = self._quiet_since or now
        return now - self._quiet_since > QUIET_SECONDS

    def _bury(self, now: float, *, is_dead: bool) -> None:
        """Clear up after the last process, and say when the next tree starts."""
        assert self._process is not None  # noqa: S101 - It was killed.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(REAP_SECONDS)
        if is_dead:
            # Half of `retry`: nobody else can have been given these rows meanwhile.
            self.left_behind |= self.ledger.young_fetched(queue_settings(self.queue).retry / 2)
        if self.descriptor is not None:
            os.close(self.descriptor)
        self.descriptor = self._process = None
        if self._is_over:
            self.state = State.OVER
            logger.info("cluster %s stopped", self.name)
            return
        self.state = State.RESTING
        self._failures = self._failures + 1 if now - self._began < STEADY_SECONDS else 0
        self._next_start = now + backoff(self._failures)
        if self._failures >= LOUD_AFTER_FAILURES:
            told = "cluster %s died %d times in a row soon after its start (%s); next try in %.0f s"
            wait = backoff(self._failures)
            logger.error(told, self.name, self._failures, self.last_reason, wait)

    def _read(self) -> bool:
        """Read the notes; True when no process is left that could write one."""
        while self.descriptor is not None:
            try:
                data = os.read(self.descriptor, READ_BYTES)
            except BlockingIOError:
                return False
            if not data:
                return True
            self.ledger.read(data)
        return True


def backoff(failures: int) -> float:
    """Return the seconds before the next start after so many starts in a row that failed soon."""
    return min(2.0 ** (failures - 1), MAX_BACKOFF_SECONDS) if failures else 0.0

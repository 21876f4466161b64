"""What the notes of one cluster add up to. Pure: no process, no database."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

FETCHED: Final = "fetched"  # a row of the queue, by its id
BEGUN: Final = "begun"  # a row, in which process
ENDED: Final = "ended"  # a row, in which process
STORED: Final = "stored"  # the result of a task
GONE: Final = "gone"  # a worker, for whatever reason
DIED: Final = "died"  # a process, and how; its death may have locked a queue


@dataclass
class Ledger:
    """The rows a cluster has in its memory, and how its work gets on; times are monotonic."""

    clock: Callable[[], float] = time.monotonic
    # Rows fetched and not begun, since when: nobody else takes them before `retry` is over.
    fetched: dict[int, float] = field(default_factory=dict)
    # The row each worker works on, by the worker's process id.
    under_way: dict[int, int] = field(default_factory=dict)
    # Rows whose task has ended, since when. A failed one stays in the queue for its next try.
    ended: dict[int, float] = field(default_factory=dict)
    # Results on the way from a worker to the monitor.
    unstored: int = 0
    # When a result was stored last.
    stored_at: float = 0.0
    # Deaths after which the cluster may stand still.
    deaths: list[str] = field(default_factory=list)
    _rest: bytes = b""

    def read(self, data: bytes) -> None:
        """Take in what came through the pipe; a line cut in two waits for its other half."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            word, _, about = line.decode().partition(" ")
            self._enter(word, about)

    def _enter(self, word: str, about: str) -> None:
        now = self.clock()
        if word == FETCHED:
            self.fetched[int(about)] = now
            self.ended.pop(int(about), None)
        elif word == BEGUN:
            row, pid = map(int, about.split())
            self.fetched.pop(row, None)
            self.under_way[pid] = row
        elif word == ENDED:
            row, pid = map(int, about.split())
            self.under_way.pop(pid, None)
            self.ended[row] = now
            self.unstored += 1
        elif word == STORED:
            self.unstored -= 1
            self.stored_at = now
        elif word == GONE:
            self.under_way.pop(int(about), None)
        elif word == DIED:
            self.deaths.append(about)

    @property
    def is_quiet(self) -> bool:
        """Say whether no task is under way and no result on its way."""
        return not self.under_way and self.unstored <= 0

    def young_fetched(self, seconds: float) -> set[int]:
        """Return the rows fetched within the last `seconds` and not begun."""
        now = self.clock()
        return {row for row, since in self.fetched.items() if now - since < seconds}

    def forget(self, seconds: float) -> None:
        """Drop rows older than `seconds`: the queue has handed them out again, or they are done."""
        oldest = self.clock() - seconds
        for rows in (self.fetched, self.ended):
            for row in [row for row, since in rows.items() if since < oldest]:
                del rows[row]

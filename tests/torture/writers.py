"""Writers that hold transactions open, commit late and out of order, and roll some back.

Each event is written twice in one transaction: into the queue, and into a journal that nobody
folds. What the journal holds at the end is the truth, also where a commit's answer was lost.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg

from skills.models import EventKind

LATEST = datetime(2026, 3, 2, 5, 30, tzinfo=UTC)
# Downloads most, as in life; every kind often enough to be missed.
KINDS = [EventKind.DOWNLOAD] * 14 + list(EventKind)
ROLLED_BACK = 0.1
LONGEST_HOLD_SECONDS = 0.08
# A commit whose connection broke may have happened: whoever counts commits cannot know.
RETRY_SECONDS = 0.3

JOURNAL = """
CREATE TABLE IF NOT EXISTS torture_journal (
  id bigserial PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  skill_id bigint NOT NULL, kind smallint NOT NULL, delta smallint NOT NULL,
  occurred_at timestamptz NOT NULL)
"""
WRITE = """
WITH told AS (
  SELECT * FROM unnest(%s::bigint[], %s::smallint[], %s::smallint[], %s::timestamptz[])
    AS t (skill_id, kind, delta, occurred_at)
), journal AS (
  INSERT INTO torture_journal (skill_id, kind, delta, occurred_at) SELECT * FROM told
)
INSERT INTO skills_statevent (skill_id, kind, delta, occurred_at) SELECT * FROM told
"""


@dataclass
class Writers:
    """Threads that write `events` events in all, about evenly."""

    dsn: str
    skills: Sequence[int]
    events: int
    threads: int = 8
    written: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _running: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        share = -(-self.events // self.threads)
        for n in range(self.threads):
            thread = threading.Thread(target=self._write, args=(random.Random(n), share))
            thread.start()
            self._running.append(thread)

    @property
    def share_written(self) -> float:
        return self.written / self.events

    def join(self) -> None:
        for thread in self._running:
            thread.join()

    def _write(self, dice: random.Random, share: int) -> None:
        done = 0
        connection: psycopg.Connection | None = None
        while done < share:
            try:
                if connection is None:
                    connection = psycopg.connect(self.dsn)
                done += self._transaction(connection, dice, min(40, share - done))
            except psycopg.OperationalError:
                connection = None
                time.sleep(RETRY_SECONDS)
        if connection is not None:
            connection.close()

    def _transaction(self, connection: psycopg.Connection, dice: random.Random, most: int) -> int:
        rows = [self._event(dice) for _ in range(dice.randint(1, most))]
        connection.execute(WRITE, [list(column) for column in zip(*rows, strict=True)])
        time.sleep(dice.random() * LONGEST_HOLD_SECONDS)
        if dice.random() < ROLLED_BACK:
            connection.rollback()
            return 0
        connection.commit()
        with self._lock:
            self.written += len(rows)
        return len(rows)

    def _event(self, dice: random.Random) -> tuple[int, int, int, datetime]:
        kind = dice.choice(KINDS)
        delta = -dice.randint(0, 1) if kind == EventKind.INSTALL_CLEAR else 0
        late = timedelta(minutes=dice.choice([dice.random() * 90, dice.random() * 11_000]))
        return dice.choice(self.skills), int(kind), delta, LATEST - late

"""What a job is given to tell how far it is, and how it learns that it shall stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import islice
from typing import Any, Final, NoReturn
from uuid import UUID

from django.conf import settings
from django.db.models.functions import Now

from jobs.models import JobRun, Wish

LEASE: Final = timedelta(seconds=settings.JOB_LEASE_SECONDS)
"""Nobody else may work on the run so long after its last sign of life."""

SLICE_SECONDS: Final = 45.0
"""A run works at most so long at a stretch; then it queues up again behind others."""

WRITE_SECONDS: Final = 0.5
"""Progress is written at most this often; what a kill loses is done again, harmlessly."""

NOTED: Final = 50
"""So many findings of one kind are kept in a run; of the others only the number."""


WAITS_FOR: Final = "waits_for"
"""Where a run's result says what it has paused itself for."""


class Stopped(Exception):
    """The run shall end here: paused, cancelled or taken over. What is done stays done."""


class SliceOver(Exception):
    """The run has had its stretch of time and goes on later, at its cursor."""


class Progress:
    """A run as the job sees it. Call `advance` after each batch that is committed.

    A batch between the last `advance` and a kill is done again, so batches must be idempotent.
    What a job finds on its way belongs to the run (`tally`, `note`), not into a variable: it would
    be lost with the slice. What it returns is added at the end.
    """

    def __init__(
        self,
        run: JobRun,
        token: UUID,
        *,
        slice_seconds: float | None = SLICE_SECONDS,
        on_advance: Callable[[JobRun], object] = lambda _run: None,
    ) -> None:
        """Speak for `run`, whose lease `token` we hold; None as slice: work to the end."""
        self.run = run
        self._token = token
        self._slice_seconds = slice_seconds
        self._on_advance = on_advance
        self._began = self._written = time.monotonic()
        self._place = (run.done, run.cursor)

    @property
    def scope(self) -> str:
        """Return what the run is about, such as one field; "" for all."""
        return self.run.scope

    @property
    def cursor(self) -> Any:
        """Return what the last `advance` stored; None at the beginning."""
        return self.run.cursor

    def expect(self, total: int | None) -> None:
        """Say how many units there are in all."""
        self.run.total = total

    def tally(self, key: str, number: int) -> None:
        """Add to a number of the run's result; written with the next `advance`."""
        self.run.result[key] = self.run.result.get(key, 0) + number

    def note(self, key: str, found: Mapping[str, Any]) -> None:
        """Add findings to the run's result and write them now; call it before they are repaired.

        Otherwise a kill in between would leave repaired rows that nobody was told of. What is
        found again after such a kill stays as first noted. Raises `Stopped` like `advance`.
        """
        kept = self.run.result.setdefault(key, {})
        new = {name: told for name, told in found.items() if name not in kept}
        room = NOTED - len(kept)
        kept |= dict(islice(new.items(), room))
        if len(new) > room:
            self.tally(f"more_{key}", len(new) - room)
        if new:
            self._store()

    def advance(self, done: int = 1, *, cursor: Any = None) -> None:
        """Count `done` units more and remember `cursor`.

        Raises `Stopped` when somebody wants it or the lease is gone, `SliceOver` when it is time
        to let others work.
        """
        self.run.done += done
        if cursor is not None:
            self.run.cursor = cursor
        now = time.monotonic()
        is_over = self._slice_seconds is not None and now - self._began > self._slice_seconds
        if now - self._written >= WRITE_SECONDS or is_over:
            self._written = now
            self._store()
        self._on_advance(self.run)
        if is_over:
            raise SliceOver

    def wait_for(self, what: str) -> NoReturn:
        """Pause the run until `jobs.services.resume_waiting` lets it go on. Raises `Stopped`."""
        self.run.result[WAITS_FOR] = what
        mine = JobRun.objects.filter(pk=self.run.pk, lease_token=self._token)
        mine.exclude(wish=Wish.CANCEL).update(wish=Wish.PAUSE)
        self._store()
        raise Stopped(what)

    def _store(self) -> None:
        run = self.run
        if self._place != (run.done, run.cursor):
            run.attempts, self._place = 1, (run.done, run.cursor)
        mine = JobRun.objects.filter(pk=run.pk, lease_token=self._token)
        kept = mine.update(
            done=run.done,
            total=run.total,
            cursor=run.cursor,
            result=run.result,
            attempts=run.attempts,
            heartbeat_at=Now(),
            lease_until=Now() + LEASE,
        )
        if not kept:
            raise Stopped("taken over")
        wish = JobRun.objects.filter(pk=run.pk).values_list("wish", flat=True).get()
        if wish in {Wish.PAUSE, Wish.CANCEL}:
            run.wish = wish
            raise Stopped(wish)

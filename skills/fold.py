"""Folding queued events into counts; see `skills/sql/fold_events.sql` for why it is exact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from config.statements import statement
from skills import event_log

SWEEP_EVERY: Final = 20
"""Every so many batches the queue is read from its very beginning again."""


class Folded(NamedTuple):
    """What one batch did: events taken off the queue, those counted, the smallest id among them.

    The rest belonged to skills that are gone.
    """

    taken: int
    counted: int
    first_id: int | None


def fold_batch(batch: int, *, floor: int = 0) -> Folded:
    """Fold up to `batch` events whose id is at least `floor`, in one statement and transaction."""
    told = {"batch": batch, "floor": floor, "with_log": event_log.is_kept()}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement("skills/fold_events"), told)
        return Folded(*cursor.fetchone())


def fold_until_drained(on_batch: Callable[[Folded], object] = lambda _folded: None) -> int:
    """Fold until no event is left that nobody else holds; return how many were taken.

    Each batch begins at the smallest id of the one before: while an old snapshot keeps deleted
    rows alive, reading past all of them again would cost more with every batch. An event that
    commits late with a smaller id waits for the next read from the beginning, which comes every
    twentieth batch and always last.
    """
    if event_log.is_kept():
        event_log.prepare(timezone.now())
    batch: int = settings.STAT_FOLD_BATCH
    taken, floor, n = 0, 0, 0
    while True:
        folded = fold_batch(batch, floor=floor)
        taken += folded.taken
        on_batch(folded)
        if folded.taken < batch and floor == 0:
            return taken
        n += 1
        floor = 0 if n % SWEEP_EVERY == 0 or folded.taken < batch else folded.first_id or 0

"""Transactions that wait for nobody for long: for whoever must go on, whatever others hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

LOCK_SECONDS: Final = 2
STATEMENT_SECONDS: Final = 5


@contextmanager
def bounded(*, statement_seconds: int = STATEMENT_SECONDS) -> Iterator[None]:
    """Make the block one transaction in which a lock or a statement takes seconds at most.

    Raises `OperationalError` when that is over. Also a decorator.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('lock_timeout', %s, true),"
                " set_config('statement_timeout', %s, true)",
                [f"{LOCK_SECONDS}s", f"{statement_seconds}s"],
            )
        yield


def is_lock_held(error: OperationalError) -> bool:
    """Say whether this is about a lock that somebody else holds."""
    return isinstance(error.__cause__, LockNotAvailable)

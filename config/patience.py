"""Searches have seconds: what somebody types says nothing of how much it matches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from config.errors import DomainError

SECONDS: Final = 2


class SearchTooSlow(DomainError):
    code = "search_too_slow"
    retry_after = 5


@contextmanager
def for_seconds(advice: str, *settings: str) -> Iterator[None]:
    """Make the block one transaction in which each statement has `SECONDS`.

    `settings` hold in it as well, such as "enable_seqscan = off". Raises `SearchTooSlow`, whose
    message ends in `advice`.
    """
    told = "; ".join(f"SET LOCAL {one}" for one in (f"statement_timeout = '{SECONDS}s'", *settings))
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(told)
            yield
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        raise SearchTooSlow(f"That would take too long. {advice}") from error

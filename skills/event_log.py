"""The raw log of folded events: one partition per UTC day of the fold, dropped when old.

The fold writes the log in the statement that counts the events, so no partition can go before its
events are counted. Partitions have no spelling in the ORM; the statements stand here.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction

TABLE: Final = "skills_stateventlog"
AHEAD: Final = 2
# One number for every process that changes the partitions; held to the end of a transaction.
LOCK: Final = 0x5EED_1067


def is_kept() -> bool:
    """Say whether events are logged at all."""
    return bool(settings.STAT_EVENT_LOG_DAYS)


def prepare(now: datetime) -> None:
    """Make the partitions of today and the next days, where they are missing."""
    missing = _missing([now.date() + timedelta(days=n) for n in range(AHEAD + 1)])
    if not missing:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        for day in missing:
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {_partition(day)} PARTITION OF {TABLE}"
                f" FOR VALUES FROM ('{day} 00:00+00') TO ('{day + timedelta(days=1)} 00:00+00')"
            )


def drop_before(first_kept: date) -> list[str]:
    """Drop the partitions of days before `first_kept`; return their names."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = %s::regclass ORDER BY 1",
            [TABLE],
        )
        old = [name for (name,) in cursor.fetchall() if name < _partition(first_kept)]
        for name in old:
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(name)}")
    return old


def _missing(days: list[date]) -> list[date]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n FROM unnest(%s::text[]) WITH ORDINALITY AS named (name, n)"
            " WHERE to_regclass(name) IS NULL",
            [[_partition(day) for day in days]],
        )
        return [days[n - 1] for (n,) in cursor.fetchall()]


def _partition(day: date) -> str:
    return f"{TABLE}_{day:%Y%m%d}"

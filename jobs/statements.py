"""What every statement costs this database: the reading side of pg_stat_statements.

Raw SQL is allowed here: the view belongs to an extension and has no model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import DatabaseError, connection, transaction

from accounts import audit
from accounts.models import User
from config.errors import DomainError
from jobs.words import clamp

SHOWN: Final = 50
WHOLE_CHARS: Final = 20_000

# Orders of the page: its head, and the column of the statement below. Nothing else ever reaches
# ORDER BY.
ORDERS: Final = {
    "blocks": ("Blocks", "blocks"),
    "per-call": ("A call", "blocks_per_call"),
    "calls": ("Calls", "calls"),
    "mean": ("Mean", "mean_ms"),
    "total": ("Total", "total_ms"),
    "rows": ("Rows", "rows"),
}
# One row per statement, whoever ran it; what ran inside a function belongs to its caller.
_COSTS: Final = """
    SELECT queryid,
           left(min(query), 4000) AS query,
           sum(calls)::bigint AS calls,
           sum(shared_blks_hit + shared_blks_read)::bigint AS blocks,
           sum(shared_blks_hit + shared_blks_read)::float / greatest(sum(calls), 1)
               AS blocks_per_call,
           sum(total_exec_time) / greatest(sum(calls), 1) AS mean_ms,
           sum(total_exec_time) AS total_ms,
           sum(rows)::bigint AS rows
      FROM pg_stat_statements
     WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND toplevel AND queryid IS NOT NULL
     GROUP BY queryid
     ORDER BY {order} DESC, queryid
     LIMIT %s
"""
# A reset of one database leaves `stats_reset` alone; its oldest entry tells when that was.
_SINCE: Final = """
    SELECT coalesce(
               (SELECT min(stats_since)
                  FROM pg_stat_statements
                 WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())),
               stats_reset),
           dealloc
      FROM pg_stat_statements_info
"""
_WHOLE: Final = """
    SELECT left(query, %s)
      FROM pg_stat_statements
     WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND queryid = %s
     LIMIT 1
"""
_RESET: Final = """
    SELECT pg_stat_statements_reset(
        0, (SELECT oid FROM pg_database WHERE datname = current_database()), 0)
"""

# What PostgreSQL answers when it cannot, by its code, and what to do about it.
_REMEDIES: Final = {
    "55000": "PostgreSQL does not load the extension. Add pg_stat_statements to"
    " shared_preload_libraries and restart the server.",
    "42P01": "The extension is not installed in this database. Run: CREATE EXTENSION"
    " pg_stat_statements",
    "42883": "The extension is older than this page. Run: ALTER EXTENSION pg_stat_statements"
    " UPDATE",
    "42703": "The extension is older than this page. Run: ALTER EXTENSION pg_stat_statements"
    " UPDATE",
    "42501": "The database user of this site may not do that. Let an administrator of the"
    " server grant it pg_read_all_stats, and EXECUTE on pg_stat_statements_reset.",
}
_COLUMN_LIST: Final = re.compile(r"\bSELECT [^()]{60,}?(?= FROM )|\bRETURNING [^()]{60,}$")


class StatementsUnreadable(DomainError):
    code = "statements_unreadable"


@dataclass(frozen=True)
class Cost:
    """What one statement cost since the measuring began."""

    queryid: int
    query: str
    calls: int
    blocks: int
    blocks_per_call: float
    mean_ms: float
    total_ms: float
    rows: int

    @property
    def total(self) -> timedelta:
        """Return the time it took in all."""
        return timedelta(milliseconds=self.total_ms)

    @property
    def summary(self) -> str:
        """Return the statement in a line, without quotes and without long column lists."""
        flat = " ".join(self.query.split()).replace('"', "")
        return clamp(_COLUMN_LIST.sub(lambda found: f"{found[0].split()[0]} …", flat), 200)


@dataclass(frozen=True)
class Costs:
    """The dearest statements of this database."""

    rows: list[Cost]
    since: datetime | None
    # How often entries were thrown out to make room: what they cost is missing.
    dropped: int


def read_costs(order: str) -> Costs:
    """Return the dearest statements in one of `ORDERS`, and since when they are measured.

    Raises `StatementsUnreadable`, which says what to do.
    """
    rows = _ask(_COSTS.format(order=ORDERS[order][1]), [SHOWN])
    ((since, dropped),) = _ask(_SINCE, []) or [(None, 0)]
    return Costs([Cost(*row) for row in rows], since, dropped)


def read_whole(queryid: int) -> str:
    """Return the text of one statement, "" if it is not measured. Raises `StatementsUnreadable`."""
    found = _ask(_WHOLE, [WHOLE_CHARS, queryid])
    return str(found[0][0]) if found else ""


@transaction.atomic
def reset_costs(*, actor: User) -> None:
    """Begin to measure this database anew; others of the server keep their figures.

    The reset cannot be rolled back, so it comes last, behind its audit row. Raises
    `StatementsUnreadable`.
    """
    audit.record_named(
        actor=actor, verb="statements.reset", kind="database", name="pg_stat_statements"
    )
    _ask(_RESET, [])


def _ask(sql: str, params: list[Any]) -> list[tuple[Any, ...]]:
    try:
        # A savepoint: what fails here must not spoil the transaction around it.
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, params)
            return list(cursor.fetchall())
    except DatabaseError as fault:
        remedy = _REMEDIES.get(getattr(fault.__cause__, "sqlstate", None) or "")
        if remedy is None:
            raise
        raise StatementsUnreadable(remedy) from fault

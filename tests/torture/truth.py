"""The counts as the journal gives them, against those that the fold made."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db import connection

from skills.models import EventKind
from tests.factories.stats import COLUMNS, EFFECTS

# The key of each count table, and what a journal row gives for it.
TABLES = {
    "skills_skillhourlystat": {
        "hour": "date_trunc('hour', occurred_at, 'UTC')",
        "skill_id": "skill_id",
    },
    "skills_skilldailystat": {
        "day": "(occurred_at AT TIME ZONE 'UTC')::date",
        "skill_id": "skill_id",
    },
    "skills_skilltotal": {"skill_id": "skill_id"},
    "skills_sitetotals": {"id": "1"},
}


@dataclass
class Verdict:
    """Events that are missing in some table, and events that were counted more than once."""

    committed: int
    lost: int
    doubled: int
    wrong_rows: int


def compare() -> Verdict:
    """Compare every count with the journal."""
    lost = doubled = wrong = 0
    for table, keys in TABLES.items():
        # No event moves the stars of a total: they are the number of star rows.
        columns = [c for c in COLUMNS if (table, c) != ("skills_skilltotal", "stars")]
        found = _found(table, list(keys), columns)
        wanted = _wanted(list(keys.values()), columns)
        zeros = (0,) * len(columns)
        pairs = [
            (found.get(row, zeros), wanted.get(row, zeros)) for row in found.keys() | wanted.keys()
        ]
        wrong += sum(has != needs for has, needs in pairs)
        # Downloads and new installs only grow, so their differences tell which way.
        lost += sum(max(0, needs[n] - has[n]) for has, needs in pairs for n in (0, 1))
        doubled += sum(max(0, has[n] - needs[n]) for has, needs in pairs for n in (0, 1))
    return Verdict(_one("SELECT count(*) FROM torture_journal"), lost, doubled, wrong)


def compare_log() -> tuple[int, int]:
    """Return how many events the raw log holds, and how many of them twice."""
    return _one("SELECT count(*) FROM skills_stateventlog"), _one(
        "SELECT count(*) - count(DISTINCT id) FROM skills_stateventlog"
    )


Counts = dict[tuple[Any, ...], tuple[int, ...]]


def _found(table: str, keys: list[str], columns: list[str]) -> Counts:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join([*keys, *columns])} FROM {table}")
        return {tuple(row[: len(keys)]): tuple(row[len(keys) :]) for row in cursor.fetchall()}


def _wanted(keys: list[str], columns: list[str]) -> Counts:
    sums: dict[tuple[Any, ...], Counter[str]] = {}
    places = ", ".join(str(n + 1) for n in range(len(keys) + 1))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(keys)}, kind, sum(delta), count(*) FROM torture_journal"
            f" GROUP BY {places}"
        )
        for *key, kind, deltas, count in cursor.fetchall():
            of_row = sums.setdefault(tuple(key), Counter())
            for column, change in EFFECTS[EventKind(kind)].items():
                of_row[column] += change * count
            of_row["installs_current"] += deltas
    return {key: tuple(counts[c] for c in columns) for key, counts in sums.items()}


def _one(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        found: int = cursor.fetchone()[0]
    return found

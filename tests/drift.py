"""Every derived field against its rule, in one statement: what each database test ends with.

Composing and planning the rules takes fifty times as long as asking few rows, so both are done
once for each connection.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import psycopg
from django.apps import apps
from django.db import connection

from config.derived import REGISTRY, Derivation

# A plan made for empty tables is kept for small ones only.
FEW_BYTES = 512 * 1024

_prepared: tuple[psycopg.Connection, str] | None = None


def drifted() -> dict[str, list[int]]:
    """Return the keys of the rows that differ from their rule, by the label of the rule."""
    derivations = tuple(REGISTRY)
    found = defaultdict(list)
    with connection.cursor() as cursor:
        sql = _statement(derivations)
        cursor.execute(f"SELECT {_bytes_read(derivations)}")
        if cursor.fetchone()[0] < FEW_BYTES:
            _prepare(cursor, sql)
            sql = "EXECUTE drift"
        cursor.execute(sql)
        for label, key in cursor.fetchall():
            found[label].append(key)
    return {label: sorted(keys) for label, keys in found.items()}


def _prepare(cursor, sql: str) -> None:
    """Plan the statement once: the server keeps it as long as the connection, rolled back or not."""
    global _prepared  # noqa: PLW0603
    before, _prepared = _prepared, None
    if before != (connection.connection, sql):
        if before and before[0] is connection.connection:
            cursor.execute("DEALLOCATE drift")
        cursor.execute(f"PREPARE drift AS {sql}")
    _prepared = (connection.connection, sql)


@cache
def _statement(derivations: tuple[Derivation, ...]) -> str:
    writer = psycopg.ClientCursor(connection.connection)
    each = [
        "SELECT {}, found.* FROM ({}) AS found".format(
            writer.mogrify("%s", [derivation.label]), writer.mogrify(*derivation.drift_statement())
        )
        for derivation in derivations
    ]
    return " UNION ALL ".join(each)


@cache
def _bytes_read(derivations: tuple[Derivation, ...]) -> str:
    labels = {label for d in derivations for label in (d.target, d.anchor, *d.sources)}
    tables = sorted(apps.get_model(label)._meta.db_table for label in labels)
    return " + ".join(f"pg_relation_size('{table}')" for table in tables)

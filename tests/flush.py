"""How the tables are emptied after a test that commits: what `flush` leaves, in hundredths.

TRUNCATE makes new files for every table and index, used or not, which takes half a second. To
delete the few rows of a test is quick. After many rows TRUNCATE is the way still, so that no test
meets the pages that another's thousands of rows filled.
"""

from __future__ import annotations

from django.core.management import call_command
from django.db import connection, transaction
from psycopg import sql

from jobs.schedules import synchronize

# Their triggers refuse to be cleared.
APPEND_ONLY = ("accounts_auditevent", "moderation_decision")
# Made by `migrate`, written by no test: `flush` would delete them to make them anew.
KEPT = {"auth_permission", "django_content_type"}
# No model has it. What one test counted would refuse the next one's requests of that minute.
WITHOUT_MODEL = {"config_rate_limit"}
FEW_BYTES = 512 * 1024


def empty_tables() -> None:
    """Empty every table but for the rows that `migrate` makes after its migrations."""
    if _may_silence_triggers() and _delete_few_rows():
        synchronize()
    else:
        _truncate_all()


def _may_silence_triggers() -> bool:
    connection.ensure_connection()
    return connection.connection.info.parameter_status("is_superuser") == "on"


@transaction.atomic
def _delete_few_rows() -> bool:
    """Delete all rows unless they are many; return whether it was done."""
    names = set(connection.introspection.django_table_names(only_existing=True))
    names = (names - KEPT) | WITHOUT_MODEL
    with connection.cursor() as cursor:
        # As TRUNCATE does, wait for the request of a browser that is answered still.
        locked = sql.SQL(", ").join(map(sql.Identifier, sorted(names)))
        cursor.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(locked))
        filled = _with_rows(cursor, names)
        if any(size > FEW_BYTES for _, size in filled):
            return False
        # Neither foreign keys nor our own triggers need look at what goes as a whole.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for name, _ in filled:
            cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
    return True


def _with_rows(cursor, names: set[str]) -> list[tuple[str, int]]:
    one = sql.SQL("SELECT {name}, pg_table_size({name}) WHERE EXISTS (SELECT FROM {table})")
    asked = [one.format(name=sql.Literal(name), table=sql.Identifier(name)) for name in names]
    cursor.execute(sql.SQL(" UNION ALL ").join(asked))
    return cursor.fetchall()


def _truncate_all() -> None:
    _switch_triggers("DISABLE")
    try:
        call_command("flush", verbosity=0, interactive=False, reset_sequences=False)
    finally:
        _switch_triggers("ENABLE")
    with connection.cursor() as cursor:
        for table in WITHOUT_MODEL:
            cursor.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(table)))


def _switch_triggers(state: str) -> None:
    with connection.cursor() as cursor:
        for table in APPEND_ONLY:
            cursor.execute(f"ALTER TABLE {table} {state} TRIGGER USER")

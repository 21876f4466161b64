"""Which statements were asked of the database, apart from transactions and their settings."""

from __future__ import annotations

from typing import Final

from django.test.utils import CaptureQueriesContext

CONTROL: Final = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE SAVEPOINT", "SET LOCAL")


def asked(captured: CaptureQueriesContext) -> list[str]:
    """Return the SQL of what moves rows, in order; a test's savepoint stands for a transaction."""
    sent = (query["sql"] for query in captured.captured_queries)
    return [sql for sql in sent if not sql.startswith(CONTROL)]

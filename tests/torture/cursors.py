"""Two folds that look right and are not: a cursor over ids, and one over timestamps.

They read the journal, which is append-only, and must lose events in the same test that the queue
passes: the proof that the test can see a loss.
"""

from __future__ import annotations

import threading

import psycopg

TABLES = """
CREATE TABLE IF NOT EXISTS torture_cursor (last_id bigint, last_at timestamptz);
CREATE TABLE IF NOT EXISTS torture_counted (events bigint NOT NULL);
"""
FOLDS = {
    "id": """
WITH now_at AS (SELECT last_id FROM torture_cursor FOR UPDATE),
b AS MATERIALIZED (SELECT id FROM torture_journal, now_at WHERE id > last_id ORDER BY id LIMIT 500),
moved AS (UPDATE torture_cursor SET last_id = (SELECT max(id) FROM b) WHERE EXISTS (SELECT FROM b))
INSERT INTO torture_counted SELECT count(*) FROM b HAVING count(*) > 0
""",
    "time": """
WITH now_at AS (SELECT last_at FROM torture_cursor FOR UPDATE),
b AS MATERIALIZED (SELECT created_at FROM torture_journal, now_at WHERE created_at > last_at
                    ORDER BY created_at LIMIT 500),
moved AS (UPDATE torture_cursor SET last_at = (SELECT max(created_at) FROM b)
           WHERE EXISTS (SELECT FROM b))
INSERT INTO torture_counted SELECT count(*) FROM b HAVING count(*) > 0
""",
}


class CursorFolder(threading.Thread):
    """Folds the journal by a cursor until told to stop, then until nothing is left."""

    def __init__(self, dsn: str, variant: str) -> None:
        super().__init__()
        self._dsn, self._sql = dsn, FOLDS[variant]
        self.over = threading.Event()

    def run(self) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            while not self.over.wait(0.02):
                connection.execute(self._sql)
            while connection.execute(self._sql).rowcount:
                pass

    def counted(self) -> int:
        with psycopg.connect(self._dsn) as connection:
            row = connection.execute("SELECT coalesce(sum(events), 0) FROM torture_counted")
            return int(row.fetchone()[0])

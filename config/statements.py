"""The few statements written by hand, because one statement is their point.

Each stands in a file of its app's folder `sql` with a comment per step, and has one caller.
"""

from __future__ import annotations

from functools import cache

from django.conf import settings


@cache
def statement(name: str) -> str:
    """Return the SQL of a file, named as `app/name`: `<app>/sql/<name>.sql`."""
    app, _, file = name.partition("/")
    text: str = (settings.BASE_DIR / app / "sql" / f"{file}.sql").read_text()
    return text

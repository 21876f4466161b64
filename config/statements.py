"""The few statements written by hand, because one statement is their point.

Each stands in a file of its app's folder `sql` with a comment per step, and has one caller.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from django.conf import settings

# No literal of ours holds two hyphens.
COMMENT: Final = re.compile(r"[ \t]*--.*\n")


@cache
def statement(name: str) -> str:
    """Return the SQL of a file, named as `app/name`: `<app>/sql/<name>.sql`.

    Without its comments: psycopg reads a statement once, and again each time where it is long.
    """
    app, _, file = name.partition("/")
    text: str = (settings.BASE_DIR / app / "sql" / f"{file}.sql").read_text()
    return COMMENT.sub("", text)

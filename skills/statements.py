"""The few statements written by hand, because one statement is their point.

Each stands in a file of `skills/sql` with a comment per step, and has one caller.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "sql"


@cache
def statement(name: str) -> str:
    """Return the SQL of `skills/sql/<name>.sql`."""
    return (FOLDER / f"{name}.sql").read_text()

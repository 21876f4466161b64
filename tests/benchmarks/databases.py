"""The benchmark's own databases, beside the product's on the same server.

A finished one carries a stamp (the comment of the database) and is kept between runs. One whose
stamp differs, or that was never finished, is made anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management import call_command
from django.db import connection

PREFIX: Final = "skillboard_bench"
# Whatever changes one of these changes what the generated rows look like.
STAMPED: Final = ("*/migrations/*.py", "skills/derived.py")


@contextmanager
def working_in(name: str) -> Iterator[None]:
    """Point this process's connection at another database of the same server."""
    before = connection.settings_dict["NAME"]
    _connect_to(name)
    try:
        yield
    finally:
        _connect_to(before)


def ensure(
    name: str, build: Callable[[], None], *parts: object, template: str = "template1"
) -> bool:
    """Make the database by `build` unless it stands already; return whether it was made now.

    It begins as a copy of `template`. `parts` are what the content depends on beside the code, such as its size.
    """
    stamp = _stamp(*parts)
    if _stamp_of(name) == stamp:
        return False
    recreate(name, template)
    with working_in(name):
        call_command("migrate", verbosity=0)
        build()
    _run(f"COMMENT ON DATABASE {name} IS '{stamp}'")
    return True


def recreate(name: str, template: str = "template1") -> None:
    """Drop the database and make it again as a copy of `template`."""
    if not name.startswith(PREFIX):
        raise ValueError(f"{name} is no database of the benchmark")
    _run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    _run(f"CREATE DATABASE {name} TEMPLATE {template}")


def _connect_to(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name


def _stamp(*parts: object) -> str:
    digest = hashlib.sha256(repr(parts).encode())
    for pattern in STAMPED:
        for path in sorted(Path(settings.BASE_DIR).glob(pattern)):
            if not path.is_relative_to(settings.DATA_DIR):
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _stamp_of(name: str) -> str | None:
    found = _run(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name]
    )
    return found[0][0] if found else None


def _run(sql: str, params: list[Any] | None = None) -> list[tuple[Any, ...]]:
    """Run one statement outside every database of ours."""
    with connection._nodb_cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else []

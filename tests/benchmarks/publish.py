"""Import of real skills through the publishing service, and the ZIP that is built once.

The rival is the SQL alone: the statements of the same import, written down while it ran, sent
again by psycopg into an equal database. What is left is the price of our own code.
"""

from __future__ import annotations

import copy
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from unittest import mock

import psycopg
from django.conf import settings
from django.db import connection, reset_queries
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils.http import urlencode

from skills import services
from skills.management.commands.import_skills import META_NAME, import_all, import_skill
from skills.models import SkillVersion
from tests.benchmarks import databases
from tests.benchmarks.measurement import Measurement, at_least, at_most, told
from tests.benchmarks.web import libpq

ARCHIVE: Final = Path(settings.BASE_DIR).parent / "shared" / "data" / "clawhub-archive"
EMPTY: Final = f"{databases.PREFIX}_empty"
TARGET: Final = f"{databases.PREFIX}_import"
PER_SECOND: Final = 50
# Statements that move rows; the others open and close transactions.
TRANSACTION: Final = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
REPLAYED: Final = 150


def measure(folders: Sequence[Path]) -> Iterator[Measurement]:
    """Import these folders, each with its `_meta.json`, into databases made for it."""
    with fresh(TARGET):
        started = time.perf_counter()
        outcomes = list(import_all(folders, os.cpu_count() or 1))
        imported = sum(outcome.word == "imported" for outcome in outcomes)
        rate = imported / (time.perf_counter() - started)
        yield from _archives()
        yield _again(folders[0])
    some = folders[:REPLAYED]
    with fresh(TARGET):
        sent = _written_down(some)
    with fresh(TARGET):
        bare = len(some) / _replay(sent)
    rows = [text for text in sent if not text.startswith(TRANSACTION)]
    yield at_least("import of real skills", round(rate, 1), "skills/s", PER_SECOND, round(bare, 1))
    yield told("statements of one import", round(len(rows) / len(some), 1), "statements")


def real_skills() -> list[Path]:
    """Return the folders of the archive beside the project; none without it."""
    return [meta.parent for meta in sorted(ARCHIVE.rglob(META_NAME))]


@contextmanager
def fresh(name: str) -> Iterator[None]:
    """An empty migrated database and an empty store."""
    databases.ensure(EMPTY, lambda: None)
    databases.recreate(name, EMPTY)
    with tempfile.TemporaryDirectory(prefix="skillboard-bench-") as folder:
        storages = copy.deepcopy(settings.STORAGES)
        storages["default"]["OPTIONS"]["location"] = folder
        with databases.working_in(name), override_settings(STORAGES=storages):
            yield


def _written_down(folders: Sequence[Path]) -> list[str]:
    """Import and return every statement, in the order sent."""
    sent: list[str] = []
    for folder in folders:
        reset_queries()
        with CaptureQueriesContext(connection) as captured:
            import_skill(folder)
        sent.extend(query["sql"] for query in captured)
    return sent


def _replay(sent: Sequence[str]) -> float:
    """Send the statements again; return the seconds it took."""
    with psycopg.connect(**libpq(), autocommit=True) as raw:
        started = time.perf_counter()
        for text in sent:
            # Bytes: nothing in them is a placeholder.
            raw.execute(text.encode())
        return time.perf_counter() - started


def _archives() -> Iterator[Measurement]:
    """Download twice: what is served was built when the version was published."""
    version = SkillVersion.objects.select_related("skill").order_by("pk").first()
    if version is None:
        raise RuntimeError("Nothing was imported.")
    asked = urlencode({"slug": version.skill.slug, "ownerHandle": version.skill.owner_handle})
    client = Client(headers={"host": "localhost"})
    with mock.patch.object(services, "write_archive", wraps=services.write_archive) as build:
        for _download in range(2):
            response = client.get(f"/api/v1/download?{asked}")
            if response.status_code != 200 or not b"".join(response.streaming_content):
                raise RuntimeError(f"The download answered {response.status_code}.")
    yield at_most("ZIPs built by two downloads", build.call_count, "archives", 0)


def _again(folder: Path) -> Measurement:
    with CaptureQueriesContext(connection) as captured:
        import_skill(folder)
    written = [query["sql"] for query in captured if query["sql"].startswith(("INSERT", "UPDATE"))]
    return at_most(
        "rows-writing statements of an import that stands", len(written), "statements", 0
    )

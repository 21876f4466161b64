"""Every real skill installed by every client from a live server, and compared byte for byte."""

from __future__ import annotations

import copy
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from django.conf import settings
from django.test.utils import override_settings

from skills.management.commands.import_skills import import_skill
from tests.benchmarks import databases
from tests.benchmarks.measurement import Measurement, at_least, at_most, told
from tests.clients import archive, runner

ARCHIVE: Final = Path(settings.BASE_DIR).parent / "shared" / "data" / "clawhub-archive"
EMPTY: Final = f"{databases.PREFIX}_empty"
TARGET: Final = f"{databases.PREFIX}_clients"


def run(scale: str) -> Iterator[Measurement]:
    """Import the archive into a database of its own; install and compare all of it per client.

    Yields nothing, and says why, where the archive or a client is missing. The scale changes
    nothing: there is one archive.
    """
    found = archive.samples(ARCHIVE)
    absent = runner.what_is_missing() or (
        "" if found else f"an archive of real skills at {ARCHIVE}"
    )
    if absent:
        print(f"skipped: {absent} is missing", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory(prefix="skillboard-bench-") as name:
        folder = Path(name)
        with _imported(folder, found), runner.serving(folder / "server") as server:
            for version in runner.VERSIONS:
                client = runner.Clawhub(version, server.address, folder / version)
                yield from _installed(client, found)


@contextmanager
def _imported(folder: Path, found: list[archive.Sample]) -> Iterator[None]:
    """Work on a database and a store that hold the archive and nothing else."""
    databases.ensure(EMPTY, lambda: None)
    databases.recreate(TARGET, EMPTY)
    storages = copy.deepcopy(settings.STORAGES)
    storages["default"]["OPTIONS"]["location"] = str(folder / "blobs")
    with databases.working_in(TARGET), override_settings(STORAGES=storages):
        for sample in found:
            import_skill(sample.folder)
        yield


def _installed(client: runner.Clawhub, found: list[archive.Sample]) -> Iterator[Measurement]:
    started = time.perf_counter()
    faults = archive.install_all(client, found)
    seconds = time.perf_counter() - started
    for fault in faults:
        print(f"clawhub {client.version}: {fault}", file=sys.stderr)
    name = f"clawhub {client.version}: real skills"
    yield at_least(f"{name} installed as published", _whole(client, found), "skills", len(found))
    yield at_most(f"{name} with a fault", len({f.split(":")[0] for f in faults}), "skills", 0)
    yield told(f"{name}, time", round(seconds, 1), "s")


def _whole(client: runner.Clawhub, found: list[archive.Sample]) -> int:
    """Count the skills that lie on disk with the bytes they were published with."""
    workdirs = [path for path in client.workdir.iterdir() if path.is_dir()]
    return sum(
        any(client.installed(sample.slug, workdir) == sample.files() for workdir in workdirs)
        for sample in found
    )

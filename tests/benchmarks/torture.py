"""Goal S2: 200,000 events while workers, clusters and the database server are killed.

See `tests/torture`; it makes a database server of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final

from django.conf import settings

from tests.benchmarks.measurement import Measurement, at_least, at_most, told

EVENTS: Final = 200_000
KILLS: Final = {"worker": 20, "cluster": 20, "folder": 20, "postgresql": 5}
CURSOR_EVENTS: Final = 10_000
TIMEOUT_SECONDS: Final = 1_800


def measure() -> Iterator[Measurement]:
    """Write, kill, count and compare; then let two cursors fold the same writing."""
    plan = [f"--{kind}-kills={count}" for kind, count in KILLS.items()]
    found = _run(f"--events={EVENTS}", *plan)
    yield at_least("torture: events committed", found["committed"], "events", EVENTS)
    for kind, count in KILLS.items():
        yield at_least(f"torture: {kind} kills", found["kills"][kind], "kills", count)
    for name in ("lost", "doubled", "wrong_rows", "left_in_queue", "logged_twice"):
        yield at_most(f"torture: {name.replace('_', ' ')}", found[name], "events", 0)
    yield told("torture: took", found["seconds"], "s")
    for cursor in ("id", "time"):
        lost = _run(f"--events={CURSOR_EVENTS}", f"--cursor={cursor}")["lost"]
        yield at_least(f"torture: lost by a cursor over {cursor}s", lost, "events", 1)


def _run(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.torture", *arguments]
    done = subprocess.run(
        command,
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=TIMEOUT_SECONDS,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found

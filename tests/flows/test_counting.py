"""Counting is exact while folders, workers, clusters and the database server are killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("DATABASE_URL" in os.environ, reason="it kills the database server"),
]


def torture(*arguments: str, **environment: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "tests.torture", *arguments],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **environment},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_no_event_is_lost_or_counted_twice_whatever_is_killed():
    found = torture("--events", "20000")

    assert found["kills"] == {"worker": 4, "cluster": 4, "folder": 4, "postgresql": 1}
    assert found["committed"] == found["logged"] >= 20_000
    assert found["runs"].get("succeeded", 0) > 0
    wrong = ("lost", "doubled", "wrong_rows", "left_in_queue", "logged_twice")
    assert {name: found[name] for name in wrong} == dict.fromkeys(wrong, 0), found


@pytest.mark.parametrize("cursor", ["id", "time"])
def test_a_cursor_over_ids_or_times_loses_events_in_the_same_writing(cursor):
    found = torture("--events", "4000", "--cursor", cursor)

    assert found["committed"] >= 4_000
    assert found["lost"] > 0


def test_it_never_touches_a_database_that_is_somebodys():
    with pytest.raises(AssertionError, match="unset DATABASE_URL"):
        torture("--events", "1", DATABASE_URL="postgres://somebody@localhost/theirs")

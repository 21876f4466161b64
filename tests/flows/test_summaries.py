"""Summaries under kills: the budget holds, and nothing is stored twice (`tests/torture/summaries`)."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("DATABASE_URL" in os.environ, reason="it empties its database"),
]


def torture(*arguments: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "tests.torture.summaries", *arguments],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_no_token_is_spent_over_the_cap_and_nothing_stored_twice_whoever_dies():
    found = torture("--traces", "160", "--processes", "8", "--kills", "2")

    assert found["over_cap"] == 0
    assert found["first_refused_at"] >= 0.95
    wrong = ("stored_twice", "left", "still_reserved", "log_differs", "log_differs_micros")
    assert {name: found[name] for name in wrong} == dict.fromkeys(wrong, 0), found
    assert found["not_charged"] == 0, "the server was asked for more than was charged"
    assert found["cluster_kills"] == 2
    assert found["crashes"] == 0
    assert sum(found["deaths"].values()) >= 5
    assert found["outcomes"]["stored"] == 160


def test_reading_and_then_writing_goes_over_the_cap():
    assert torture("--traces", "160", "--kills", "0", "--racy")["over_cap"] > 0

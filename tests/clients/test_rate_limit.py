"""A client over its limit waits as told and succeeds; when it gives up it says how long to wait."""

from __future__ import annotations

import contextlib
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from tests.clients import runner

pytestmark = pytest.mark.client

# One request a second, after a burst of 60.
LIMITS = {"RATE_LIMIT_READ": "60,60,60"}
# The client's request may slip through in the moment after a refill; then we look again.
ATTEMPTS = 4


@pytest.fixture
def strict(client_version, server, transactional_db, tmp_path):
    """A server that lets one caller read 60 times a minute, and a client of it."""
    with runner.serving(tmp_path / "strict", LIMITS) as running:
        yield running, runner.Clawhub(client_version, running.address, tmp_path / "home")


@contextlib.contextmanager
def used_up(running: runner.Server, *, until_refused: bool) -> Iterator[None]:
    """Keep the address's bucket empty; with `until_refused` only till a client was refused."""
    stop, empty = threading.Event(), threading.Event()

    def ask() -> None:
        while not stop.wait(0.01):
            if until_refused and refusals(running):
                return
            try:
                with urllib.request.urlopen(f"{running.address}/api/v1/skills", timeout=5):
                    pass
            except urllib.error.HTTPError as refusal:
                refusal.close()
                empty.set()

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        assert empty.wait(30)
        yield
    finally:
        stop.set()
        asking.join()


def refusals(running: runner.Server) -> int:
    """How often a client, not our own urllib, was refused."""
    lines = running.requests()
    return sum(line.startswith("429 ") and "urllib" not in line for line in lines)


def test_the_client_waits_as_told_and_succeeds(strict, publish):
    running, clawhub = strict
    publish("pdf-tools")

    for _attempt in range(ATTEMPTS):
        with used_up(running, until_refused=True):
            ran = clawhub.run("explore")
        assert ran.code == 0, ran.text
        assert "pdf-tools" in ran.text
        if refusals(running):
            break
    assert refusals(running) >= 1
    assert any(line.startswith("200 ") and "urllib" not in line for line in running.requests())


def test_a_client_that_gives_up_says_how_long_to_wait(strict):
    running, clawhub = strict

    for _attempt in range(ATTEMPTS):
        with used_up(running, until_refused=False):
            ran = clawhub.run("explore")
        if ran.code:
            break
    assert ran.code == 1
    assert "Too many requests; wait a moment and try again." in ran.text
    assert "retry in 1s, remaining: 0/60, reset in 1s" in ran.text
    assert refusals(running) >= 3

"""A VirusTotal of our own."""

from __future__ import annotations

import asyncio

import pytest

from tests.moderation.virustotal_server import KEY, VirusTotalServer


@pytest.fixture
def virustotal(settings, _no_loop_of_a_browser):
    """Switch the scanner on, and answer for it."""
    with VirusTotalServer().running() as server:
        settings.VT_API_KEY = KEY
        settings.VT_HOST = server.url
        yield server


@pytest.fixture
def _no_loop_of_a_browser():
    """Set aside the loop that a browser test before this one left in the thread.

    Playwright's browser lives until the session ends, and its loop counts as running between two
    calls; no process that asks VirusTotal drives a browser.
    """
    left = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(left)

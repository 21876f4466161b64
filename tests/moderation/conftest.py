"""A VirusTotal of our own."""

from __future__ import annotations

import pytest

from tests.moderation.virustotal_server import KEY, VirusTotalServer


@pytest.fixture
def virustotal(settings):
    """Switch the scanner on, and answer for it."""
    with VirusTotalServer().running() as server:
        settings.VT_API_KEY = KEY
        settings.VT_HOST = server.url
        yield server

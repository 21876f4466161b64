"""Addresses of traces, as paths. Pure."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from traces.models import Trace

FEED: Final = "/t/"


def trace_url(trace: Trace) -> str:
    """Return the path of a trace's page."""
    return f"/s/{trace.public_id}"


def message_url(url: str, external_id: str) -> str:
    """Return the path of one whole message of the trace at `url`."""
    return f"{url}/messages/{quote(external_id, safe='')}"


def at_url(url: str, external_id: str) -> str:
    """Return the path of every message of the trace at `url`, from this one on."""
    return f"{url}/full?at={quote(external_id, safe='')}"


def messages_url(trace: Trace) -> str:
    """Return the path of all messages as JSON: the call of the contract."""
    return f"/v1/traces/{trace.public_id}/messages"

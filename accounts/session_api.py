"""Who is signed in on a command line, and for which namespace it uploads."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from config import envelope


def health(_request: HttpRequest) -> HttpResponseBase:
    """Say that the server answers."""
    return envelope.ok({"status": "ok"})

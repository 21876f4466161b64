"""The time zone in which a person is told exact times: theirs, where the request knows them.

It says how times are written on pages and nothing else. What is stored, counted by days, or sent to
programs stays UTC, which is why Django's own current time zone is left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, tzinfo
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest
from django.http.response import HttpResponseBase

AREAS: Final = (
    "Africa",
    "America",
    "Antarctica",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)
GetResponse = Callable[[HttpRequest], HttpResponseBase]
_zone: ContextVar[tzinfo] = ContextVar("zone", default=UTC)


def current_zone() -> tzinfo:
    """Return the zone of whoever the request is by; UTC for visitors and outside a request."""
    return _zone.get()


def tell_times_in(name: str) -> None:
    """Write exact times of this request in the zone of this name; "" or an unknown one is UTC."""
    _zone.set(_find(name))


def own_zone(get_response: GetResponse) -> GetResponse:
    """Begin each request with UTC, whatever the one before it on this thread was told in."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        token = _zone.set(UTC)
        try:
            return get_response(request)
        finally:
            _zone.reset(token)

    return middleware


@cache
def zone_names() -> tuple[str, ...]:
    """Return the names that can be chosen, areas with their places, in order."""
    return tuple(sorted(name for name in available_timezones() if name.split("/")[0] in AREAS))


def _find(name: str) -> tzinfo:
    # Nothing else is looked for among files: a name that is none of these is nobody's.
    return ZoneInfo(name) if name in zone_names() else UTC

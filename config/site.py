"""What belongs to no app: discovery, probes, crawler files, error pages."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from threading import Event
from typing import Any, Final

import orjson
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import get_template
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from config.middleware import current_request_id

RETRY_SECONDS: Final = 30
AWAY_STATES: Final = ("08", "57P", "53300")
"""SQLSTATEs of a lost connection, of a server going or starting, and of too many connections."""


@require_safe
@cache_control(public=True, max_age=3600)
def discovery(_request: HttpRequest) -> HttpResponse:
    """Tell a client where the API is; always our own configured address."""
    told = {"apiBase": settings.SITE_URL, "authBase": settings.SITE_URL, "minCliVersion": "0.8.0"}
    return HttpResponse(orjson.dumps(told), content_type="application/json")


@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """Say that this process answers; nothing else is asked."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """Say whether this process can serve: database answers, migrations applied, storage there."""
    faults = [name for name, check in READINESS.items() if not check()]
    text = "ready\n" if not faults else f"not ready: {', '.join(faults)}\n"
    return HttpResponse(text, status=503 if faults else 200, content_type="text/plain")


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


# Reading the migrations takes 20 queries' worth of time; once applied they stay so, because a
# process never outlives the release whose migrations it knows.
_migrations_seen: Final = Event()


def _migrations_are_applied() -> bool:
    if _migrations_seen.is_set():
        return True
    try:
        executor = MigrationExecutor(connection)
    except DatabaseError:
        return False
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return False
    _migrations_seen.set()
    return True


def _storage_answers() -> bool:
    """Say whether files can be stored; a folder not made yet counts by the one it will be in."""
    location = getattr(default_storage, "location", None)
    try:
        if location is None:
            default_storage.exists("probe")
            return True
        folder = next(path for path in [Path(location), *Path(location).parents] if path.exists())
    except OSError:
        return False
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


READINESS = {
    "database": _database_answers,
    "migrations": _migrations_are_applied,
    "storage": _storage_answers,
}


@require_safe
@cache_control(public=True, max_age=3600)
def robots(_request: HttpRequest) -> HttpResponse:
    """Tell crawlers what to leave alone."""
    lines = [
        "User-agent: *",
        *(f"Disallow: {path}" for path in ("/me/", "/staff/", "/api/", "/django-admin/")),
        *(f"Disallow: /*?{key}=" for key in ("until", "to")),
        f"Sitemap: {settings.SITE_URL}/sitemap.xml",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain")


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    """Say what this site is."""
    return render(request, "public/about.html")


@csrf_exempt  # There is nothing here to forge; without it a POST would be told of a missing cookie.
def api_not_found(_request: HttpRequest) -> HttpResponse:
    """Answer an unknown API address as the client prints it: plain text, never a page."""
    response = HttpResponse(
        "This registry has no such call.", status=404, content_type="text/plain; charset=utf-8"
    )
    response.headers["X-Error-Code"] = "not_found"
    return response


def _error(request: HttpRequest, status: int, sentence: str) -> HttpResponse:
    """Answer the page of this status; below /api/ `sentence` as plain text."""
    if request.path.startswith("/api/"):
        return HttpResponse(sentence, status=status, content_type="text/plain; charset=utf-8")
    return render(request, f"{status}.html", status=status)


def bad_request(request: HttpRequest, exception: Any) -> HttpResponse:  # noqa: ARG001
    """Answer 400."""
    return _error(request, 400, "The request cannot be read; check its address and body.")


def forbidden(request: HttpRequest, exception: Any) -> HttpResponse:  # noqa: ARG001
    """Answer 403."""
    return _error(request, 403, "This account may not do that.")


def not_found(request: HttpRequest, exception: Any) -> HttpResponse:  # noqa: ARG001
    """Answer 404: a page with a search box; plain text below /api/."""
    if request.path.startswith("/api/"):
        return api_not_found(request)
    return _error(request, 404, "")


def gone(request: HttpRequest, sentence: str = "") -> HttpResponse:
    """Answer 410 with a page that says what was taken away; views call it."""
    return render(request, "410.html", {"message": sentence}, status=410)


def too_many_requests(request: HttpRequest, seconds: int) -> HttpResponse:
    """Answer 429 with the seconds to wait, on the page and in `Retry-After`; views call it."""
    response = render(request, "429.html", {"retry_after": seconds}, status=429)
    response.headers["Retry-After"] = str(seconds)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500 with the request id and no query; 503 if the database is away.

    The template gets no request, so that no context processor asks who is signed in.
    """
    status = 503 if _is_database_away(sys.exception()) else 500
    if request.path.startswith("/api/"):
        sentence = "Something broke on our side; it is logged. Try again."
        response = _error(request, status, sentence)
    else:
        told = {"request_id": current_request_id(), "code": str(status)}
        response = HttpResponse(get_template("500.html").render(told), status=status)
    if status == 503:  # noqa: PLR2004
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _is_database_away(error: BaseException | None) -> bool:
    """Say whether this tells of a connection that is lost or refused, not of a statement."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    state = getattr(error.__cause__, "sqlstate", None)
    return state is None or state.startswith(AWAY_STATES)

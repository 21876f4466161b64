"""The page of the public moderation log."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from config.htmx import wants_partial
from config.pagination import CursorRefused
from moderation.modlog import (
    ACTIONS,
    AUTOMATIC,
    CATEGORIES,
    PATH,
    PERIOD_LABELS,
    LogFilter,
    LogPage,
    read_log,
)
from skills import kept
from skills.forms import CURSOR_NOTICE


@require_safe
def log(request: HttpRequest) -> HttpResponse:
    """Show the decisions that the query string asks for, newest first."""
    asked = LogFilter.parse(request.GET)
    if not asked.is_canonical(request.GET):
        return redirect(asked.url(until=asked.until))
    partial = wants_partial(request)
    try:
        found = read_log(asked, alone=partial)
    except CursorRefused:
        asked = replace(asked, until="", notices=(*asked.notices, CURSOR_NOTICE))
        found = read_log(asked)
    template = "public/_modlog_rows.html" if partial else "public/modlog.html"
    response = kept.answer(
        request,
        key=("modlog", asked, partial),
        stamp=lambda: repr(found),
        render=lambda: render(request, template, _context(asked, found)),
    )
    if partial:
        response.headers["HX-Replace-Url"] = asked.url(until=asked.until)
    return response


def _context(asked: LogFilter, found: LogPage) -> dict[str, Any]:
    return {
        "asked": asked,
        "above": found.entries[: found.above],
        "entries": found.entries[found.above :],
        "next_url": found.next and asked.url(until=found.next),
        "start_url": "" if found.is_start else asked.url(),
        "selects": [
            ("action", "Action", ACTIONS, asked.action, "all"),
            ("category", "Reason", CATEGORIES, asked.category, "all"),
            ("automatic", "Decided", AUTOMATIC, asked.automatic, "either way"),
            ("period", "Last", PERIOD_LABELS, asked.period, "all time"),
        ],
        "is_narrowed": bool(set(asked.parameters()) - {"until"}),
        "log_url": PATH,
        "atom_url": asked.twin_url("atom"),
        "json_url": asked.twin_url("json"),
        "canonical": settings.SITE_URL + PATH,
        "is_indexable": not asked.parameters(),
    }

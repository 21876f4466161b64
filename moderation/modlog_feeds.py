"""The Atom and JSON twins of the public log: its newest rows, for programs that keep asking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from config.feeds import ATOM_TYPE, JSON_TYPE, atom_feed, revalidated, xml_text
from config.formats import machine_time
from moderation.modlog import (
    PATH,
    Entry,
    LogFilter,
    absolute,
    anchor,
    last_change,
    read_log,
)


@require_safe
def atom(request: HttpRequest) -> HttpResponse:
    """Answer with the newest decisions as an Atom feed."""
    return _twin(request, write_atom, ATOM_TYPE)


@require_safe
def json(request: HttpRequest) -> HttpResponse:
    """Answer with the newest decisions as JSON."""
    return _twin(request, write_json, JSON_TYPE)


def _twin(
    request: HttpRequest, write: Callable[[LogFilter, list[Entry]], bytes], content_type: str
) -> HttpResponse:
    asked = LogFilter.parse(request.GET)
    if asked.notices:
        told = "\n".join(asked.notices)
        return HttpResponse(told, status=400, content_type="text/plain; charset=utf-8")
    asked = replace(asked, until="")
    entries = read_log(asked).entries
    return revalidated(request, write(asked, entries), content_type, last_change(entries))


def write_json(_asked: LogFilter, entries: list[Entry]) -> bytes:
    """Return the decisions as a JSON document."""
    return orjson.dumps({"items": [_item(entry) for entry in entries]})


def _item(entry: Entry) -> dict[str, Any]:
    row = entry.row
    return {
        "id": row.pk,
        "createdAt": machine_time(row.created_at),
        "action": row.action,
        "label": entry.what,
        "note": entry.note,
        "skill": row.skill_label,
        "version": row.version_label or None,
        "category": entry.key or None,
        "automatic": row.is_automatic,
        "takenBackBy": row.taken_back_by,
        "takesBack": row.takes_back,
        "appeal": row.appeal_state,
        "url": absolute(entry.url) if entry.url else None,
    }


def write_atom(asked: LogFilter, entries: list[Entry]) -> bytes:
    """Return the decisions as a feed. An entry keeps its id, whatever comes of the decision."""
    return atom_feed(
        page=absolute(asked.url()),
        feed=absolute(asked.twin_url("atom")),
        title="Moderation log",
        updated=last_change(entries),
        entries="".join(map(_entry, entries)),
    )


def _entry(entry: Entry) -> str:
    row = entry.row
    moment = machine_time(row.created_at)
    place = absolute(f"{PATH}#{anchor(row.pk)}")
    told = [entry.note, entry.category and f"Reason: {entry.category}.", f"{entry.by}."]
    told += ["Taken back since." if row.taken_back_by else "", entry.appeal and f"{entry.appeal}."]
    return (
        f"<entry>\n<id>{escape(place)}</id>\n"
        f"<title>{escape(entry.what)}: {xml_text(entry.name, 310)}</title>\n"
        f"<updated>{moment}</updated>\n<published>{moment}</published>\n"
        f'<link rel="alternate" type="text/html" href={quoteattr(absolute(entry.url))}/>\n'
        f"<summary>{escape(' '.join(filter(None, told)))}</summary>\n</entry>\n"
    )

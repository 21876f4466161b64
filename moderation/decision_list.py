"""The decisions of the desk as a list and as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from accounts.models import User
from config.formats import exact_time
from config.pagination import PAGE_SIZE, read_cursor, sign_cursor
from config.text import visible_invisibles
from moderation.answers import Done, done_of
from moderation.models import Decision
from moderation.querysets.decision import DecisionQuerySet

EXPORT_MOST: Final = 10_000
EXPORT_BATCH: Final = 500
# What a spreadsheet would take for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_HEAD: Final = (
    "id",
    "time",
    "action",
    "skill",
    "version",
    "by",
    "role",
    "category",
    "template",
    "text",
    "note",
    "reports closed",
    "taken back",
)


@dataclass(frozen=True)
class DecisionPage:
    """A piece of the list; `next_url` is None at its end."""

    rows: list[Done]
    next_url: str | None
    is_continued: bool


def _listed(viewer: User, *, is_all: bool) -> DecisionQuerySet:
    rows: DecisionQuerySet = Decision.objects.all() if is_all else Decision.objects.by(viewer)
    return rows.select_related("actor", "item", "undone_by").newest_first()


def read_page(viewer: User, *, is_all: bool, after: str = "") -> DecisionPage:
    """Read a page of decisions: one statement. Raises `CursorRefused`."""
    listing = "decisions" if is_all else f"decisions:{viewer.pk}"
    rows = _listed(viewer, is_all=is_all).defer("before", "evidence", "evidence_keys")
    if after:
        rows = rows.below(*read_cursor(listing, after, str, int))
    found = list(rows[: PAGE_SIZE + 1])
    next_url = None
    if len(found) > PAGE_SIZE:
        last = found[PAGE_SIZE - 1]
        cursor = sign_cursor(listing, last.created_at.isoformat(), last.pk)
        next_url = f"?{'who=all&' if is_all else ''}after={cursor}"
    return DecisionPage([done_of(row, viewer) for row in found[:PAGE_SIZE]], next_url, bool(after))


def csv_lines(viewer: User, *, is_all: bool) -> Iterator[str]:
    """Yield the newest decisions as lines of CSV, a batch of rows a statement."""
    yield _line(_HEAD)
    rows = _listed(viewer, is_all=is_all).defer("before", "evidence", "evidence_keys")
    last: Decision | None = None
    for _batch in range(EXPORT_MOST // EXPORT_BATCH):
        older = rows.below(last.created_at.isoformat(), last.pk) if last else rows
        found = list(older[:EXPORT_BATCH])
        yield from (_line(_cells(row)) for row in found)
        if len(found) < EXPORT_BATCH:
            return
        last = found[-1]


def _cells(row: Decision) -> tuple[Any, ...]:
    return (
        row.pk,
        exact_time(row.created_at),
        row.action,
        row.skill_label,
        row.version_label,
        row.actor.handle if row.actor else "",
        row.actor_role,
        row.category,
        row.template,
        row.text,
        row.note,
        row.reports_closed,
        "yes" if hasattr(row, "undone_by") else "",
    )


def _line(cells: tuple[Any, ...]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([_cell(cell) for cell in cells])
    return out.getvalue()


def _cell(value: Any) -> Any:
    """Return a value as no spreadsheet takes it for a formula."""
    if not isinstance(value, str):
        return value
    text = visible_invisibles(value)
    return f"'{text}" if text.startswith(_FORMULA) else text

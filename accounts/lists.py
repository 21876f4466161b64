"""The lists of the pages about oneself: one part at a time, by keyset."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.http import HttpRequest

from config.pagination import PAGE_SIZE, CursorRefused, read_cursor, sign_cursor


class Part(NamedTuple):
    """One part of a list: its rows, and how to go on from it."""

    rows: list[Any]
    more: str | None
    is_first: bool
    is_bad_cursor: bool


def part_of(request: HttpRequest, listing: str, rows: QuerySet[Any], *, by: str = "-pk") -> Part:
    """Return the part that the address asks for, in the order of the column `by`.

    A cursor of another list, or that is none, is answered with the first part.
    """
    column = by.removeprefix("-")
    rows = rows.order_by(by)
    after, is_bad_cursor = request.GET.get("after", ""), False
    if after:
        try:
            (key,) = read_cursor(listing, after, int)
        except CursorRefused:
            after, is_bad_cursor = "", True
        else:
            behind = "lt" if by.startswith("-") else "gt"
            rows = rows.filter(**{f"{column}__{behind}": key})
    found = list(rows[: PAGE_SIZE + 1])
    more = None
    if len(found) > PAGE_SIZE:
        more = sign_cursor(listing, getattr(found[PAGE_SIZE - 1], column))
    return Part(found[:PAGE_SIZE], more, not after, is_bad_cursor)

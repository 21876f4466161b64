"""What a trace's page reads: one chunk of messages, cut to what is shown, and what lies around it.

Each read is one statement over `message_of_kind` (or `message_of_tool`), so that it costs the same
in a trace of fifty messages and of fifty thousand.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
from django.db import connection

from config.statements import statement
from traces.models import Kind, Message, Trace
from traces.models.trace import EXTERNAL_ID_LENGTH

READ_AT_ONCE: Final = 60
# Letters of one text that leave the database.
CUT: Final = 2_400
PARTS_READ: Final = 20
ARGS_READ: Final = 12
OUTLINE_ROWS: Final = 100
TOOLS_COUNTED: Final = 600
NEWER_COUNTED: Final = 100

TOOL_KINDS: Final = (Kind.TOOL_CALL, Kind.TOOL_RESULT, Kind.TOOL_ERROR)
OUTLINED: Final = (Kind.USER, Kind.ERROR, Kind.TOOL_ERROR)

Key = tuple[int, int]
"""Position and primary key: where a message stands in its trace."""

START: Final[Key] = (-1, 0)
END: Final[Key] = (2**31 - 1, 2**63 - 1)


class Arg(NamedTuple):
    """One argument of a tool's call; `text` may be cut."""

    name: str
    text: str
    size: int


class Part(NamedTuple):
    """A part of a message; `text` may be cut, `size` is the bytes of the whole."""

    type: str
    call_id: str
    tool: str
    is_error: bool
    text: str
    size: int
    args: tuple[Arg, ...] = ()


class Row(NamedTuple):
    """A message as a page shows it."""

    id: int
    position: int
    external_id: str
    kind: str
    tool: str
    model: str
    sent_at: datetime
    redactions: list[Any]
    text: str
    size: int
    part_count: int
    parts: tuple[Part, ...]

    @property
    def key(self) -> Key:
        """Return where it stands."""
        return self.position, self.id


class Place(NamedTuple):
    """From where a chunk is read: behind a key, from one on, or before one."""

    compare: str = ">"
    key: Key = START

    @property
    def is_backwards(self) -> bool:
        """Say whether the chunk ends here instead of beginning."""
        return self.compare == "<"


class OutlineRow(NamedTuple):
    """A turn of a person, or an error."""

    position: int
    kind: str
    tool: str
    label: str | None


class Newer(NamedTuple):
    """How many messages stand behind a place, counted up to a bound; when the trace's last came."""

    messages: int
    came_at: datetime | None


def read_rows(
    trace: Trace,
    kinds: Sequence[str],
    place: Place,
    tools: Sequence[str] = (),
    *,
    limit: int = READ_AT_ONCE,
    cut: int = CUT,
) -> list[Row]:
    """Return the next messages of these kinds, and of these tools if any are named, in order.

    Backwards, the last ones before the place. Tools are named in small letters.
    """
    sql = statement("traces/chunk").replace("@compare", place.compare)
    sql = sql.replace("@order", "DESC" if place.is_backwards else "ASC")
    sql = sql.replace("@tools", "CROSS JOIN unnest(%(tools)s::text[]) AS t (tool)" if tools else "")
    # The condition of the index stands with it: without it the index is none for this question.
    sql = sql.replace("@tool", "AND lower(tool) = t.tool AND tool <> ''" if tools else "")
    asked = {"kinds": list(kinds), "tools": list(tools), "limit": limit}
    asked |= {"position": place.key[0], "id": place.key[1]}
    asked |= {"cut": cut, "args": ARGS_READ, "parts": PARTS_READ}
    return [_row(columns) for columns in _rows(trace, sql, asked)]


def _row(columns: tuple[Any, ...]) -> Row:
    row = Row(*columns)
    return row._replace(
        redactions=orjson.loads(columns[7]),
        text=row.text or "",
        size=row.size or 0,
        part_count=row.part_count or 0,
        parts=tuple(_part(part) for part in orjson.loads(columns[11] or "[]")),
    )


def _part(columns: list[Any]) -> Part:
    kind, call_id, tool, is_error, text, size, args = columns
    told = tuple(Arg(name, said or "null", length or 4) for name, said, length in args or ())
    return Part(kind or "", call_id or "", tool or "", bool(is_error), text or "", size or 0, told)


def tool_keys(trace: Trace, after: Key, before: Key) -> list[tuple[Key, str]]:
    """Return place and kind of the first messages of tools between two places."""
    asked: dict[str, Any] = {"kinds": list(TOOL_KINDS), "limit": TOOLS_COUNTED}
    asked |= {"position": after[0], "id": after[1], "to_position": before[0], "to_id": before[1]}
    found = _rows(trace, statement("traces/keys_between"), asked)
    return [((position, pk), kind) for position, pk, kind in found]


def read_newer(trace: Trace, kinds: Sequence[str], after: Key) -> Newer:
    """Return how many messages of these kinds stand behind a place, and when any last came."""
    asked: dict[str, Any] = {"kinds": list(kinds), "every": list(Kind), "limit": NEWER_COUNTED}
    asked |= {"position": after[0], "id": after[1]}
    return Newer(*_rows(trace, statement("traces/newer"), asked)[0])


def outline(trace: Trace) -> list[OutlineRow]:
    """Return the first turns of a person and the first errors."""
    asked = {"kinds": list(OUTLINED), "limit": OUTLINE_ROWS}
    return [OutlineRow(*row) for row in _rows(trace, statement("traces/outline"), asked)]


def _rows(trace: Trace, sql: str, asked: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"trace": trace.pk, "generation": trace.generation, **asked})
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def place_of(trace: Trace, external_id: str) -> tuple[Key, str] | None:
    """Return where the message of a client's id stands, and its kind; None where there is none."""
    rows = Message.objects.live(trace).filter(external_id=external_id)
    found = rows.values_list("position", "pk", "kind").first()
    return None if found is None else ((found[0], found[1]), found[2])


def whole_row(trace: Trace, external_id: str, cut: int) -> Row | None:
    """Return one message with texts of up to `cut` letters; None where there is none."""
    if not 0 < len(external_id) <= EXTERNAL_ID_LENGTH:
        return None
    found = place_of(trace, external_id)
    if found is None:
        return None
    key, kind = found
    rows = read_rows(trace, [kind], Place(">=", key), limit=1, cut=cut)
    return rows[0] if rows and rows[0].id == key[1] else None

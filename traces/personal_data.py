"""What traces store about a person: see `accounts/personal_data.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson
from django.db.models import F, Func, IntegerField, QuerySet, TextField
from django.db.models.functions import Cast, Coalesce

from accounts.models import User
from accounts.personal_data import Section, named, read_rows
from traces.models import Message, SummaryLog, Trace

KEYS: Final = 500
ROOM: Final = 256 * 1024
"""So many bytes of messages are read at once, as the database keeps them, or one message."""

TRACE: Final = named(
    "external_id",
    "agent_id",
    "model",
    "title",
    "client_title",
    "own_title",
    "ai_title",
    "ai_summary",
    "summary_model",
    "summary_generated_at",
    "project_path",
    "project_name",
    "git_remote_url",
    "git_branch",
    "git_ref",
    "related_to",
    "relationship_type",
    "redactions",
    "visibility",
    "visibility_source",
    "link_ends_at",
    "ai_summary_enabled",
    "exclude_from_ai",
    "message_count",
    "created_at",
    "updated_at",
    "unpublished_at",
    "is_withheld",
    id="public_id",
    namespace="owner_handle",
)
MESSAGE: Final = (
    "external_id",
    "position",
    "role",
    "kind",
    "tool",
    "model",
    "text",
    "parts_json",
    "redactions",
    "sent_at",
    "created_at",
)
ATTEMPT: Final = named(
    "started_at",
    "finished_at",
    "trigger",
    "model",
    "outcome",
    "input_tokens",
    "output_tokens",
    "cost_micros",
    trace="trace__public_id",
)


def _own(user: User) -> list[QuerySet[Trace]]:
    # By what their index begins with; a ban withholds some.
    own = Trace.objects.filter(created_by=user)
    return [own.filter(is_withheld=withheld) for withheld in (False, True)]


def _traces(user: User) -> Iterator[dict[str, Any]]:
    for rows in _own(user):
        yield from read_rows(rows, TRACE)


def _messages(user: User) -> Iterator[dict[str, Any]]:
    for rows in _own(user):
        page = rows.order_by("pk").values_list("pk", flat=True)
        keys = list(page[:KEYS])
        while keys:
            for key in keys:
                yield from _messages_of(key)
            keys = list(page.filter(pk__gt=keys[-1])[:KEYS])


def _messages_of(key: int) -> Iterator[dict[str, Any]]:
    """Yield the messages of a trace from top to bottom, few enough at once to fit `ROOM`."""
    # As it stands now: while those before it were sent it may have been shared anew.
    trace = Trace.objects.without_texts().filter(pk=key).first()
    if trace is None:
        return
    stored = _stored_bytes("parts") + Coalesce(_stored_bytes("text"), 0)
    after: tuple[int, int] | None = None
    while True:
        rows = Message.objects.live(trace).annotate(stored=stored).in_order(after)
        found = list(rows.values_list("position", "pk", "stored")[:KEYS])
        group: list[int] = []
        size = 0
        for position, pk, room in found:
            if group and size + room > ROOM:
                yield from _read(trace, group)
                group, size = [], 0
            group.append(pk)
            size += room
            after = (position, pk)
        if group:
            yield from _read(trace, group)
        if len(found) < KEYS:
            return


def _stored_bytes(column: str) -> Func:
    """Return what a value takes in the table, told without unpacking it."""
    return Func(F(column), function="pg_column_size", output_field=IntegerField())


def _read(trace: Trace, keys: list[int]) -> Iterator[dict[str, Any]]:
    rows = Message.objects.live(trace).filter(pk__in=keys)
    rows = rows.annotate(parts_json=Cast("parts", TextField())).in_order()
    for row in rows.values(*MESSAGE):
        # The database's text, not parsed.
        parts = orjson.Fragment(row.pop("parts_json"))
        yield {"trace": trace.public_id} | row | {"parts": parts}


def _attempts(user: User) -> Iterator[dict[str, Any]]:
    return read_rows(SummaryLog.objects.filter(asked_by=user), ATTEMPT)


SECTIONS: Final = (
    Section("traces", _traces, ("traces.trace.created_by",)),
    Section("messages", _messages),
    Section("summaries_asked_for", _attempts, ("traces.summarylog.asked_by",)),
)

"""The rules of a trace's denormalised fields.

Ingest moves the counts itself, by what its one statement really inserted and changed
(`sql/upsert_messages.sql`); the rules are what that is checked against, and what repairs it.
"""

from __future__ import annotations

from typing import Final

from django.db.models import Count, IntegerField, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.models import Namespace, User
from config.derived import Children, DerivedField
from traces.models import Kind, Message

# Column → the kinds of messages it counts; () is all of them.
COUNTED: Final = {
    "message_count": (),
    "user_count": (Kind.USER,),
    "assistant_count": (Kind.ASSISTANT, Kind.THINKING),
    "tool_count": (Kind.TOOL_CALL, Kind.TOOL_RESULT, Kind.TOOL_ERROR),
    "error_count": (Kind.TOOL_ERROR, Kind.ERROR),
}


def _count(kinds: tuple[Kind, ...]) -> Coalesce:
    live = Message._base_manager.filter(trace=OuterRef("pk"), generation=OuterRef("generation"))
    if kinds:
        live = live.filter(kind__in=kinds)
    counted = live.order_by().values("trace").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0, output_field=IntegerField())


# A new generation is no source: whoever begins one refreshes `COUNTS`, and nobody else has to
# count the messages of a trace whose title changed.
COUNTS: Final = tuple(
    DerivedField(
        target="traces.Trace",
        name=name,
        rule=lambda kinds=kinds: _count(kinds),  # type: ignore[misc]
        sources={"traces.Message": "trace_id"},
    )
    for name, kinds in COUNTED.items()
)
OWNER_HANDLE: Final = DerivedField(
    target="traces.Trace",
    name="owner_handle",
    rule=lambda: Subquery(
        Namespace._base_manager.filter(pk=OuterRef("namespace_id")).values("handle")
    ),
    sources={"traces.Trace": "pk", "accounts.Namespace": Children("namespace_id")},
)
AUTHOR_HANDLE: Final = DerivedField(
    target="traces.Trace",
    name="author_handle",
    rule=lambda: Coalesce(
        Subquery(User._base_manager.filter(pk=OuterRef("created_by_id")).values("handle")),
        Value(""),
    ),
    sources={"traces.Trace": "pk"},
)

"""The rules of a trace's denormalised fields.

Ingest moves the counts itself, by what its one statement really inserted and changed
(`sql/upsert_messages.sql`); the rules are what that is checked against, and what repairs it.
"""

from __future__ import annotations

from typing import Final

from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    Count,
    Exists,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    Subquery,
    Sum,
    Value,
    When,
)
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


CONVERSATION: Final = (Kind.USER, Kind.ASSISTANT)
"""The kinds a summary reads: what people and the agent said to each other."""


def _count(kinds: tuple[Kind, ...]) -> Coalesce:
    live = Message._base_manager.filter(trace=OuterRef("pk"), generation=OuterRef("generation"))
    if kinds:
        live = live.filter(kind__in=kinds)
    counted = live.order_by().values("trace").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0, output_field=IntegerField())


def _conversation() -> Coalesce:
    live = Message._base_manager.filter(trace=OuterRef("pk"), generation=OuterRef("generation"))
    spoken = live.filter(kind__in=CONVERSATION).order_by().values("trace")
    size = Func(F("text"), function="octet_length", output_field=BigIntegerField())
    return Coalesce(
        Subquery(spoken.annotate(n=Sum(size)).values("n")), 0, output_field=BigIntegerField()
    )


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
CONVERSATION_BYTES: Final = DerivedField(
    target="traces.Trace",
    name="conversation_bytes",
    rule=_conversation,
    sources={"traces.Message": "trace_id"},
)
BY_MESSAGES: Final = (*COUNTS, CONVERSATION_BYTES)
"""All that ingest moves itself."""
NAMESPACE_SUMMARISES: Final = DerivedField(
    target="traces.Trace",
    name="namespace_summarises",
    rule=lambda: Subquery(
        Namespace._base_manager.filter(pk=OuterRef("namespace_id"))
        .annotate(summarises=Q(ai_summary_enabled=True) & Q(ai_summary_off_by_staff=False))
        .values("summarises")
    ),
    sources={"traces.Trace": "pk", "accounts.Namespace": Children("namespace_id")},
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


def _withheld() -> Case:
    banned = User._base_manager.filter(banned_at__isnull=False)
    by_author = Exists(banned.filter(pk=OuterRef("created_by_id")))
    by_owner = Exists(banned.filter(namespace=OuterRef("namespace_id")))
    return Case(
        When(by_author | by_owner, then=Value(True)),
        default=Value(False),
        output_field=BooleanField(),
    )


# A person is no source here: a ban refreshes what is theirs in batches (`services/bans.py`).
IS_WITHHELD: Final = DerivedField(
    target="traces.Trace", name="is_withheld", rule=_withheld, sources={"traces.Trace": "pk"}
)

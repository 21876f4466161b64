"""Messages arrive: one read of hashes, and where something is new a lock and one statement.

What a batch holds may be sent again, in other cuts, by two clients at once, and between an
unpublish and the next publish: the locked row says which generation it is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.models import Role
from accounts.policy import Actor
from config.errors import DomainError
from config.ratelimit import take_exact
from config.statements import statement
from traces.batch import Received, stored_rows
from traces.due import FIRST_MESSAGES, STEP_MESSAGES, quiet_for
from traces.models import Message, SummaryGate, SummaryTrigger, Trace
from traces.services.publishing import TraceNotFound, upload_namespace
from traces.services.summaries import Reason, wake
from traces.summarizer import has_model

MAX_MESSAGES: Final = 200_000
HOUR: Final = 3_600
KIB: Final = 1_024


class TraceTooLarge(DomainError):
    """It would hold more messages than a trace may."""

    code = "trace_too_large"


class UploadLimitReached(DomainError):
    """The account has stored as much within the hour as it may."""

    code = "upload_limit_reached"

    def __init__(self, seconds: int) -> None:
        minutes = -(-seconds // 60)
        super().__init__(
            "This account has uploaded as much in this hour as it may;"
            f" share again in {minutes} minute{'' if minutes == 1 else 's'}."
        )
        self.retry_after = seconds


@dataclass(frozen=True)
class Appended:
    """What became of one message."""

    external_id: str
    id: int
    status: str
    """created, updated or unchanged."""


def append_messages(
    *, actor: Actor, external_id: str, messages: list[Received], wakes: bool = True
) -> tuple[list[Appended], int]:
    """Store what is new or changed; return each message's fate and the trace's message count.

    When nothing changed nothing is written, the trace's row is not even locked. Where `wakes` and
    the messages make a summary due, it is queued in the same transaction. Raises
    `TraceNotFound` for a trace that is not published, `TraceTooLarge`, `UploadLimitReached`, and
    what `upload_namespace` raises.
    """
    namespace = upload_namespace(actor)
    traces = Trace.objects.published().filter(namespace=namespace, external_id=external_id)
    seen = _seen(namespace.pk, external_id, messages)
    if messages and all(_is_known(message, seen) for message in messages):
        fates = [Appended(m.external_id, seen[m.external_id].id, "unchanged") for m in messages]
        return fates, seen[messages[0].external_id].message_count
    return _write(actor, traces, messages, seen, wakes=wakes)


def _charge(actor: Actor, wanted: list[Received]) -> None:
    """Count what is about to be stored for its account. Raises `UploadLimitReached`.

    Behind the trace's lock: nobody waits for a trace while they hold a counter. A refusal takes
    its own charge back with the transaction.
    """
    assert actor.user is not None  # noqa: S101 - `upload_namespace` says so.
    limits = settings.UPLOAD_MIB_AN_HOUR
    limit = limits[actor.role == Role.ADMIN] * KIB
    size = sum(len(message.json) for message in wanted)
    quota = take_exact(
        "upload-kib", f"user:{actor.user.pk}", limit, seconds=HOUR, amount=-(-size // KIB)
    )
    if not quota.allowed:
        raise UploadLimitReached(quota.reset_seconds)


class _Seen(NamedTuple):
    """A message that stood in the published generation when it was looked for."""

    external_id: str
    id: int
    content_hash: bytes
    generation: int
    message_count: int


def _seen(namespace_id: int, external_id: str, messages: list[Received]) -> dict[str, _Seen]:
    asked: dict[str, Any] = {
        "namespace": namespace_id,
        "trace": external_id,
        "messages": [message.external_id for message in messages],
    }
    with connection.cursor() as cursor:
        cursor.execute(statement("traces/stored_messages"), asked)
        return {row[0]: _Seen(*row) for row in cursor.fetchall()}


def _is_known(message: Received, seen: Mapping[str, _Seen]) -> bool:
    stored = seen.get(message.external_id)
    return stored is not None and bytes(stored.content_hash) == message.content_hash


@transaction.atomic
def _write(
    actor: Actor,
    traces: QuerySet[Trace],
    messages: list[Received],
    seen: Mapping[str, _Seen],
    *,
    wakes: bool,
) -> tuple[list[Appended], int]:
    """Write what was not known, into the generation that the lock finds."""
    columns = ("generation", "message_count", "summary_gate")
    trace = traces.select_for_update(no_key=True).only(*columns).first()
    if trace is None:
        raise TraceNotFound
    # What stood in a generation that ended meanwhile says nothing of this one.
    known = {key: row for key, row in seen.items() if row.generation == trace.generation}
    wanted = [message for message in messages if not _is_known(message, known)]
    if trace.message_count + sum(m.external_id not in known for m in wanted) > MAX_MESSAGES:
        raise TraceTooLarge(f"A trace holds at most {MAX_MESSAGES:,} messages.", field="messages")
    if wanted:
        _charge(actor, wanted)
    told: dict[str, Any] = {
        "trace": trace.pk,
        "generation": trace.generation,
        "first": FIRST_MESSAGES,
        "step": STEP_MESSAGES,
        "quiet": quiet_for(),
    }
    with connection.cursor() as cursor:
        cursor.execute(
            statement("traces/upsert_messages"), told | {"messages": stored_rows(wanted).decode()}
        )
        written = cursor.fetchall()
    fates = {key: Appended(key, row.id, "unchanged") for key, row in known.items()}
    for pk, key, is_new, _count, _is_due in written:
        fates[key] = Appended(key, pk, "created" if is_new else "updated")
    # A rival stored the same in between: the statement wrote nothing of it and told no id.
    if missing := [m.external_id for m in messages if m.external_id not in fates]:
        found = Message.objects.live(trace).filter(external_id__in=missing)
        for key, pk in found.values_list("external_id", "pk"):
            fates[key] = Appended(key, pk, "unchanged")
    count, is_due = written[0][3:] if written else (trace.message_count, False)
    if wakes and is_due and trace.summary_gate == SummaryGate.OPEN and has_model():
        wake(trace.pk, Reason(SummaryTrigger.BATCH))
    return [fates[message.external_id] for message in messages], count

"""Messages arrive: one lock, one read of hashes, at most one statement that writes.

What a batch holds may be sent again, in other cuts, by two clients at once, and between an
unpublish and the next publish: the locked row says which generation it is for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import connection, transaction

from accounts.policy import Actor
from config.errors import DomainError
from config.statements import statement
from traces.batch import Received, stored_rows
from traces.models import Message, Trace
from traces.services.publishing import TraceNotFound, upload_namespace

MAX_MESSAGES: Final = 200_000


class TraceTooLarge(DomainError):
    """It would hold more messages than a trace may."""

    code = "trace_too_large"


@dataclass(frozen=True)
class Appended:
    """What became of one message."""

    external_id: str
    id: int
    status: str
    """created, updated or unchanged."""


@transaction.atomic
def append_messages(
    *, actor: Actor, external_id: str, messages: list[Received]
) -> tuple[list[Appended], int]:
    """Store what is new or changed; return each message's fate and the trace's message count.

    When nothing changed, nothing is written, the trace's row neither. Raises `TraceNotFound` for a
    trace that is not published, `TraceTooLarge`, and what `upload_namespace` raises.
    """
    namespace = upload_namespace(actor)
    rows = Trace.objects.published().filter(namespace=namespace, external_id=external_id)
    trace = rows.select_for_update(no_key=True).only("generation", "message_count").first()
    if trace is None:
        raise TraceNotFound
    hashes = {message.external_id: message.content_hash for message in messages}
    known = Message.objects.live(trace).filter(external_id__in=list(hashes))
    stored = {
        key: (pk, bytes(content_hash))
        for key, pk, content_hash in known.values_list("external_id", "pk", "content_hash")
    }
    changed = [
        m for m in messages if stored.get(m.external_id, (0, b""))[1] != hashes[m.external_id]
    ]
    if trace.message_count + len(hashes.keys() - stored.keys()) > MAX_MESSAGES:
        raise TraceTooLarge(f"A trace holds at most {MAX_MESSAGES:,} messages.", field="messages")
    fates = {key: Appended(key, pk, "unchanged") for key, (pk, _hash) in stored.items()}
    count = trace.message_count
    if changed:
        with connection.cursor() as cursor:
            cursor.execute(
                statement("traces/upsert_messages"),
                {
                    "trace": trace.pk,
                    "generation": trace.generation,
                    "messages": stored_rows(changed).decode(),
                },
            )
            written = cursor.fetchall()
        for pk, key, is_new, _count in written:
            fates[key] = Appended(key, pk, "created" if is_new else "updated")
        count = written[0][3]
    return [fates[key] for key in hashes], count

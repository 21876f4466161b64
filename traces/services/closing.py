"""What goes of traces with an account that was deleted (accounts/closing.py): all of them.

Each function goes on where it was killed, may run twice at once, and yields how many rows a
committed step took.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from accounts import audit
from accounts.models import User
from config.derived import deferred, refresh
from traces.derived import BY_MESSAGES
from traces.models import Message, Trace
from traces.services.publishing import NO_SUMMARY, PURGE_BATCH

BATCH: Final = 200


def traces_of(person: User, spaces: Collection[int]) -> list[QuerySet[Trace]]:
    """Return what a person shared, wherever it stands, and what others left in their namespaces.

    Two reads, since no index holds both: `trace_by_person`, and the names of a namespace's traces.
    """
    by_others = Trace.objects.filter(namespace__in=spaces).exclude(created_by=person)
    return [Trace.objects.filter(created_by=person), by_others]


def _walks(person: User, spaces: Collection[int]) -> Iterator[tuple[QuerySet[Trace], str]]:
    """Yield the same in parts, each with the column in whose order its index holds it."""
    own, by_others = traces_of(person, spaces)
    for withheld in (False, True):
        yield own.filter(is_withheld=withheld), "pk"
    for space in spaces:
        yield by_others.filter(namespace=space), "external_id"


def _keys(rows: QuerySet[Trace], order: str) -> Iterator[list[int]]:
    """Yield the keys of these rows in an order that an index holds, a batch at a time."""
    page = rows.order_by(order).values_list("pk", order)
    found = list(page[:BATCH])
    while found:
        yield [pk for pk, _place in found]
        found = list(page.filter(**{f"{order}__gt": found[-1][1]})[:BATCH])


def take_all_back(*, person: User, spaces: Collection[int]) -> Iterator[int]:
    """Take every trace back, those that a ban withholds too: nobody reads them any more."""
    for traces, order in _walks(person, spaces):
        for keys in _keys(traces.filter(unpublished_at__isnull=True), order):
            yield _take_back(keys, person)


def _take_back(keys: list[int], person: User) -> int:
    with deferred():
        rows = Trace.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk")
        taken = [row for row in rows.defer("ai_summary") if row.unpublished_at is None]
        Trace.objects.filter(pk__in=[row.pk for row in taken]).update(
            generation=F("generation") + 1,
            unpublished_at=Now(),
            updated_at=Now(),
            **NO_SUMMARY,
        )
        for derived in BY_MESSAGES:
            refresh(derived, [row.pk for row in taken])
        audit.record_all(
            audit.event(actor=person, verb="trace.unpublish", thing=row) for row in taken
        )
    return len(taken)


def delete_traces(*, person: User, spaces: Collection[int]) -> Iterator[int]:
    """Delete the traces that were taken back, their messages first, a batch at a time."""
    for traces, order in _walks(person, spaces):
        for keys in _keys(traces.filter(unpublished_at__isnull=False), order):
            for key in keys:
                yield from _empty(key)
                yield _delete(key)


def _empty(key: int) -> Iterator[int]:
    messages = Message.objects.filter(trace=key)
    while keys := list(messages.order_by("generation").values_list("pk")[:PURGE_BATCH]):
        Message.objects.filter(pk__in=[pk for (pk,) in keys]).delete()
        yield len(keys)


@transaction.atomic
def _delete(key: int) -> int:
    """Delete a trace without messages; what an upload added meanwhile is left to the next round.

    Whoever adds or publishes again locks the trace: they come before, or find it gone.
    """
    locked = Trace.objects.select_for_update().filter(pk=key, unpublished_at__isnull=False)
    if not locked.values_list("pk") or Message.objects.filter(trace=key).exists():
        return 0
    Trace.objects.filter(pk=key).delete()
    return 1

"""Which trace an id in an address means; what may not be read is not found."""

from __future__ import annotations

from accounts.policy import Actor
from traces.models import Trace
from traces.models.trace import EXTERNAL_ID_LENGTH
from traces.policy import may_read
from traces.services.publishing import TraceNotFound


def find_trace(actor: Actor, wanted: str) -> Trace:
    """Return the published trace that `wanted` names and this actor may read.

    By its own id; by a client's id in the namespaces the actor speaks for; by a client's id among
    what is open to others, where the oldest wins and keeps its claim even while it is taken back,
    so that nobody takes over a known link by publishing under the same id. Raises `TraceNotFound`.
    """
    if not 0 < len(wanted) <= EXTERNAL_ID_LENGTH:
        raise TraceNotFound
    trace = Trace.objects.filter(public_id=wanted).first() or _by_external_id(actor, wanted)
    if trace is None or not may_read(actor, trace):
        raise TraceNotFound
    return trace


def _by_external_id(actor: Actor, wanted: str) -> Trace | None:
    named = Trace.objects.filter(external_id=wanted)
    if actor.namespace_ids:
        mine = list(named.filter(namespace__in=actor.namespace_ids).order_by("pk"))
        active = actor.active_namespace
        mine.sort(key=lambda trace: (trace.unpublished_at is not None, trace.namespace != active))
        if mine:
            first: Trace = mine[0]
            return first
    oldest: Trace | None = named.open_at_some_time().first()
    return oldest


def own_trace(actor: Actor, wanted: str) -> Trace:
    """Return the trace of this client's id, or of this own id, that the actor may change.

    Also one that is taken back, none that a ban withholds. Raises `TraceNotFound`.
    """
    mine = Trace.objects.not_withheld().filter(namespace__in=actor.namespace_ids)
    active = actor.active_namespace
    found = list(mine.filter(external_id=wanted).order_by("pk")) if wanted else []
    found.sort(key=lambda trace: trace.namespace_id != (active and active.pk))
    trace: Trace | None = found[0] if found else mine.filter(public_id=wanted).first()
    if trace is None:
        raise TraceNotFound
    return trace


def member_trace(actor: Actor, public_id: str) -> Trace:
    """Return the trace of this own id that stands in a namespace of the actor.

    Also one that is taken back: its page says so; none that a ban withholds. Raises
    `TraceNotFound`.
    """
    mine = Trace.objects.not_withheld().filter(namespace__in=actor.namespace_ids)
    mine = mine.filter(public_id=public_id)
    trace: Trace | None = mine.select_related("namespace").first()
    if trace is None:
        raise TraceNotFound
    return trace

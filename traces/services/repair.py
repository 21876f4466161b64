"""The counts of a trace, counted again."""

from __future__ import annotations

from typing import NamedTuple

from django.db import transaction

from accounts import audit
from accounts.models import User
from config.derived import deferred, refresh
from traces.derived import BY_MESSAGES, COUNTED, COUNTS
from traces.models import Trace


class Count(NamedTuple):
    """A count of a trace as it is stored and as its messages are."""

    name: str
    stored: int
    counted: int


def read_counts(trace: Trace) -> list[Count]:
    """Return each count beside what its rule says, both of one moment."""
    fresh = {f"fresh_{count.name}": count.rule() for count in COUNTS}
    row = Trace.objects.annotate(**fresh).values(*COUNTED, *fresh).get(pk=trace.pk)
    return [Count(name, row[name], row[f"fresh_{name}"]) for name in COUNTED]


@transaction.atomic
def recount(*, actor: User, trace: Trace) -> bool:
    """Make the counts of a trace what its messages are; False where they were right already.

    An upload that is under way comes before or after: both lock the trace.
    """
    locked = Trace.objects.select_for_update(no_key=True).get(pk=trace.pk)
    with deferred():
        for derived in BY_MESSAGES:
            refresh(derived, [locked.pk])
    fresh = Trace.objects.only(*COUNTED).get(pk=trace.pk)
    before = {name: getattr(locked, name) for name in COUNTED}
    after = {name: getattr(fresh, name) for name in COUNTED}
    if before == after:
        return False
    audit.record(actor=actor, verb="trace.recount", thing=locked, before=before, after=after)
    return True

"""What the switches of a trace come to, and the sentence that says why: for its pages."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from traces.due import SWITCHED_OFF, Verdict
from traces.models import SummaryState, Trace
from traces.services.refreshes import WHY
from traces.services.summaries import read_site

LOOKED_FOR: Final = timedelta(minutes=30)
"""So long before and after its moment a page looks whether something has become of the work."""
RELOAD: Final = "Reload this page to look again."
_BEGUN: Final = {SummaryState.QUEUED, SummaryState.RUNNING, SummaryState.RETRYING}
_GOES_ON: Final = {Verdict.DUE, Verdict.PAUSED, Verdict.RUNNING, Verdict.RETRYING}


class Effect(NamedTuple):
    """Whether a summary may be written, the verdict, and what it says to people."""

    is_on: bool
    verdict: Verdict
    reason: str


def read_effect(trace: Trace) -> Effect:
    """Return what the verdict says of a trace at this moment: three statements."""
    judged = Trace.objects.with_summary_verdict(read_site()).filter(pk=trace.pk)
    return effect_of(trace, Verdict(judged.values_list("summary_verdict", flat=True).get()))


def effect_of(trace: Trace, verdict: Verdict) -> Effect:
    """Return what a verdict means for this trace; who turned its namespace off is named."""
    reason = WHY[verdict]
    if verdict == Verdict.NAMESPACE_OFF:
        by_staff = trace.namespace.ai_summary_off_by_staff
        who = "Staff have turned summaries off" if by_staff else "Summaries are off"
        reason = f"{who} for {trace.namespace}."
    elif verdict == Verdict.DUE:
        reason = "Nothing stands in the way of a summary; it is due."
    return Effect(verdict not in SWITCHED_OFF, verdict, reason)


def is_under_way(trace: Trace, verdict: Verdict | None) -> bool:
    """Say whether the work was asked for or begun, and goes on by itself within minutes."""
    return trace.summary_state in _BEGUN and verdict in _GOES_ON


def is_looked_for(trace: Trace, now: datetime) -> bool:
    """Say whether a page still looks what has become of work under way; else it is reloaded."""
    due_at = trace.summary_due_at
    return due_at is not None and abs(now - due_at) < LOOKED_FOR

"""Whether an AI may summarise a trace, and who says no. Pure.

Any “off” wins. Where several say it, the one that nobody else can overrule is named: the author's
word before the trace's switch, that before its namespace's.
"""

from __future__ import annotations

from typing import NamedTuple

from accounts.models import Namespace, Visibility
from traces.models import Trace


class Effect(NamedTuple):
    """What the switches come to, and the sentence that says why."""

    is_on: bool
    reason: str


def summary_effect(trace: Trace, namespace: Namespace) -> Effect:
    """Return whether a summary may be written, and what stands in its way."""
    if trace.exclude_from_ai:
        return Effect(is_on=False, reason="Its author keeps it from every AI.")
    if trace.visibility == Visibility.PRIVATE:
        return Effect(is_on=False, reason="A trace for members only is never summarised.")
    if not trace.ai_summary_enabled:
        return Effect(is_on=False, reason="Summaries are off for this trace.")
    if not namespace.ai_summary_enabled:
        return Effect(is_on=False, reason=f"Summaries are off for {namespace}.")
    return Effect(is_on=True, reason="Nothing stands in the way of a summary.")

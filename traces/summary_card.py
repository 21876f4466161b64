"""The card that tells readers what a model wrote of a trace, and its author how that stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from config.formats import exact_count
from traces.due import SWITCHED_OFF, Verdict
from traces.models import SummaryState, Trace
from traces.prices import DEMO_MODEL
from traces.summary_effect import RELOAD, effect_of, is_looked_for, is_under_way, read_effect

# While something is to come the card asks again: every few seconds at first, then seldom.
POLL_SECONDS: Final = 3
SLOW_POLL_SECONDS: Final = 10
SLOW_AFTER: Final = timedelta(minutes=5)
OFF: Final = "off"
SOON: Final = "A worker writes it within some minutes."
# Of these the state is the verdict's own word; of the others the summary there is says more.
_NAMED: Final = {
    Verdict.TOO_SHORT,
    Verdict.RUNNING,
    Verdict.FAILED,
    Verdict.PAUSED,
    Verdict.RETRYING,
    Verdict.WAITING_FOR_BUDGET,
    Verdict.FRESH,
}


@dataclass(frozen=True)
class SummaryCard:
    """A trace's summary at one moment; without a verdict it is a reader's card."""

    trace: Trace
    now: datetime
    verdict: Verdict | None = None
    may_refresh: bool = False

    @property
    def is_shown(self) -> bool:
        """Say whether there is anything to tell: readers are told of a summary, not of none."""
        return bool(self.trace.ai_summary) or self.verdict is not None

    @property
    def is_demo(self) -> bool:
        """Say whether our stand-in wrote it, which is no model."""
        return self.trace.summary_model == DEMO_MODEL

    @property
    def behind(self) -> int:
        """Return how many messages it does not cover."""
        return max(self.trace.message_count - self.trace.summary_message_count, 0)

    @property
    def is_queued(self) -> bool:
        """Say whether somebody asked and no worker has taken it up yet."""
        asked = self.trace.summary_state == SummaryState.QUEUED
        return asked and self.verdict == Verdict.DUE

    @property
    def state(self) -> str:
        """Return where it stands, in a few words; "" to readers."""
        verdict = self.verdict
        if verdict is None:
            return ""
        if verdict in SWITCHED_OFF:
            return OFF
        if self.is_queued:
            return "queued"
        if verdict in _NAMED:
            return verdict.label.lower()
        if not self.trace.summary_generated_at:
            return "none yet"
        return f"stale ({exact_count(self.behind)} new)"

    @property
    def why(self) -> str:
        """Return the sentence that goes with the state; "" where the state says it all."""
        if self.verdict in {None, Verdict.FRESH}:
            return ""
        return (
            SOON
            if self.verdict == Verdict.DUE
            else effect_of(self.trace, Verdict(self.verdict)).reason
        )

    @property
    def can_refresh(self) -> bool:
        """Say whether to offer the button: where asking would do something."""
        settled = {*SWITCHED_OFF, Verdict.TOO_SHORT, Verdict.FRESH, Verdict.RUNNING}
        return self.may_refresh and self.verdict not in settled and not self.is_queued

    @property
    def _is_watched(self) -> bool:
        return self.may_refresh and is_under_way(self.trace, self.verdict)

    @property
    def reload(self) -> str:
        """Return what to do once the card no longer looks by itself; "" as long as it does."""
        return RELOAD if self._is_watched and not self.poll_seconds else ""

    @property
    def poll_seconds(self) -> int:
        """Return how often to look again; 0 where nothing will happen by itself soon."""
        if not self._is_watched or not is_looked_for(self.trace, self.now):
            return 0
        asked_at = self.trace.summary_asked_at
        is_recent = asked_at is not None and self.now - asked_at < SLOW_AFTER
        return POLL_SECONDS if is_recent else SLOW_POLL_SECONDS


def reader_card(trace: Trace) -> SummaryCard:
    """Return what everybody who may read the trace is told: no statement."""
    return SummaryCard(trace, timezone.now())


def member_card(trace: Trace, *, may_refresh: bool) -> SummaryCard:
    """Return what members of its namespace are told, too: three statements."""
    return SummaryCard(trace, timezone.now(), read_effect(trace).verdict, may_refresh)

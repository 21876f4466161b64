"""When a trace's summary is due, and if it is not, why: the one definition.

The row's own part is the column `summary_gate`; what holds for the whole site is a `Site`; the
rest is the trace's counts, its last change, and where the work on it stands. Ingest, the sweep,
the task, staff pages and dry runs all read this verdict.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import (
    Case,
    CharField,
    F,
    Q,
    TextChoices,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from traces import summarizer
from traces.querysets import LINK_HAS_ENDED
from traces.summary_state import SummaryGate, SummaryState

FIRST_MESSAGES: Final = 4
"""A trace gets its first summary with so many messages; fewer new ones are no reason for one."""
STEP_MESSAGES: Final = 100
"""And the next with so many more than the last one covers."""
MAX_ATTEMPTS: Final = 3
_OFF: Final = tuple(gate for gate in SummaryGate if gate != SummaryGate.OPEN)


def quiet_for() -> timedelta:
    """Return after how long without a change a few new messages are reason enough."""
    return timedelta(seconds=settings.SUMMARY_QUIET_SECONDS)


class Verdict(TextChoices):
    """Why a trace is summarised now, or is not. The first reasons are the gate's."""

    UNPUBLISHED = SummaryGate.UNPUBLISHED.value, SummaryGate.UNPUBLISHED.label
    WITHHELD = SummaryGate.WITHHELD.value, SummaryGate.WITHHELD.label
    EXCLUDED = SummaryGate.EXCLUDED.value, SummaryGate.EXCLUDED.label
    PRIVATE = SummaryGate.PRIVATE.value, SummaryGate.PRIVATE.label
    TRACE_OFF = SummaryGate.TRACE_OFF.value, SummaryGate.TRACE_OFF.label
    STAFF_OFF = SummaryGate.STAFF_OFF.value, SummaryGate.STAFF_OFF.label
    NAMESPACE_OFF = SummaryGate.NAMESPACE_OFF.value, SummaryGate.NAMESPACE_OFF.label
    SITE_OFF = "site_off", "Off for the site"
    NO_MODEL = "no_model", "No model configured"
    UNPRICED = "unpriced", "No price known for the model"
    TOO_SHORT = "too_short", "Too short"
    FRESH = "fresh", "Fresh"
    RUNNING = "running", "Being written"
    FAILED = "failed", "Failed"
    PAUSED = "paused", "Paused after an error"
    RETRYING = "retrying", "Tried again soon"
    WAITING_FOR_BUDGET = "waiting_for_budget", "Waits for budget"
    SETTLING = "settling", "A few new messages"
    DUE = "due", "Due"


SWITCHED_OFF: Final = frozenset(
    {
        *(Verdict(gate.value) for gate in _OFF),
        Verdict.SITE_OFF,
        Verdict.NO_MODEL,
        Verdict.UNPRICED,
    }
)
"""The verdicts that somebody has to change a switch or a setting for."""


@dataclass(frozen=True)
class Site:
    """What holds for every trace of this moment: a verdict that goes before the trace's own.

    `off` is why nothing is summarised at all; `held` is why nothing is begun just now.
    """

    off: Verdict | None = None
    held: Verdict | None = None

    @property
    def is_open(self) -> bool:
        """Say whether anything may be begun."""
        return self.off is None and self.held is None


HAS_NEW: Final = Q(message_count__gt=F("summary_message_count"))
IS_LONG_ENOUGH: Final = Q(message_count__gte=FIRST_MESSAGES)
# By its messages alone: the first, or as many more.
IS_STALE: Final = IS_LONG_ENOUGH & (
    Q(summary_message_count=0) | Q(message_count__gte=F("summary_message_count") + STEP_MESSAGES)
)


def _is_quiet() -> Q:
    grown = Q(message_count__gte=F("summary_message_count") + FIRST_MESSAGES)
    return grown & Q(updated_at__lte=Now() - quiet_for())


def quiet_at() -> Combinable:
    """Return the moment from which a trace has been quiet for long enough."""
    return F("updated_at") + Value(quiet_for())


def verdict(site: Site, *, asked: bool = False) -> Case:
    """Return the column that says why a trace is due, or not.

    `asked`: a person or a run wants it now, so anything new is reason enough, as is a summary that
    another model or prompt wrote; a failure or a wait is tried again.
    """
    always = Q(pk__isnull=False)
    # Work that was begun or asked for goes on, whatever the reason was.
    wanted = always if asked else ~Q(summary_state__in=[SummaryState.IDLE, SummaryState.FAILED])
    whens: list[Any] = [
        When(summary_gate__in=_OFF, then=F("summary_gate")),
        # The gate is a stored column and knows no time; the job makes it say the same.
        When(LINK_HAS_ENDED, then=Value(Verdict.PRIVATE)),
    ]
    if site.off is not None:
        whens.append(When(always, then=Value(site.off)))
    whens += [
        When(~IS_LONG_ENOUGH, then=Value(Verdict.TOO_SHORT)),
        When(~HAS_NEW & ~(wanted & _is_outdated()), then=Value(Verdict.FRESH)),
        When(_is(SummaryState.RUNNING), then=Value(Verdict.RUNNING)),
    ]
    if not asked:
        whens.append(When(summary_state=SummaryState.FAILED, then=Value(Verdict.FAILED)))
    if site.held is not None:
        whens.append(When(always, then=Value(site.held)))
    if not asked:
        whens += [
            When(_is(SummaryState.RETRYING), then=Value(Verdict.RETRYING)),
            When(_is(SummaryState.WAITING), then=Value(Verdict.WAITING_FOR_BUDGET)),
        ]
    whens.append(When(wanted | IS_STALE | _is_quiet(), then=Value(Verdict.DUE)))
    return Case(*whens, default=Value(Verdict.SETTLING), output_field=CharField())


def _is(state: SummaryState) -> Q:
    """Return the condition that the work stands so, and its moment has not come yet."""
    return Q(summary_state=state, summary_due_at__gt=Now())


def _is_outdated() -> Q:
    """Return the condition that another model or another prompt wrote the summary."""
    current = Q(
        summary_model=settings.SUMMARY_MODEL, summary_prompt_version=summarizer.PROMPT_VERSION
    )
    return Q(summary_generated_at__isnull=False) & ~current

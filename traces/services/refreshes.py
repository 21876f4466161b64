"""Summaries that people ask for: one, those that failed, all that are stale. Dry run first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import (
    BooleanField,
    Case,
    Count,
    Exists,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Least, Now
from django.utils import timezone

from accounts import audit
from accounts.models import Namespace, User
from config.errors import DomainError
from config.text import has_unstorable
from jobs.bounded import bounded
from jobs.models import Trigger
from jobs.services import Started, start_run
from traces import summarizer
from traces.due import FIRST_MESSAGES, IS_STALE, Site, Verdict
from traces.models import (
    SummaryGate,
    SummaryLog,
    SummaryOutcome,
    SummaryState,
    SummaryTrigger,
    Trace,
)
from traces.prices import find_price
from traces.services import summaries
from traces.services.summaries import Reason, read_site
from traces.summary_state import IS_FAILED
from traces.transcript import MAX_BYTES

RUN_JOB: Final = "summarize_traces"
STALE: Final = "stale"
ALL: Final = "all"
OF_NAMESPACE: Final = "@"
ASKED_EVERY: Final = timedelta(minutes=10)
"""An author asks for a summary of a trace at most so often."""
FAILED_SINCE: Final = timedelta(hours=24)
RETRIED_AT_ONCE: Final = 1_000
MOST_TOKENS: Final = 10**12
PREVIEW_SECONDS: Final = 10
# What the answers of small models come to; an estimate, never a bound.
BYTES_PER_TOKEN: Final = 4
EXPECTED_OVERHEAD: Final = 420
EXPECTED_OUTPUT: Final = 160


class ScopeUnknown(DomainError):
    code = "scope_unknown"


class RefreshRefused(DomainError):
    """The trace is not to be summarised; the message says what stands in the way."""

    code = "summary_refused"


class RefreshTooSoon(DomainError):
    code = "summary_too_soon"


class LimitRefused(DomainError):
    code = "limit_invalid"


# --- One ------------------------------------------------------------------------------------------


@transaction.atomic
def ask(*, trace: Trace, actor: User, trigger: SummaryTrigger) -> Verdict:
    """Queue a summary of a trace that somebody wants now; return `DUE`, or `FRESH` or `RUNNING`.

    Of the last two nothing is queued. Without budget it is queued and waits. An author asks once in
    ten minutes. Whether this person may ask is the caller's question. Raises `RefreshRefused`,
    `RefreshTooSoon`.
    """
    site = read_site()
    rows = Trace.objects.select_for_update(no_key=True, of=("self",))
    judged = rows.with_summary_verdict(Site(off=site.off), asked=True)
    locked = judged.get(pk=trace.pk)
    verdict = Verdict(locked.summary_verdict)
    if verdict in {Verdict.FRESH, Verdict.RUNNING}:
        return verdict
    if verdict != Verdict.DUE:
        raise RefreshRefused(WHY[verdict])
    if trigger == SummaryTrigger.AUTHOR:
        _refuse_too_soon(locked)
    # Ten minutes are the author's own; who asks for staff takes none of them.
    asked = {"summary_asked_at": Now()} if trigger == SummaryTrigger.AUTHOR else {}
    _queue(Trace.objects.filter(pk=locked.pk), **asked)
    summaries.wake(locked.pk, Reason(trigger, actor))
    audit.record(actor=actor, verb="trace.summarize", thing=locked)
    return verdict


def _refuse_too_soon(trace: Trace) -> None:
    if trace.summary_asked_at is None:
        return
    again_at = trace.summary_asked_at + ASKED_EVERY
    if again_at > timezone.now():
        raise RefreshTooSoon(
            f"A summary was asked for a moment ago; ask again after {again_at:%H:%M} UTC."
        )


WHY: Final = {
    Verdict.UNPUBLISHED: "This trace was taken back.",
    Verdict.WITHHELD: "Its author is banned, so it is withheld.",
    Verdict.EXCLUDED: "Its author keeps it from every AI.",
    Verdict.PRIVATE: "A trace for members only is never summarised.",
    Verdict.TRACE_OFF: "Summaries are off for this trace.",
    Verdict.STAFF_OFF: "Staff have turned summaries off for this trace.",
    Verdict.NAMESPACE_OFF: "Summaries are off for its namespace.",
    Verdict.SITE_OFF: "Summaries are off for the whole site.",
    Verdict.NO_MODEL: "No model is configured here, so there are no summaries.",
    Verdict.UNPRICED: "No price is known for the configured model, so it is not used.",
    Verdict.TOO_SHORT: (
        f"It has fewer than {FIRST_MESSAGES} messages; there is nothing to summarise yet."
    ),
    Verdict.FRESH: "Nothing new since the last summary.",
    Verdict.RUNNING: "A summary is being written.",
    Verdict.FAILED: "The last attempts failed; ask for it again.",
    Verdict.PAUSED: "The model's server refused the last call; it is asked again in some minutes.",
    Verdict.RETRYING: "The last attempt failed; the next one follows in some minutes.",
    Verdict.WAITING_FOR_BUDGET: "Today's budget is used; it goes on after 00:00 UTC.",
    Verdict.SETTLING: "A few new messages; it is due when nothing has changed for a while.",
    Verdict.DUE: "A summary is due.",
}
"""What each verdict says to people."""


def _queue(rows: QuerySet[Trace], **told: Any) -> int:
    return rows.update(
        summary_state=SummaryState.QUEUED, summary_due_at=Now(), summary_attempts=0, **told
    )


# --- Those that failed ----------------------------------------------------------------------------


def failed_lately(error: str = "") -> QuerySet[SummaryLog]:
    """Return the failed attempts of the last day, of one class of error or of all."""
    since = timezone.now() - FAILED_SINCE
    ended = (SummaryOutcome.FAILED, SummaryOutcome.LOST)
    rows = SummaryLog.objects.filter(outcome__in=ended, started_at__gt=since)
    return rows.filter(error=error) if error else rows


def gave_up(error: str = "") -> QuerySet[SummaryLog]:
    """Return of those the last attempts at their traces: what each gave up on, once a trace."""
    later = SummaryLog.objects.filter(trace=OuterRef("trace"), pk__gt=OuterRef("pk"))
    return failed_lately(error).filter(~Exists(later))


@transaction.atomic
def retry_failed(*, actor: User, error: str) -> int:
    """Queue the traces that gave up on this class of error in the last day; return how many.

    At most a thousand at once; asked again it takes the next.
    """
    rows = Trace.objects.filter(IS_FAILED, pk__in=gave_up(error).values("trace"))
    locked = rows.select_for_update(no_key=True, of=("self",)).order_by("pk")
    keys = list(locked.values_list("pk", flat=True)[:RETRIED_AT_ONCE])
    queued = _queue(Trace.objects.filter(pk__in=keys))
    if queued:
        summaries.wake_sweep()
        audit.record_named(
            actor=actor,
            verb="summaries.retry",
            kind="job",
            name=summaries.SWEEP_JOB,
            after={"error": error, "traces": queued},
        )
    return queued


# --- Many -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Preview:
    """What a refresh would do, from stored sizes: no message is read and nothing is written."""

    scope: str
    traces: int
    tokens: int
    """Expected, in and out."""
    micros: int
    others: dict[str, int]
    """How many traces are left alone, by verdict."""


def read_scope(scope: str) -> Q:
    """Return the condition of a scope: `stale`, `all`, or `@handle`. Raises `ScopeUnknown`.

    Stale is what the cadence would find; all is whatever has something new, or was written by
    another model or prompt.
    """
    if scope == STALE:
        return IS_STALE
    if scope == ALL:
        return Q()
    handle = scope.removeprefix(OF_NAMESPACE)
    if scope.startswith(OF_NAMESPACE):
        readable = "" if has_unstorable(handle) else handle[:100]
        namespace = Namespace.objects.filter(handle=readable).first()
        if namespace is not None:
            return Q(namespace=namespace)
    raise ScopeUnknown(
        "A scope is stale, all, or @ and the handle of a namespace that exists.", field="scope"
    )


def due_in_scope(scope: str, after: int, limit: int) -> list[int]:
    """Return the keys of the next traces behind `after` that a refresh of this scope would do."""
    rows = Trace.objects.filter(read_scope(scope), summary_gate=SummaryGate.OPEN, pk__gt=after)
    judged = rows.with_summary_verdict(Site(), asked=True).filter(summary_verdict=Verdict.DUE)
    return list(judged.order_by("pk").values_list("pk", flat=True)[:limit])


def preview(scope: str) -> Preview:
    """Count what a refresh of this scope would do, in one pass over its traces.

    Raises `ScopeUnknown`, and `RefreshRefused` where that takes longer than somebody waits.
    """
    condition = read_scope(scope)
    is_meant = (
        Case(When(condition, then=Value(True)), default=Value(False))
        if condition
        else (Value(True, output_field=BooleanField()))
    )
    site = read_site()
    # Of one namespace, what the others have is nobody's question.
    among = Trace.objects.filter(condition if scope.startswith(OF_NAMESPACE) else Q())
    rows = (
        among.with_summary_verdict(Site(off=site.off), asked=True)
        .annotate(is_meant=is_meant)
        .order_by()
        .values_list("summary_verdict", "is_meant")
        .annotate(n=Count("pk"), bytes=Sum(Least("conversation_bytes", MAX_BYTES)))
    )
    try:
        with bounded(statement_seconds=PREVIEW_SECONDS):
            counted = list(rows)
    except OperationalError as error:
        raise RefreshRefused(
            "Counting the traces takes too long just now; try again, or take one namespace."
        ) from error
    traces = size = 0
    others: dict[str, int] = {}
    for verdict, meant, count, read in counted:
        if verdict == Verdict.DUE and meant:
            traces, size = traces + count, size + int(read or 0)
        else:
            other = Verdict.SETTLING if verdict == Verdict.DUE else Verdict(verdict)
            others[other] = others.get(other, 0) + count
    asked = size // BYTES_PER_TOKEN + traces * EXPECTED_OVERHEAD
    answered = traces * EXPECTED_OUTPUT
    price = find_price(settings.SUMMARY_MODEL) if summarizer.has_model() else None
    micros = price.of(asked, answered) if price else 0
    return Preview(scope, traces, asked + answered, micros, others)


def start(
    *,
    actor: User | None,
    scope: str,
    max_tokens: int | None = None,
    trigger: str = Trigger.PERSON,
    enqueue: bool = True,
) -> Started:
    """Start the refresh of a scope; the one that is under way already where there is one.

    It ends once its attempts have used `max_tokens`. Without `enqueue` the caller executes it.
    Raises `ScopeUnknown`, `LimitRefused`, and `RefreshRefused` where nothing would be written.
    """
    read_scope(scope)
    if max_tokens is not None and not 0 < max_tokens <= MOST_TOKENS:
        raise LimitRefused(
            f"A limit is a number of tokens from 1 to {MOST_TOKENS:,}.", field="maxTokens"
        )
    off = read_site().off
    if off is not None:
        raise RefreshRefused(WHY[off])
    options = {} if max_tokens is None else {"max_tokens": max_tokens}
    return start_run(
        kind=RUN_JOB,
        scope=scope,
        trigger=trigger,
        actor=actor,
        enqueue=enqueue,
        options=options,
    )

"""A summary is written: claimed, reserved, asked for, stored and settled.

Each step is a short transaction, and none is open while a model answers. Whoever has claimed a
trace holds a token until its lease ends; what they write names the token, so the result of one who
was given up is discarded. The switches are looked at when a trace is claimed, just before it is
sent and just before the result is stored.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Case, Value, When
from django.db.models.functions import Now
from django.utils import timezone
from django_q.tasks import async_task

from accounts.models import Namespace, User
from jobs.models import JobRun
from jobs.schedules import AI_CLUSTER, SCHEDULED_TASK
from traces import due, summarizer
from traces.due import Site, Verdict
from traces.models import (
    SummaryError,
    SummaryGate,
    SummaryLog,
    SummaryOutcome,
    SummarySettings,
    SummaryState,
    SummaryTrigger,
    Trace,
)
from traces.prices import Price, find_price
from traces.services import budget
from traces.services.budget import Amount, Standing
from traces.summarizer import Answer, Failure, Request
from traces.transcript import MAX_BYTES, Transcript, read_transcript

logger = logging.getLogger(__name__)

SWEEP_JOB: Final = "summarize_due"
SUMMARIZE_TASK: Final = "traces.tasks.summarize_trace"
LEASE: Final = timedelta(seconds=settings.SUMMARY_LEASE_SECONDS)
CIRCUIT_OPEN: Final = timedelta(minutes=15)
# A failed attempt is followed by the next after so long, by the number of failures.
RETRY_AFTER: Final = (timedelta(minutes=1), timedelta(minutes=5))
# How often each error is met before the trace has failed. What the next call would meet, too, is
# none of the trace's: it opens the circuit and burns no attempt.
TRIES: Final = {
    SummaryError.TIMEOUT: due.MAX_ATTEMPTS,
    SummaryError.CONNECTION: due.MAX_ATTEMPTS,
    SummaryError.RATE_LIMITED: due.MAX_ATTEMPTS,
    SummaryError.SERVER_ERROR: due.MAX_ATTEMPTS,
    SummaryError.UNEXPECTED: due.MAX_ATTEMPTS,
    # Once more: with twice the room for the answer, with half the text, or in the hope of luck.
    SummaryError.TRUNCATED: 2,
    SummaryError.TOO_LONG: 2,
    SummaryError.WRONG_SHAPE: 2,
    SummaryError.NOT_JSON: 2,
    SummaryError.EMPTY: 2,
    SummaryError.BAD_REQUEST: 1,
    SummaryError.FILTERED: 1,
    SummaryError.REFUSED: 1,
}
OPENS_CIRCUIT: Final = {
    SummaryError.QUOTA,
    SummaryError.KEY_REFUSED,
    SummaryError.MODEL_MISSING,
}
NOTHING: Final = Amount(0, 0)


@dataclass(frozen=True)
class Reason:
    """Why an attempt is made, and on whose behalf: what its log row tells."""

    trigger: SummaryTrigger
    asked_by: User | None = None
    run: JobRun | None = None

    @property
    def is_wish(self) -> bool:
        """Say whether somebody wants it now, whatever the cadence says."""
        return self.trigger not in {SummaryTrigger.BATCH, SummaryTrigger.SWEEP}


@dataclass(frozen=True)
class Claim:
    """A trace that is ours to summarise until the lease ends."""

    trace: Trace
    token: uuid.UUID
    reason: Reason
    attempt: int


class Ended(NamedTuple):
    """What became of an attempt, and what it is charged."""

    outcome: SummaryOutcome
    tokens: int = 0


@dataclass(frozen=True)
class _Sent:
    """A claim with what is sent of it and the reservation it is paid from."""

    claim: Claim
    request: Request
    log: SummaryLog
    price: Price


def read_site() -> Site:
    """Return what holds for every trace at this moment."""
    told = budget.read_settings()
    return judge_site(told, lambda: budget.standing(budget.today(), None, budget.site_cap(told)))


def judge_site(told: SummarySettings, standing: Callable[[], Standing]) -> Site:
    """Return what follows for every trace from settings and budget, which is read where needed."""
    price = find_price(settings.SUMMARY_MODEL) if summarizer.has_model() else None
    if not told.is_enabled:
        return Site(off=Verdict.SITE_OFF)
    if not summarizer.has_model():
        return Site(off=Verdict.NO_MODEL)
    if price is None:
        return Site(off=Verdict.UNPRICED)
    if told.circuit_until is not None and told.circuit_until > timezone.now():
        return Site(held=Verdict.PAUSED)
    least = _amount(Request(""), price)
    if not standing().has_room(least):
        return Site(held=Verdict.WAITING_FOR_BUDGET)
    return Site()


def wake(trace_id: int, reason: Reason) -> None:
    """Queue a summary, in the transaction that made it due; the sweep would find it, too."""
    asked_by = reason.asked_by.pk if reason.asked_by else None
    async_task(
        SUMMARIZE_TASK, trace_id, str(reason.trigger), asked_by, cluster=AI_CLUSTER, group="ai"
    )


def wake_sweep() -> None:
    """Have the sweep look now at what became due, instead of within minutes."""
    async_task(SCHEDULED_TASK, SWEEP_JOB, cluster=AI_CLUSTER)


# --- Claiming -------------------------------------------------------------------------------------


@transaction.atomic
def claim(trace_id: int, reason: Reason, site: Site) -> Claim | None:
    """Take a trace up if a summary of it is due; None when it is not, or somebody else has it.

    A trace that turns out not to be due is given the moment at which it may be.
    """
    rows = Trace.objects.select_for_update(no_key=True, of=("self",)).select_related("namespace")
    judged = rows.with_summary_verdict(site, asked=reason.is_wish)
    trace: Trace | None = judged.filter(pk=trace_id).first()
    if trace is None:
        return None
    verdict = trace.summary_verdict  # type: ignore[attr-defined]
    if verdict != Verdict.DUE:
        if not reason.is_wish:
            _set_timer(trace, verdict)
        return None
    attempt = trace.summary_attempts + 1
    if reason.is_wish and trace.summary_state == SummaryState.FAILED:
        attempt = 1
    if attempt > due.MAX_ATTEMPTS:
        # Each worker that had it died over it.
        _mine(trace).update(summary_state=SummaryState.FAILED, summary_token=None)
        return None
    token = uuid.uuid4()
    _mine(trace).update(
        summary_state=SummaryState.RUNNING,
        summary_token=token,
        summary_attempts=attempt,
        summary_due_at=Now() + LEASE,
    )
    return Claim(trace, token, reason, attempt)


def _mine(trace: Trace) -> Any:
    """Return the row of a trace whose lock the caller holds."""
    return Trace.objects.filter(pk=trace.pk)


def _set_timer(trace: Trace, verdict: str) -> None:
    new = trace.message_count - trace.summary_message_count
    if verdict in {Verdict.TOO_SHORT, Verdict.FRESH, Verdict.FAILED} or (
        verdict == Verdict.SETTLING and new < due.FIRST_MESSAGES
    ):
        # Whatever was begun or asked for has nothing left to do.
        is_over = trace.summary_state != SummaryState.FAILED
        state = SummaryState.IDLE if is_over else trace.summary_state
        _mine(trace).update(summary_due_at=None, summary_state=state)
    elif verdict == Verdict.SETTLING:
        _mine(trace).update(summary_due_at=due.quiet_at())


# --- Writing one ----------------------------------------------------------------------------------


def perform(claims: Sequence[Claim]) -> list[Ended]:
    """Write the summaries of these claims, their calls side by side; return what became of each.

    Whatever happens to one leaves the others alone: what breaks while it is recorded is raised
    once they are, and its log row is settled as lost. Not inside a transaction: it waits.
    """
    prepared = [_prepare_or_fail(claimed) for claimed in claims]
    sent = [one for one in prepared if isinstance(one, _Sent)]
    results = summarizer.ask_all([one.request for one in sent]) if sent else []
    ended = [one for one in prepared if isinstance(one, Ended)]
    broken: Exception | None = None
    for one, result in zip(sent, results, strict=True):
        try:
            ended.append(_record(one, result))
        except Exception as error:  # noqa: BLE001 - The others' answers are paid for, too.
            broken = broken or error
    if broken is not None:
        raise broken
    return ended


def _prepare_or_fail(claimed: Claim) -> _Sent | Ended:
    try:
        return _prepare(claimed)
    except DatabaseError:
        raise
    except Exception:
        logger.exception("the summary of trace %s could not be prepared", claimed.trace.pk)
        return _fail(claimed)


@transaction.atomic
def _fail(claimed: Claim) -> Ended:
    """Keep the record of an attempt that broke before anything was reserved."""
    trace = _still_mine(claimed)
    if trace is not None:
        _retry(trace, claimed, Failure(SummaryError.UNEXPECTED, 0, was_sent=False))
    return _note(claimed, SummaryOutcome.FAILED, SummaryError.UNEXPECTED)


def _prepare(claimed: Claim) -> _Sent | Ended:
    """Read what is sent, and reserve what it may cost."""
    max_bytes, max_output = MAX_BYTES, summarizer.MAX_OUTPUT_TOKENS
    if claimed.attempt > 1:
        last = SummaryLog.objects.filter(trace=claimed.trace).order_by("-id").first()
        if last is not None and last.error == SummaryError.TOO_LONG:
            max_bytes //= 2
        if last is not None and last.error == SummaryError.TRUNCATED:
            max_output *= 2
    transcript = read_transcript(claimed.trace, max_bytes=max_bytes)
    return _reserve(claimed, transcript, Request(transcript.text, max_output))


@transaction.atomic
def _reserve(claimed: Claim, transcript: Transcript, request: Request) -> _Sent | Ended:
    trace = _still_mine(claimed)
    if trace is None:
        return _note(claimed, SummaryOutcome.DISCARDED, SummaryError.TAKEN_OVER)
    if not _is_allowed(trace):
        _take_back(trace, claimed)
        return _note(claimed, SummaryOutcome.DISCARDED, SummaryError.SWITCHED_OFF)
    if not transcript.text:
        # Looked at, and there is nothing to read: it counts as covered, so that it is not due.
        _release(
            trace,
            summary_state=SummaryState.IDLE,
            summary_attempts=0,
            summary_message_count=claimed.trace.message_count,
            summary_due_at=_next_look(claimed.trace.message_count),
        )
        return _note(claimed, SummaryOutcome.SKIPPED, SummaryError.NO_TEXT)
    price = find_price(settings.SUMMARY_MODEL)
    if price is None:
        _take_back(trace, claimed)
        return _note(claimed, SummaryOutcome.FAILED, SummaryError.UNPRICED)
    amount, day = _amount(request, price), budget.today()
    if not budget.reserve(amount, trace.namespace, day):
        _release(
            trace,
            summary_state=SummaryState.WAITING,
            summary_attempts=claimed.attempt - 1,
            summary_due_at=budget.next_day_at(timezone.now()),
        )
        return _note(claimed, SummaryOutcome.DEFERRED, SummaryError.OVER_BUDGET)
    log = _log(
        claimed,
        trace.namespace,
        redactions=transcript.redactions,
        day=day,
        reserved_tokens=amount.tokens,
        reserved_micros=amount.micros,
        lease_until=Now() + LEASE,
    )
    log.save(force_insert=True)
    return _Sent(claimed, request, log, price)


def _amount(request: Request, price: Price) -> Amount:
    """Return the most that a request can use."""
    asked, answered = request.max_tokens
    return Amount(asked + answered, price.of(asked, answered))


def _still_mine(claimed: Claim) -> Trace | None:
    """Lock the claimed trace; None when it is taken back, taken over, or gone."""
    rows = Trace.objects.select_for_update(no_key=True, of=("self",)).select_related("namespace")
    mine: Trace | None = rows.filter(
        pk=claimed.trace.pk, summary_token=claimed.token, generation=claimed.trace.generation
    ).first()
    return mine


def _is_allowed(trace: Trace) -> bool:
    """Say whether no switch of the trace, its namespace or the site is off by now.

    The namespace's own row is asked, beside the trace's copy of it: both are of this moment.
    """
    namespace = trace.namespace
    return (
        trace.summary_gate == SummaryGate.OPEN
        and not trace.link_has_ended
        and namespace.ai_summary_enabled
        and not namespace.ai_summary_off_by_staff
        and budget.read_settings().is_enabled
    )


def _release(trace: Trace, **told: Any) -> None:
    _mine(trace).update(**{"summary_token": None, "summary_due_at": Now()} | told)


def _take_back(trace: Trace, claimed: Claim) -> None:
    """Undo a claim: what somebody switched off is no failure of the trace."""
    _release(trace, summary_state=SummaryState.IDLE, summary_attempts=claimed.attempt - 1)


def _next_look(covered: int) -> Case:
    """Return when the sweep looks again at a trace of which so many messages are dealt with."""
    return Case(
        When(message_count__gte=covered + due.STEP_MESSAGES, then=Now()),
        When(message_count__gt=covered, then=Now() + due.quiet_for()),
        default=Value(None),
    )


def _log(claimed: Claim, namespace: Namespace, **told: Any) -> SummaryLog:
    trace, reason = claimed.trace, claimed.reason
    return SummaryLog(
        trace=trace,
        # The one it is paid by: the trace may have moved since it was claimed.
        namespace=namespace,
        run=reason.run,
        asked_by=reason.asked_by,
        trigger=reason.trigger,
        attempt=claimed.attempt,
        generation=trace.generation,
        message_count=trace.message_count,
        token=claimed.token,
        model=settings.SUMMARY_MODEL,
        prompt_version=summarizer.PROMPT_VERSION,
        **told,
    )


def _note(claimed: Claim, outcome: SummaryOutcome, error: SummaryError) -> Ended:
    """Keep the record of an attempt that sent nothing."""
    told = {"outcome": outcome, "error": error, "day": budget.today(), "finished_at": Now()}
    _log(claimed, claimed.trace.namespace, **told).save(force_insert=True)
    return Ended(outcome)


# --- What became of it ----------------------------------------------------------------------------


@transaction.atomic
def _record(sent: _Sent, result: Answer | Failure) -> Ended:
    """Store a result or what a failure leads to, and settle what it cost, once."""
    claimed = sent.claim
    trace = _still_mine(claimed)
    log = SummaryLog.objects.select_for_update(of=("self",)).get(pk=sent.log.pk)
    if log.outcome != SummaryOutcome.RUNNING:
        # Given up and charged meanwhile; whoever took the trace over goes on.
        return Ended(SummaryOutcome.LOST)
    outcome, error = SummaryOutcome.STORED, ""
    if trace is None:
        outcome, error = SummaryOutcome.DISCARDED, SummaryError.TAKEN_OVER
    elif not _is_allowed(trace):
        outcome, error = SummaryOutcome.DISCARDED, SummaryError.SWITCHED_OFF
        _take_back(trace, claimed)
    elif isinstance(result, Answer):
        _store(trace, claimed, result)
    else:
        outcome, error = SummaryOutcome.FAILED, result.error
        _retry(trace, claimed, result)
    return Ended(outcome, _close(log, sent.price, result, outcome, error))


def _store(trace: Trace, claimed: Claim, answer: Answer) -> None:
    covered = claimed.trace.message_count
    left = trace.message_count - covered
    _release(
        trace,
        ai_title=answer.title,
        ai_summary=answer.summary,
        summary_generated_at=Now(),
        summary_message_count=covered,
        summary_model=settings.SUMMARY_MODEL,
        summary_prompt_version=summarizer.PROMPT_VERSION,
        summary_state=SummaryState.IDLE,
        summary_attempts=0,
        summary_due_at=_next_look(covered),
        updated_at=Now(),
    )
    if left >= due.STEP_MESSAGES:
        wake(trace.pk, Reason(SummaryTrigger.BATCH))


def _retry(trace: Trace, claimed: Claim, failure: Failure) -> None:
    """Let the trace wait for its next attempt, or give up and show it."""
    if failure.error in OPENS_CIRCUIT:
        open_circuit(failure)
        _release(
            trace,
            summary_state=SummaryState.RETRYING,
            summary_attempts=claimed.attempt - 1,
            summary_due_at=Now() + CIRCUIT_OPEN,
        )
    elif claimed.attempt < TRIES[failure.error]:
        wait = RETRY_AFTER[claimed.attempt - 1]
        asked = timedelta(seconds=failure.retry_after or 0)
        _release(
            trace, summary_state=SummaryState.RETRYING, summary_due_at=Now() + max(wait, asked)
        )
    else:
        _release(trace, summary_state=SummaryState.FAILED, summary_due_at=None)


def open_circuit(failure: Failure) -> None:
    """Send nothing for a while: the next call would meet the same."""
    logger.error("AI summaries pause: %s (%s %s)", failure.error, failure.status, failure.code)
    SummarySettings.objects.bulk_create([budget.read_settings()], ignore_conflicts=True)
    why = SummaryError(failure.error).label
    SummarySettings.objects.update(
        circuit_until=Now() + CIRCUIT_OPEN,
        circuit_reason=f"{why} ({failure.status or 'no status'} {failure.code})".replace(" )", ")"),
    )


def _close(
    log: SummaryLog,
    price: Price,
    result: Answer | Failure,
    outcome: SummaryOutcome,
    error: str,
) -> int:
    """End the log row and turn its reservation into what was used; return those tokens."""
    usage = result.usage
    if usage is not None:
        tokens = (usage.input_tokens, usage.output_tokens)
        spent = Amount(sum(tokens), price.of(*tokens))
    elif isinstance(result, Failure) and not result.was_sent:
        tokens, spent = (0, 0), NOTHING
    else:
        # Nobody says what it used, so it counts as all that was set aside.
        tokens, spent = (0, 0), Amount(log.reserved_tokens, log.reserved_micros)
    if spent.tokens > log.reserved_tokens:
        logger.error("summary %s used %s tokens of %s", log.pk, spent.tokens, log.reserved_tokens)
    budget.settle(log, spent)
    SummaryLog.objects.filter(pk=log.pk).update(
        outcome=outcome,
        error=error,
        input_tokens=tokens[0],
        output_tokens=tokens[1],
        has_usage=usage is not None,
        charged_tokens=spent.tokens,
        cost_micros=spent.micros,
        latency_ms=result.latency_ms,
        request_id=result.request_id,
        http_status=result.status if isinstance(result, Failure) else 200,
        provider_code=result.code if isinstance(result, Failure) else "",
        lease_until=None,
        finished_at=Now(),
    )
    return spent.tokens


def settle_lost() -> int:
    """End the attempts whose worker died: what they had reserved counts as spent. Idempotent."""
    lost = 0
    while True:
        with transaction.atomic():
            open_rows = SummaryLog.objects.filter(
                outcome=SummaryOutcome.RUNNING, lease_until__lt=Now()
            )
            log = open_rows.select_for_update(skip_locked=True, of=("self",)).first()
            if log is None:
                return lost
            budget.settle(log, Amount(log.reserved_tokens, log.reserved_micros))
            SummaryLog.objects.filter(pk=log.pk).update(
                outcome=SummaryOutcome.LOST,
                error=SummaryError.WORKER_DIED,
                charged_tokens=log.reserved_tokens,
                cost_micros=log.reserved_micros,
                lease_until=None,
                finished_at=Now(),
            )
        lost += 1

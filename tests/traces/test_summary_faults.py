"""What a model's server may do wrong: the class in the log, the budget settled, nothing bad kept."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier

import pytest
from django.utils import timezone

from tests.factories.traces import Uploader, session
from traces import summarizer
from traces.due import MAX_ATTEMPTS, Verdict
from traces.models import (
    SummaryBudget,
    SummaryError,
    SummaryLog,
    SummaryOutcome,
    SummarySettings,
    SummaryState,
    SummaryTrigger,
    Trace,
)
from traces.services import summaries
from traces.services.summaries import CIRCUIT_OPEN, RETRY_AFTER, Reason
from traces.summarizer import Request
from traces.tasks import summarize_trace

pytestmark = pytest.mark.django_db

# Only a hang takes so long, however busy the machine is.
PATIENCE_SECONDS = 25
SWEEP = Reason(SummaryTrigger.SWEEP)
PAUSES = {
    "quota": SummaryError.QUOTA,
    "key": SummaryError.KEY_REFUSED,
    "model": SummaryError.MODEL_MISSING,
}
RETRIED = {
    "timeout": (SummaryError.TIMEOUT, None),
    "trickle": (SummaryError.TIMEOUT, None),
    "dropped": (SummaryError.CONNECTION, None),
    "rate_limited": (SummaryError.RATE_LIMITED, 429),
    "error": (SummaryError.SERVER_ERROR, 500),
    "gateway": (SummaryError.SERVER_ERROR, 504),
    "html": (SummaryError.NOT_JSON, 200),
    "truncated": (SummaryError.TRUNCATED, 200),
    "wrong_shape": (SummaryError.WRONG_SHAPE, 200),
    "empty": (SummaryError.EMPTY, 200),
    "too_long": (SummaryError.TOO_LONG, 400),
}
FINAL = {
    "filtered": (SummaryError.FILTERED, 200),
    "refusal": (SummaryError.REFUSED, 200),
    "bad_request": (SummaryError.BAD_REQUEST, 400),
}
# Who was never asked, or refused before beginning, has used nothing.
FREE = {"rate_limited", "too_long", "bad_request", "quota", "key", "model", "error"}
# These may be charged without saying so.
CHARGED_WHOLE = {"timeout", "trickle", "dropped", "html", "gateway"}


@pytest.fixture
def trace(alice, model, settings):
    settings.SUMMARY_CALL_SECONDS = PATIENCE_SECONDS
    return Uploader(alice).share("s1", session(6))


def attempt(trace):
    summarize_trace(trace.pk, "sweep")
    trace.refresh_from_db()
    return SummaryLog.objects.order_by("id").last()


def assert_nothing_is_kept(trace):
    assert (trace.ai_title, trace.ai_summary, trace.summary_message_count) == ("", "", 0)
    assert (trace.summary_generated_at, trace.summary_token) == (None, None)


def assert_settled():
    charged = sum(SummaryLog.objects.values_list("charged_tokens", flat=True))
    cost = sum(SummaryLog.objects.values_list("cost_micros", flat=True))
    for row in SummaryBudget.objects.all():
        assert (row.reserved_tokens, row.reserved_micros) == (0, 0)
        assert (row.spent_tokens, row.spent_micros) == (charged, cost)


def let_time_pass():
    Trace.objects.exclude(summary_due_at=None).update(
        summary_due_at=timezone.now() - timedelta(seconds=1)
    )
    SummarySettings.objects.update(circuit_until=None)


@pytest.mark.parametrize("fault", RETRIED)
def test_what_may_go_better_next_time_is_tried_again(trace, model, settings, fault):
    if fault in {"timeout", "trickle"}:
        settings.SUMMARY_CALL_SECONDS = 0.5
    model.script = lambda _n: fault

    log = attempt(trace)

    error, status = RETRIED[fault]
    assert (log.outcome, log.error, log.http_status) == (SummaryOutcome.FAILED, error, status)
    assert_nothing_is_kept(trace)
    assert_settled()
    assert (log.charged_tokens == 0) == (fault in FREE)
    assert (log.charged_tokens == log.reserved_tokens) == (fault in CHARGED_WHOLE)
    assert (trace.summary_state, trace.summary_attempts) == (SummaryState.RETRYING, 1)
    assert model.calls == 1, "the SDK tries nothing again by itself"
    wait = trace.summary_due_at - timezone.now()
    asked = timedelta(hours=1) if fault == "rate_limited" else RETRY_AFTER[0]
    assert 0.5 * asked < wait < asked

    model.script = lambda _n: ""
    settings.SUMMARY_CALL_SECONDS = PATIENCE_SECONDS
    assert attempt(trace) == log, "not before its time"
    let_time_pass()
    assert attempt(trace).outcome == SummaryOutcome.STORED
    assert_settled()


@pytest.mark.parametrize("fault", FINAL)
def test_what_cannot_go_better_is_not_tried_again(trace, model, fault):
    model.script = lambda _n: fault

    log = attempt(trace)

    assert (log.outcome, log.error, log.http_status) == (SummaryOutcome.FAILED, *FINAL[fault])
    assert_nothing_is_kept(trace)
    assert_settled()
    assert trace.summary_state == SummaryState.FAILED
    assert not Trace.objects.summary_timed().exists()


@pytest.mark.parametrize("fault", PAUSES)
def test_what_the_next_call_would_meet_pauses_all_and_burns_no_attempt(trace, model, fault):
    model.script = lambda _n: fault

    log = attempt(trace)

    assert (log.error, log.charged_tokens) == (PAUSES[fault], 0)
    assert_nothing_is_kept(trace)
    assert_settled()
    assert (trace.summary_state, trace.summary_attempts) == (SummaryState.RETRYING, 0)
    told = SummarySettings.objects.get()
    assert told.circuit_until - timezone.now() < CIRCUIT_OPEN
    assert told.circuit_reason.startswith(PAUSES[fault].label)
    assert summaries.read_site().held == Verdict.PAUSED
    assert summaries.claim(trace.pk, SWEEP, summaries.read_site()) is None

    model.script = lambda _n: ""
    let_time_pass()
    assert attempt(trace).outcome == SummaryOutcome.STORED


def test_an_answer_that_tells_no_usage_is_charged_what_was_reserved(trace, model):
    model.script = lambda _n: "no_usage"

    log = attempt(trace)

    assert (log.outcome, log.has_usage) == (SummaryOutcome.STORED, False)
    assert log.charged_tokens == log.reserved_tokens > 0
    assert log.cost_micros == log.reserved_micros > 0
    assert_settled()
    assert trace.ai_title


def test_after_three_attempts_it_has_failed_and_is_visible(trace, model):
    model.script = lambda _n: "error"

    for n in range(1, MAX_ATTEMPTS + 1):
        assert attempt(trace).attempt == n
        let_time_pass()

    assert trace.summary_state == SummaryState.FAILED
    attempt(trace)
    assert model.calls == MAX_ATTEMPTS
    rows = Trace.objects.with_summary_verdict(summaries.read_site())
    assert rows.get().summary_verdict == Verdict.FAILED


def test_a_trace_over_which_every_worker_dies_is_given_up(trace, model):
    for _ in range(MAX_ATTEMPTS):
        assert summaries.claim(trace.pk, SWEEP, summaries.read_site())
        let_time_pass()

    assert summaries.claim(trace.pk, SWEEP, summaries.read_site()) is None
    trace.refresh_from_db()
    assert trace.summary_state == SummaryState.FAILED


def test_a_cut_off_answer_is_given_more_room_once(trace, model):
    model.script = lambda n: "truncated"

    for _ in range(3):
        attempt(trace)
        let_time_pass()

    asked = [body["max_completion_tokens"] for body in model.received]
    assert asked == [summarizer.MAX_OUTPUT_TOKENS, 2 * summarizer.MAX_OUTPUT_TOKENS]
    trace.refresh_from_db()
    assert trace.summary_state == SummaryState.FAILED


def test_a_text_that_is_too_long_is_cut_in_half_once(alice, model):
    trace = Uploader(alice).share(
        "long", [message | {"textContent": "word " * 300} for message in session(60)]
    )
    model.script = lambda _n: "too_long"

    for _ in range(3):
        attempt(trace)
        let_time_pass()

    sizes = [len(body["messages"][1]["content"]) for body in model.received]
    assert len(sizes) == 2
    assert sizes[1] < 0.6 * sizes[0]


def test_a_lost_attempt_is_charged_whole_and_settled_once(trace, model):
    claimed = summaries.claim(trace.pk, SWEEP, summaries.read_site())
    prepared = summaries._prepare(claimed)
    assert summaries.settle_lost() == 0
    SummaryLog.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    assert [summaries.settle_lost(), summaries.settle_lost()] == [1, 0]

    log = SummaryLog.objects.get()
    assert (log.outcome, log.error) == (SummaryOutcome.LOST, SummaryError.WORKER_DIED)
    assert log.charged_tokens == log.reserved_tokens
    assert_settled()

    # It was not dead after all: its answer comes late, and is charged no second time.
    answer = summarizer.ask_all([prepared.request])[0]
    assert summaries._record(prepared, answer).outcome == SummaryOutcome.LOST
    assert_settled()


def test_a_server_that_is_not_there_costs_nothing(trace, settings):
    settings.OPENAI_BASE_URL = "http://127.0.0.1:9/v1"

    log = attempt(trace)

    assert (log.error, log.charged_tokens) == (SummaryError.CONNECTION, 0)
    assert_settled()


def test_a_trickling_server_is_left_at_the_deadline(model, settings):
    settings.SUMMARY_CALL_SECONDS = 0.5
    model.script = lambda _n: "trickle"

    [failure] = summarizer.ask_all([Request("Person: hello")])

    assert failure.error == SummaryError.TIMEOUT
    # Long before the server, which sends a byte now and then for ever, has sent it all.
    assert 450 <= failure.latency_ms < 1_000 * PATIENCE_SECONDS


def test_calls_run_side_by_side_and_keep_their_order(model):
    together = Barrier(4)

    def script(n):
        # Broken, and no answer comes, unless all four are under way at once.
        together.wait(PATIENCE_SECONDS)
        return "error" if n == 2 else ""

    model.script = script
    answers = summarizer.ask_all([Request(f"Person: request {n}") for n in range(4)])

    assert sorted(type(a).__name__ for a in answers) == ["Answer", "Answer", "Answer", "Failure"]
    titles = {n: a.title for n, a in enumerate(answers) if isinstance(a, summarizer.Answer)}
    assert all(title == f"request {n}" for n, title in titles.items())


def test_a_call_that_breaks_takes_no_other_along(model, monkeypatch):
    read = summarizer._content

    def breaks(body):
        if "request 1" in str(body):
            raise ZeroDivisionError
        return read(body)

    monkeypatch.setattr(summarizer, "_content", breaks)
    answers = summarizer.ask_all([Request(f"Person: request {n}") for n in (1, 2)])

    assert answers[0].error == SummaryError.UNEXPECTED
    assert answers[1].title == "request 2"


def test_a_trace_that_moved_since_it_was_claimed_is_paid_by_its_new_namespace(trace, alice):
    from accounts.organisations import create_organisation
    from accounts.policy import Actor
    from traces.services.publishing import transfer

    acme = create_organisation(user=alice, slug="acme")
    claimed = summaries.claim(trace.pk, SWEEP, summaries.read_site())
    transfer(actor=Actor(user=alice), trace=trace, target=acme)

    assert summaries.perform([claimed])[0].outcome == SummaryOutcome.STORED

    assert SummaryLog.objects.get().namespace == acme
    assert not SummaryBudget.objects.filter(namespace=alice.namespace).exists()
    assert_settled()

"""A summary from the upload that makes it due to the text on the trace, with a scripted model."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from accounts.policy import Actor
from tests.factories.traces import Uploader, said, session
from traces.due import Verdict
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
from traces.services import budget, publishing, summaries
from traces.services.summaries import Reason
from traces.tasks import summarize_trace

pytestmark = pytest.mark.django_db

UPLOAD = Reason(SummaryTrigger.BATCH)


@pytest.fixture
def uploader(alice):
    return Uploader(alice)


def queued():
    """What waits for the worker, by task and arguments."""
    tasks = [SignedPackage.loads(row.payload) for row in OrmQ.objects.order_by("id")]
    return [(task["func"], *task["args"]) for task in tasks]


def shared(uploader, name="s1", length=6, **fields):
    return uploader.share(name, session(length), **fields)


def verdict(trace, **asked):
    rows = Trace.objects.with_summary_verdict(summaries.read_site(), **asked)
    return rows.get(pk=trace.pk).summary_verdict


def write(trace, reason=UPLOAD):
    claimed = summaries.claim(trace.pk, reason, summaries.read_site())
    return summaries.perform([claimed])[0].outcome if claimed else None


def test_a_batch_that_makes_a_summary_due_queues_one_task(model, uploader):
    trace = shared(uploader, length=3)

    assert (queued(), verdict(trace)) == ([], Verdict.TOO_SHORT)

    uploader.post("s1", session(4)[3:])

    assert queued() == [("traces.tasks.summarize_trace", trace.pk, "batch", None)]
    assert verdict(trace) == Verdict.DUE

    uploader.post("s1", session(50)[4:])

    assert len(queued()) == 1


def test_a_message_alone_queues_nothing_and_the_sweep_finds_it(model, uploader):
    trace = shared(uploader, length=3)

    uploader.put_message("s1", said(4))

    assert queued() == []
    assert list(Trace.objects.summary_timed()) == [trace]


def test_the_worker_writes_title_and_summary(model, uploader):
    trace = shared(uploader)

    summarize_trace(trace.pk, "batch")

    trace.refresh_from_db()
    assert trace.title == trace.ai_title == "Fix the rounding in totals.py"
    assert trace.ai_summary.startswith("Asked was: Fix the rounding")
    assert (trace.summary_message_count, trace.summary_model) == (6, "demo-model")
    assert (trace.summary_state, trace.summary_attempts) == (SummaryState.IDLE, 0)
    assert (trace.summary_due_at, trace.summary_token) == (None, None)
    assert timezone.now() - trace.summary_generated_at < timedelta(minutes=1)
    assert verdict(trace) == Verdict.FRESH
    log = SummaryLog.objects.get()
    assert (log.outcome, log.error, log.trigger) == (SummaryOutcome.STORED, "", "batch")
    assert log.charged_tokens == log.input_tokens + log.output_tokens > 0
    site, own = SummaryBudget.objects.order_by(F("namespace").asc(nulls_first=True))
    assert (site.spent_tokens, site.reserved_tokens) == (log.charged_tokens, 0)
    assert (own.spent_micros, own.reserved_micros) == (log.cost_micros, 0)
    assert own.namespace_id == trace.namespace_id


def test_done_twice_it_is_one_call(model, uploader):
    trace = shared(uploader)

    summarize_trace(trace.pk, "batch")
    summarize_trace(trace.pk, "batch")

    assert (model.calls, SummaryLog.objects.count()) == (1, 1)


def test_a_claimed_trace_is_nobody_elses(model, uploader):
    trace = shared(uploader)

    mine = summaries.claim(trace.pk, UPLOAD, summaries.read_site())

    assert mine is not None
    assert verdict(trace) == Verdict.RUNNING
    assert summaries.claim(trace.pk, UPLOAD, summaries.read_site()) is None


def test_a_claim_whose_lease_is_over_is_taken_over_and_its_result_discarded(model, uploader):
    trace = shared(uploader)
    first = summaries.claim(trace.pk, UPLOAD, summaries.read_site())
    Trace.objects.update(summary_due_at=timezone.now() - timedelta(seconds=1))
    second = summaries.claim(trace.pk, UPLOAD, summaries.read_site())

    assert [e.outcome for e in summaries.perform([second])] == [SummaryOutcome.STORED]
    assert [e.outcome for e in summaries.perform([first])] == [SummaryOutcome.DISCARDED]

    assert model.calls == 1
    discarded = SummaryLog.objects.order_by("id").last()
    assert (discarded.error, discarded.charged_tokens) == (SummaryError.TAKEN_OVER, 0)


def test_a_hundred_more_messages_make_it_due_again(model, uploader):
    trace = shared(uploader)
    summarize_trace(trace.pk, "batch")
    OrmQ.objects.all().delete()

    uploader.post("s1", session(105)[6:])

    assert (queued(), verdict(trace)) == ([], Verdict.SETTLING)

    uploader.post("s1", session(106)[105:])

    assert (len(queued()), verdict(trace)) == (1, Verdict.DUE)
    summarize_trace(trace.pk, "batch")
    trace.refresh_from_db()
    assert trace.summary_message_count == 106


def test_few_new_messages_are_reason_enough_once_it_is_quiet(model, uploader):
    trace = shared(uploader)
    summarize_trace(trace.pk, "batch")
    uploader.post("s1", session(12)[6:])
    assert verdict(trace) == Verdict.SETTLING
    assert not Trace.objects.summary_timed().exists()

    past = timezone.now() - timedelta(minutes=11)
    Trace.objects.update(updated_at=past, summary_due_at=past)

    assert verdict(trace) == Verdict.DUE
    assert list(Trace.objects.summary_timed()) == [trace]


def test_what_is_not_due_is_looked_at_once(model, uploader):
    trace = shared(uploader)
    summarize_trace(trace.pk, "batch")
    uploader.post("s1", session(12)[6:])
    Trace.objects.update(summary_due_at=timezone.now())

    assert write(trace) is None

    trace.refresh_from_db()
    assert trace.summary_due_at == trace.updated_at + timedelta(minutes=10)


def test_shared_again_unchanged_it_is_not_due(model, uploader):
    trace = shared(uploader)
    summarize_trace(trace.pk, "batch")
    OrmQ.objects.all().delete()

    for _ in range(3):
        shared(uploader)

    assert queued() == []
    assert verdict(trace) == Verdict.FRESH


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"exclude_from_ai": True, "ai_summary_enabled": False}, Verdict.EXCLUDED),
        ({"visibility": "private"}, Verdict.PRIVATE),
        ({"ai_summary_enabled": False}, Verdict.TRACE_OFF),
        ({"summary_off_by_staff": True}, Verdict.STAFF_OFF),
        ({"unpublished_at": timezone.now()}, Verdict.UNPUBLISHED),
    ],
)
def test_any_off_of_a_trace_wins(model, uploader, change, why):
    trace = shared(uploader)

    Trace.objects.filter(pk=trace.pk).update(**change)

    assert verdict(trace) == verdict(trace, asked=True) == why
    assert not Trace.objects.summary_timed().exists()
    assert write(trace) is None
    assert model.calls == 0


@pytest.mark.parametrize("switch", ["ai_summary_enabled", "ai_summary_off_by_staff"])
def test_either_switch_of_a_namespace_wins(model, uploader, alice, switch):
    trace = shared(uploader)

    setattr(alice.namespace, switch, switch == "ai_summary_off_by_staff")
    alice.namespace.save()

    assert verdict(trace) == Verdict.NAMESPACE_OFF
    assert write(trace) is None


def test_without_a_model_nothing_is_due(model, uploader, settings):
    settings.OPENAI_API_KEY = ""

    trace = shared(uploader)

    assert (queued(), verdict(trace)) == ([], Verdict.NO_MODEL)


def test_a_model_without_a_price_is_refused(model, uploader, settings):
    trace = shared(uploader)
    settings.SUMMARY_MODEL = "model-of-nobody"

    assert verdict(trace) == Verdict.UNPRICED
    assert write(trace) is None
    assert model.calls == 0


def test_a_site_that_is_off_queues_nothing(model, uploader):
    SummarySettings.objects.create(id=1, is_enabled=False)

    trace = shared(uploader)

    assert (queued(), verdict(trace)) == ([], Verdict.SITE_OFF)


def test_a_switch_turned_while_the_model_writes_discards_the_answer(model, uploader):
    trace = shared(uploader)

    def exclude(_n):
        Trace.objects.filter(pk=trace.pk).update(exclude_from_ai=True)
        return ""

    claimed = summaries.claim(trace.pk, UPLOAD, summaries.read_site())
    prepared = summaries._prepare(claimed)
    exclude(0)
    ended = summaries._record(prepared, summaries.summarizer.ask_all([prepared.request])[0])

    assert ended.outcome == SummaryOutcome.DISCARDED
    trace.refresh_from_db()
    assert (trace.ai_title, trace.ai_summary, trace.summary_generated_at) == ("", "", None)
    assert SummaryLog.objects.get().charged_tokens > 0


def test_unpublished_while_the_model_writes_it_keeps_nothing(model, uploader, alice):
    trace = shared(uploader)
    claimed = summaries.claim(trace.pk, UPLOAD, summaries.read_site())
    prepared = summaries._prepare(claimed)
    publishing.unpublish(actor=Actor(user=alice), trace=trace)

    ended = summaries._record(prepared, summaries.summarizer.ask_all([prepared.request])[0])

    assert ended.outcome == SummaryOutcome.DISCARDED
    trace.refresh_from_db()
    assert (trace.ai_title, trace.summary_state, trace.summary_token) == ("", "idle", None)


def test_without_budget_it_waits_until_the_next_day(model, uploader):
    trace = shared(uploader)
    site = summaries.read_site()
    assert site.is_open
    SummarySettings.objects.create(id=1, daily_token_cap=1_000)

    claimed = summaries.claim(trace.pk, UPLOAD, site)
    outcome = summaries.perform([claimed])[0].outcome

    assert outcome == SummaryOutcome.DEFERRED
    trace.refresh_from_db()
    assert (trace.summary_state, trace.summary_attempts) == (SummaryState.WAITING, 0)
    assert trace.summary_due_at == budget.next_day_at(timezone.now())
    assert verdict(trace) == Verdict.WAITING_FOR_BUDGET
    assert model.calls == 0


def test_a_banned_persons_trace_is_not_summarised(model, uploader, alice):
    from config.derived import refresh
    from traces.derived import IS_WITHHELD

    trace = shared(uploader)
    alice.banned_at = timezone.now()
    alice.save()
    refresh(IS_WITHHELD, [trace.pk])

    assert verdict(trace) == verdict(trace, asked=True) == Verdict.WITHHELD
    assert write(trace) is None


def test_switched_off_between_claim_and_sending_nothing_is_sent(model, uploader):
    trace = shared(uploader)
    claimed = summaries.claim(trace.pk, UPLOAD, summaries.read_site())
    Trace.objects.filter(pk=trace.pk).update(exclude_from_ai=True)

    assert summaries.perform([claimed])[0].outcome == SummaryOutcome.DISCARDED

    assert model.calls == 0
    assert SummaryLog.objects.get().error == SummaryError.SWITCHED_OFF
    trace.refresh_from_db()
    assert (trace.summary_state, trace.summary_token) == (SummaryState.IDLE, None)


@pytest.mark.parametrize("switch", ["site", "namespace", "namespace_staff"])
def test_every_switch_counts_between_claim_and_sending(model, uploader, alice, switch):
    trace = shared(uploader)
    claimed = summaries.claim(trace.pk, UPLOAD, summaries.read_site())
    # Past the copies on the trace: their truth is asked.
    if switch == "site":
        SummarySettings.objects.create(id=1, is_enabled=False)
    else:
        name = "ai_summary_enabled" if switch == "namespace" else "ai_summary_off_by_staff"
        setattr(alice.namespace, name, switch == "namespace_staff")
        alice.namespace.save()

    assert summaries.perform([claimed])[0].outcome == SummaryOutcome.DISCARDED
    assert model.calls == 0


def test_what_grew_by_a_hundred_while_the_model_wrote_is_queued_again(model, uploader):
    trace = shared(uploader)
    claimed = summaries.claim(trace.pk, UPLOAD, summaries.read_site())
    uploader.post("s1", session(110)[6:])
    OrmQ.objects.all().delete()

    assert summaries.perform([claimed])[0].outcome == SummaryOutcome.STORED

    assert len(queued()) == 1
    assert list(Trace.objects.summary_timed()) == [trace]
    assert verdict(trace) == Verdict.DUE


def test_what_grew_a_little_while_the_model_wrote_is_looked_at_when_quiet(model, uploader):
    trace = shared(uploader)
    claimed = summaries.claim(trace.pk, UPLOAD, summaries.read_site())
    uploader.post("s1", session(20)[6:])
    OrmQ.objects.all().delete()

    summaries.perform([claimed])

    assert queued() == []
    trace.refresh_from_db()
    wait = trace.summary_due_at - timezone.now()
    assert timedelta(minutes=9) < wait < timedelta(minutes=10)


def test_what_is_switched_off_again_and_again_has_not_failed(model, uploader):
    trace = shared(uploader)
    for _ in range(4):
        claimed = summaries.claim(trace.pk, UPLOAD, summaries.read_site())
        Trace.objects.update(exclude_from_ai=True)
        assert summaries.perform([claimed])[0].outcome == SummaryOutcome.DISCARDED
        Trace.objects.update(exclude_from_ai=False)

    assert write(trace) == SummaryOutcome.STORED
    assert SummaryLog.objects.latest("pk").attempt == 1


def test_a_trace_that_cannot_be_read_leaves_its_group_alone(model, uploader, monkeypatch):
    bad, good = shared(uploader, "s1"), shared(uploader, "s2")
    read = summaries.read_transcript

    def breaks(trace, **told):
        if trace.pk == bad.pk:
            raise ZeroDivisionError
        return read(trace, **told)

    monkeypatch.setattr(summaries, "read_transcript", breaks)
    claims = [summaries.claim(t.pk, UPLOAD, summaries.read_site()) for t in (bad, good)]

    ended = {one.outcome for one in summaries.perform(claims)}

    assert ended == {SummaryOutcome.FAILED, SummaryOutcome.STORED}
    good.refresh_from_db()
    bad.refresh_from_db()
    assert good.ai_title
    assert (bad.summary_state, bad.summary_token) == (SummaryState.RETRYING, None)
    assert SummaryLog.objects.get(trace=bad).error == SummaryError.UNEXPECTED


def test_a_result_that_cannot_be_kept_leaves_the_others_kept(model, uploader, monkeypatch):
    bad, good = shared(uploader, "s1"), shared(uploader, "s2")
    store = summaries._store

    def breaks(trace, claimed, answer):
        if trace.pk == bad.pk:
            raise ZeroDivisionError
        store(trace, claimed, answer)

    monkeypatch.setattr(summaries, "_store", breaks)
    claims = [summaries.claim(t.pk, UPLOAD, summaries.read_site()) for t in (bad, good)]

    with pytest.raises(ZeroDivisionError):
        summaries.perform(claims)

    good.refresh_from_db()
    assert good.ai_title
    log = SummaryLog.objects.get(trace=bad)
    assert log.outcome == SummaryOutcome.RUNNING, "charged when its lease ends"


def test_what_grew_while_it_was_found_empty_is_looked_at_again(model, uploader):
    from tests.factories.traces import called

    trace = uploader.share("s1", [called(n) for n in range(1, 9)])
    claimed = summaries.claim(trace.pk, UPLOAD, summaries.read_site())
    uploader.post("s1", [said(n) for n in range(9, 14)])

    assert summaries.perform([claimed])[0].outcome == SummaryOutcome.STORED
    Trace.objects.update(summary_message_count=0, ai_title="", summary_generated_at=None)
    trace.messages.update(text="")
    again = summaries.claim(trace.pk, Reason(SummaryTrigger.STAFF), summaries.read_site())
    Trace.objects.filter(pk=trace.pk).update(summary_due_at=None)
    uploader.post("s1", [called(n) for n in range(14, 18)])

    assert summaries.perform([again])[0].outcome == SummaryOutcome.SKIPPED
    trace.refresh_from_db()
    assert trace.summary_due_at > timezone.now()

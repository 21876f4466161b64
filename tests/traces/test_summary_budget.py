"""Caps, switches and what people ask for: services, with who may be refused and what is audited."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from accounts.models import AuditEvent
from accounts.services import create_user
from jobs.models import JobRun, RunState, Trigger
from jobs.services import cancel_run, execute_run, pause_run, resume_run, resume_waiting, start_run
from tests.factories.traces import Uploader, session
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
from traces.services import budget, refreshes, summaries, summary_switches
from traces.services.budget import Cap
from traces.services.summaries import Reason

pytestmark = pytest.mark.django_db

SWEEP = Reason(SummaryTrigger.SWEEP)
WHY = "The provider raised its prices."


@pytest.fixture
def uploader(alice):
    return Uploader(alice)


def sweep():
    start_run(kind="summarize_due", trigger=Trigger.SCHEDULE, enqueue=False)
    return execute_run(JobRun.objects.filter(kind="summarize_due").latest("pk").pk)


def states():
    return list(Trace.objects.order_by("pk").values_list("summary_state", flat=True))


# --- Caps -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("cap", [Cap(2_000, 10**9), Cap(10**9, 700)])
def test_a_cap_of_the_site_in_tokens_or_money_holds(model, uploader, ada, cap):
    summary_switches.set_site_caps(actor=ada, cap=cap, reason=WHY)
    for n in range(4):
        uploader.share(f"s{n}", session(6))

    sweep()

    row = SummaryBudget.objects.get(namespace=None)
    assert 0 < row.spent_tokens <= (cap.tokens or 0)
    assert row.spent_micros <= (cap.micros or 0)
    assert model.calls < 4
    assert SummaryState.WAITING in states()


@pytest.mark.parametrize("cap", [Cap(2_000, None), Cap(None, 700), Cap(0, None)])
def test_a_cap_of_a_namespace_holds_beside_the_sites(model, uploader, alice, ada, cap):
    summary_switches.set_namespace_caps(actor=ada, namespace=alice.namespace, cap=cap, reason=WHY)
    others = Uploader(create_user(handle="other"))
    for n in range(4):
        uploader.share(f"s{n}", session(6))
    others.share("s9", session(6))

    sweep()

    own = SummaryBudget.objects.filter(namespace=alice.namespace).first()
    spent = (own.spent_tokens, own.spent_micros) if own else (0, 0)
    assert all(most is None or used <= most for used, most in zip(spent, cap, strict=True))
    assert summaries.read_site().is_open, "others go on"
    assert Trace.objects.get(external_id="s9").ai_title
    waiting = Trace.objects.filter(summary_state=SummaryState.WAITING)
    assert waiting.count() >= 2
    deferred = SummaryLog.objects.filter(outcome=SummaryOutcome.DEFERRED)
    assert set(deferred.values_list("error", "charged_tokens")) == {("over_budget", 0)}
    midnight = budget.next_day_at(timezone.now())
    assert set(waiting.values_list("summary_due_at", flat=True)) == {midnight}


def test_a_raised_cap_lets_what_waits_go_on_at_once(model, uploader, alice, ada):
    closed = Cap(0, None)
    summary_switches.set_namespace_caps(
        actor=ada, namespace=alice.namespace, cap=closed, reason=WHY
    )
    uploader.share("s1", session(6))
    sweep()
    assert states() == [SummaryState.WAITING]

    summary_switches.set_namespace_caps(
        actor=ada, namespace=alice.namespace, cap=Cap(None, None), reason=WHY
    )
    sweep()

    assert Trace.objects.get().ai_title


def test_at_midnight_utc_what_waits_goes_on(model, uploader, ada, time_machine):
    # The day before: the database's clock, by which leases and timers end, is the real one.
    now = timezone.now()
    time_machine.move_to(now - timedelta(days=1))
    summary_switches.set_site_caps(actor=ada, cap=Cap(1_900, 10**9), reason=WHY)
    for n in range(3):
        uploader.share(f"s{n}", session(6))
    sweep()
    assert Trace.objects.exclude(ai_title="").count() == 1

    time_machine.move_to(now)
    sweep()

    assert Trace.objects.exclude(ai_title="").count() == 2
    assert SummaryBudget.objects.filter(namespace=None).count() == 2


@pytest.mark.parametrize("cap", [Cap(-1, 5), Cap(5, -1), Cap(10**13, 5), Cap(None, 5)])
def test_an_absurd_cap_is_refused_and_changes_nothing(ada, cap):
    with pytest.raises(summary_switches.CapRefused):
        summary_switches.set_site_caps(actor=ada, cap=cap, reason=WHY)

    assert not SummarySettings.objects.exists()
    assert not AuditEvent.objects.filter(verb__startswith="summaries").exists()


# --- Switches -------------------------------------------------------------------------------------


def switch_all(actor, trace, *, off, reason):
    return [
        summary_switches.switch_site(actor=actor, on=not off, reason=reason),
        summary_switches.switch_namespace(
            actor=actor, namespace=trace.namespace, off=off, reason=reason
        ),
        summary_switches.switch_trace(actor=actor, trace=trace, off=off, reason=reason),
    ]


def test_each_switch_tells_who_when_and_why_and_is_set_once(uploader, ada):
    trace = uploader.share("s1", session(6))

    assert switch_all(ada, trace, off=True, reason=WHY) == [True, True, True]
    assert switch_all(ada, trace, off=True, reason=WHY) == [False, False, False]

    rows = AuditEvent.objects.filter(reason=WHY).values_list("verb", "actor__handle")
    assert sorted(rows) == [
        ("namespace.summaries", "ada"),
        ("summaries.switch", "ada"),
        ("trace.summaries", "ada"),
    ]
    assert switch_all(ada, trace, off=False, reason=WHY) == [True, True, True]
    trace.refresh_from_db()
    assert trace.summary_gate == "open"


def test_no_switch_without_a_reason(uploader, ada):
    trace = uploader.share("s1", session(6))

    for reason in ("", " \u200b "):
        with pytest.raises(summary_switches.ReasonMissing):
            switch_all(ada, trace, off=True, reason=reason)


def test_staffs_off_outlives_the_owners_on(model, uploader, alice, ada):
    trace = uploader.share("s1", session(6))
    switch_all(ada, trace, off=True, reason=WHY)
    summary_switches.switch_site(actor=ada, on=True, reason=WHY)

    alice.namespace.ai_summary_enabled = True
    alice.namespace.save()
    Trace.objects.update(ai_summary_enabled=True)

    trace.refresh_from_db()
    assert trace.summary_gate == "staff_off"
    assert sweep().result == {}
    assert model.calls == 0


def test_a_circuit_is_closed_by_a_person(model, ada):
    SummarySettings.objects.create(
        id=1, circuit_until=timezone.now() + timedelta(minutes=9), circuit_reason="Quota used up"
    )
    assert summaries.read_site().held == Verdict.PAUSED

    assert summary_switches.close_circuit(actor=ada)
    assert not summary_switches.close_circuit(actor=ada)

    assert summaries.read_site().is_open
    [row] = AuditEvent.objects.filter(verb="summaries.resume")
    assert row.before == {"paused_for": "Quota used up"}


# --- Asking for one -------------------------------------------------------------------------------


def ask(trace, actor, trigger=SummaryTrigger.AUTHOR):
    return refreshes.ask(trace=trace, actor=actor, trigger=trigger)


def test_an_author_asks_once_in_ten_minutes_and_staff_at_any_time(model, uploader, alice, ada):
    trace = uploader.share("s1", session(6))
    sweep()
    uploader.post("s1", session(7)[6:])

    assert ask(trace, alice) == Verdict.DUE
    with pytest.raises(refreshes.RefreshTooSoon, match="ask again after"):
        ask(trace, alice)
    assert ask(trace, ada, SummaryTrigger.STAFF) == Verdict.DUE

    sweep()
    trace.refresh_from_db()
    assert (trace.summary_message_count, trace.summary_state) == (7, SummaryState.IDLE)
    assert ask(trace, alice) == Verdict.FRESH
    assert AuditEvent.objects.filter(verb="trace.summarize").count() == 2


def test_what_the_worker_does_for_a_person_tells_whose_wish_it_was(model, uploader, alice):
    from traces.tasks import summarize_trace

    trace = uploader.share("s1", session(6))
    ask(trace, alice)

    summarize_trace(trace.pk, "author", alice.pk)

    log = SummaryLog.objects.get()
    assert (log.trigger, log.asked_by) == ("author", alice)


def test_a_summary_of_another_prompt_is_written_anew_when_somebody_asks(
    model, uploader, alice, monkeypatch
):
    from traces import summarizer

    trace = uploader.share("s1", session(6))
    sweep()
    assert ask(trace, alice) == Verdict.FRESH

    monkeypatch.setattr(summarizer, "PROMPT_VERSION", 2)
    assert sweep().result == {}
    assert ask(trace, alice) == Verdict.DUE
    sweep()

    trace.refresh_from_db()
    assert (trace.summary_prompt_version, model.calls) == (2, 2)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"exclude_from_ai": True}, "author keeps it"),
        ({"visibility": "private"}, "members only"),
        ({"message_count": 3}, "fewer than 4"),
    ],
)
@pytest.mark.allow_drift
def test_asking_for_what_is_off_says_why(model, uploader, alice, change, says):
    trace = uploader.share("s1", session(6))
    Trace._base_manager.filter(pk=trace.pk).update(**change)
    OrmQ.objects.all().delete()

    with pytest.raises(refreshes.RefreshRefused, match=says):
        ask(trace, alice)

    assert not OrmQ.objects.exists()
    assert not AuditEvent.objects.filter(verb="trace.summarize").exists()


def test_what_failed_is_retried_by_class(model, uploader, ada):
    for n in range(4):
        uploader.share(f"s{n}", session(6))
    model.script = lambda n: "refusal" if n % 2 else "bad_request"
    sweep()
    assert states() == [SummaryState.FAILED] * 4

    model.script = lambda _n: ""
    assert refreshes.failed_lately(SummaryError.REFUSED).count() == 2
    assert refreshes.retry_failed(actor=ada, error=SummaryError.REFUSED) == 2
    assert refreshes.retry_failed(actor=ada, error=SummaryError.REFUSED) == 0
    sweep()

    assert sorted(states()) == ["failed", "failed", "idle", "idle"]
    [row] = AuditEvent.objects.filter(verb="summaries.retry")
    assert row.after == {"error": "refused", "traces": 2}


# --- Asking for many ------------------------------------------------------------------------------


def run(scope, actor, **told):
    started = refreshes.start(actor=actor, scope=scope, **told)
    execute_run(started.run.pk)
    started.run.refresh_from_db()
    return started.run


def test_a_scope_takes_what_it_names(model, uploader, alice, ada):
    other = Uploader(create_user(handle="other"))
    stale = uploader.share("s1", session(6))
    few = uploader.share("s2", session(6))
    far = other.share("s3", session(6))
    sweep()
    uploader.post("s1", session(110)[6:])
    uploader.post("s2", session(8)[6:])
    other.post("s3", session(9)[6:])

    def behind():
        rows = Trace.objects.order_by("pk")
        return [t.message_count - t.summary_message_count for t in rows]

    assert refreshes.preview("stale").traces == 1
    assert run("stale", ada).result["stored"] == 1
    assert behind() == [0, 2, 3]
    assert refreshes.preview("@alice").traces == 1
    assert run("@alice", ada).result["stored"] == 1
    assert behind() == [0, 0, 3]
    assert refreshes.preview("all").traces == 1
    done = run("all", ada)
    assert (done.result["stored"], done.state) == (1, RunState.SUCCEEDED)
    assert behind() == [0, 0, 0]
    assert set(SummaryLog.objects.filter(run=done).values_list("trigger", "asked_by__handle")) == {
        ("run", "ada")
    }
    assert {stale.pk, few.pk, far.pk} == set(Trace.objects.values_list("pk", flat=True))


@pytest.mark.parametrize(
    "scope", ["", "everything", "@nobody", "@", "stale ", "x" * 300, "@a\0", "@\ud800"]
)
def test_an_unknown_scope_is_refused(ada, scope):
    for refused in (
        lambda: refreshes.preview(scope),
        lambda: refreshes.start(actor=ada, scope=scope),
    ):
        with pytest.raises(refreshes.ScopeUnknown, match="A scope is"):
            refused()
    assert not JobRun.objects.exists()


@pytest.mark.parametrize("limit", [0, -5, 10**13])
def test_an_absurd_limit_is_refused(ada, limit):
    with pytest.raises(refreshes.LimitRefused):
        refreshes.start(actor=ada, scope="all", max_tokens=limit)


def test_a_second_start_opens_the_first(model, ada):
    first = refreshes.start(actor=ada, scope="all")
    second = refreshes.start(actor=ada, scope="all", max_tokens=5)

    assert (second.run.pk, second.created) == (first.run.pk, False)


def test_a_run_ends_at_its_limit(model, uploader, ada, settings):
    settings.SUMMARY_PARALLEL = 1
    for n in range(4):
        uploader.share(f"s{n}", session(6))

    done = run("all", ada, max_tokens=1)

    assert (done.state, done.result["stopped"], model.calls) == ("succeeded", "limit", 1)
    assert done.result["tokens"] == SummaryLog.objects.get().charged_tokens


def test_a_run_without_budget_waits_and_goes_on_the_next_day(model, uploader, ada, settings):
    settings.SUMMARY_PARALLEL = 1
    for n in range(3):
        uploader.share(f"s{n}", session(6))
    summary_switches.set_site_caps(actor=ada, cap=Cap(1_900, 10**9), reason=WHY)

    waits = run("all", ada)

    assert (waits.state, waits.result["waits_for"]) == ("paused", "waiting_for_budget")
    assert model.calls == 1
    sweep()
    waits.refresh_from_db()
    assert waits.state == RunState.PAUSED, "there is still none"

    SummaryBudget.objects.update(day=budget.today() - timedelta(days=1))
    sweep()

    waits.refresh_from_db()
    assert (waits.state, "waits_for" in waits.result) == (RunState.QUEUED, False)


def test_what_a_person_paused_stays_paused(model, ada):
    started = refreshes.start(actor=ada, scope="all")
    pause_run(run=started.run, actor=ada)

    assert resume_waiting("summarize_traces") == 0

    resume_run(run=started.run, actor=ada)
    cancel_run(run=started.run, actor=ada)
    started.run.refresh_from_db()
    assert started.run.state == RunState.CANCELLED


def test_a_run_goes_on_behind_what_it_did(model, uploader, ada, settings):
    settings.SUMMARY_PARALLEL = 1
    for n in range(3):
        uploader.share(f"s{n}", session(6))
    started = refreshes.start(actor=ada, scope="all")

    execute_run(started.run.pk, slice_seconds=0)
    started.run.refresh_from_db()
    assert (started.run.state, started.run.done, model.calls) == ("queued", 1, 1)
    execute_run(started.run.pk)

    started.run.refresh_from_db()
    assert (started.run.state, started.run.done, started.run.total) == ("succeeded", 3, 3)
    assert (started.run.result["stored"], model.calls) == (3, 3)


# --- Counting -------------------------------------------------------------------------------------


def test_coverage_counts_every_trace_once(model, uploader):
    from traces.services import coverage

    uploader.share("s1", session(6))
    sweep()
    uploader.share("s2", session(6))
    uploader.share("s3", session(2))
    uploader.share("s4", session(6), visibility="private")

    assert coverage.count() == {"fresh": 1, "due": 1, "too_short": 1, "private": 1}
    told = SummarySettings.objects.get()
    assert told.coverage == {"fresh": 1, "due": 1, "too_short": 1, "private": 1}


def test_what_lost_its_timer_is_timed_anew(model, uploader):
    from traces.services import coverage

    uploader.share("s1", session(6))
    Trace.objects.update(summary_due_at=None)
    assert sweep().result == {}

    assert [coverage.mend_timers(), coverage.mend_timers()] == [1, 0]

    sweep()
    assert Trace.objects.get().ai_title


def test_attempts_are_kept_for_their_time_and_their_costs_for_good(model, uploader):
    from traces.services import coverage

    for n in range(2):
        uploader.share(f"s{n}", session(6))
    sweep()
    old = SummaryLog.objects.order_by("pk").first()
    SummaryLog.objects.filter(pk=old.pk).update(started_at=timezone.now() - timedelta(days=91))
    spent = SummaryBudget.objects.get(namespace=None).spent_tokens

    assert [coverage.prune_logs(), coverage.prune_logs()] == [1, 0]

    assert SummaryLog.objects.get() != old
    assert SummaryBudget.objects.get(namespace=None).spent_tokens == spent


def test_what_failed_and_was_switched_off_is_not_tried_again(model, uploader, ada):
    kept, off = uploader.share("s1", session(6)), uploader.share("s2", session(6))
    model.script = lambda _n: "refusal"
    sweep()
    Trace.objects.filter(pk=off.pk).update(visibility="private")

    assert refreshes.retry_failed(actor=ada, error=SummaryError.REFUSED) == 1

    assert Trace.objects.get(pk=kept.pk).summary_state == SummaryState.QUEUED
    assert Trace.objects.get(pk=off.pk).summary_state == SummaryState.FAILED


def test_a_trace_is_tried_again_by_the_error_it_gave_up_on(model, uploader, ada):
    uploader.share("s1", session(6))
    model.script = lambda n: "error" if n < 2 else "bad_request"
    for _ in range(3):
        sweep()
        Trace.objects.exclude(summary_due_at=None).update(
            summary_due_at=timezone.now() - timedelta(seconds=1)
        )
    assert states() == [SummaryState.FAILED]

    assert refreshes.failed_lately(SummaryError.SERVER_ERROR).count() == 2
    assert refreshes.retry_failed(actor=ada, error=SummaryError.SERVER_ERROR) == 0
    assert refreshes.retry_failed(actor=ada, error=SummaryError.BAD_REQUEST) == 1


def test_what_staff_ask_for_takes_nothing_of_the_authors(model, uploader, alice, ada):
    trace = uploader.share("s1", session(6))

    assert ask(trace, ada, SummaryTrigger.STAFF) == Verdict.DUE
    assert ask(trace, alice) == Verdict.DUE


def test_a_pause_that_is_over_is_none_to_end(model, ada):
    SummarySettings.objects.create(id=1, circuit_until=timezone.now() - timedelta(seconds=1))

    assert not summary_switches.close_circuit(actor=ada)


def test_whose_call_opened_the_circuit_goes_on_with_it(model, uploader, ada):
    uploader.share("s1", session(6))
    model.script = lambda _n: "quota"
    sweep()
    model.script = lambda _n: ""
    OrmQ.objects.all().delete()

    assert summary_switches.close_circuit(actor=ada)

    assert OrmQ.objects.count() == 1
    sweep()
    assert Trace.objects.get().ai_title


def test_all_whose_calls_opened_the_circuit_go_on_with_it(model, uploader, ada, monkeypatch):
    monkeypatch.setattr(summary_switches, "BATCH", 1)
    for name in ("s1", "s2", "s3"):
        uploader.share(name, session(6))
    model.script = lambda _n: "quota"
    sweep()
    retrying = Trace.objects.filter(summary_state="retrying")
    later = timezone.now() + timedelta(minutes=10)
    assert retrying.update(summary_due_at=later) > 1
    waiting = retrying.count()

    assert summary_switches.close_circuit(actor=ada)

    assert retrying.filter(summary_due_at__lte=timezone.now()).count() == waiting


def test_counting_that_takes_too_long_is_refused_in_words(model, uploader, ada, monkeypatch):
    from django.db import OperationalError

    def slow(*_args, **_told):
        raise OperationalError("canceling statement due to statement timeout")

    monkeypatch.setattr(refreshes, "bounded", slow)
    with pytest.raises(refreshes.RefreshRefused, match="takes too long"):
        refreshes.preview("all")
    uploader.share("s1", session(6))
    done = run("all", ada)
    assert (done.total, done.result["stored"]) == (None, 1)

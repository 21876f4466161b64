"""`manage.py summarize`: here and now, by the doors that the worker uses."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django_q.models import OrmQ

from jobs.models import JobRun, RunState, Trigger
from jobs.services import claim_run, start_run
from tests.factories.traces import Uploader, session
from traces.models import SummaryLog, SummarySettings, SummaryTrigger, Trace

pytestmark = pytest.mark.django_db


@pytest.fixture
def uploader(alice):
    return Uploader(alice)


def shared(uploader, name="s1", length=6, **fields):
    return uploader.share(name, session(length), **fields)


def refused(*arguments):
    with pytest.raises(CommandError) as error:
        call_command("summarize", *arguments)
    return error.value.returncode, str(error.value)


def written():
    return set(Trace.objects.exclude(ai_summary="").values_list("external_id", flat=True))


def test_what_is_stale_is_written_and_told(model, uploader, capsys):
    shared(uploader, "s1")
    shared(uploader, "short", length=3)
    OrmQ.objects.all().delete()

    call_command("summarize")

    run = JobRun.objects.get()
    assert (run.kind, run.scope, run.trigger) == ("summarize_traces", "stale", Trigger.COMMAND)
    assert run.state == RunState.SUCCEEDED
    assert written() == {"s1"}
    assert capsys.readouterr().out.startswith(f"summarize_traces #{run.pk} of stale: 1 stored · ")
    assert not OrmQ.objects.exists()  # The worker is not woken for it.


def test_all_is_more_than_stale_and_a_namespace_is_its_own(model, uploader, charlie):
    shared(uploader, "s1")
    shared(Uploader(charlie), "c1")
    call_command("summarize", "--namespace", "@charlie")

    assert written() == {"c1"}

    call_command("summarize", "--stale")
    uploader.post("s1", session(8)[6:])
    call_command("summarize", "--stale")

    assert Trace.objects.get(external_id="s1").summary_message_count == 6

    call_command("summarize", "--all")

    assert Trace.objects.get(external_id="s1").summary_message_count == 8


def test_a_dry_run_says_what_it_would_cost_and_sends_nothing(model, uploader, capsys):
    shared(uploader, "s1")
    shared(uploader, "hidden", visibility="private")

    call_command("summarize", "--dry-run", "--all")

    told = capsys.readouterr().out
    assert told.startswith("1 trace would be summarised · 1 private · about ")
    assert "($0.00) of 1,200,000 left today" in told
    assert (model.calls, JobRun.objects.count()) == (0, 0)


def test_one_trace_by_its_own_id_or_its_clients(model, uploader, capsys):
    trace = shared(uploader, "s1")

    call_command("summarize", "--trace", trace.public_id, "--dry-run")
    assert (capsys.readouterr().out, model.calls) == ("A summary is due.\n", 0)

    call_command("summarize", "--trace", "s1")
    assert capsys.readouterr().out.startswith("Stored; ")
    assert SummaryLog.objects.get().trigger == SummaryTrigger.COMMAND

    call_command("summarize", "--trace", trace.public_id)
    assert "Nothing new since the last summary." in capsys.readouterr().out
    assert model.calls == 1


def test_an_id_of_none_or_of_several_is_refused(model, uploader, charlie):
    shared(uploader, "s1")
    shared(Uploader(charlie), "s1")

    assert refused("--trace", "nowhere") == (1, "There is no trace 'nowhere'.")
    assert "Several traces" in refused("--trace", "s1")[1]
    assert "255 characters" in refused("--trace", "")[1]
    assert "255 characters" in refused("--trace", "a\0b")[1]


def test_what_stands_in_the_way_is_said(model, uploader, settings):
    shared(uploader, "hidden", visibility="private")

    assert "never summarised" in refused("--trace", "hidden")[1]

    settings.OPENAI_API_KEY = ""
    assert refused() == (1, "No model is configured here, so there are no summaries.")

    settings.OPENAI_API_KEY = "key"
    SummarySettings.objects.create(pk=1, is_enabled=False)
    assert "off for the whole site" in refused("--all")[1]
    assert JobRun.objects.count() == 0


def test_without_budget_it_waits_and_the_worker_goes_on(model, uploader):
    shared(uploader, "s1")
    SummarySettings.objects.create(pk=1, daily_token_cap=10)

    code, told = refused()

    run = JobRun.objects.get()
    assert (code, run.state, model.calls) == (3, RunState.PAUSED, 0)
    assert "Today's budget is used" in told
    assert "The worker goes on with it." in told
    assert refused("--trace", "s1") == (3, "Today's budget is used; it goes on after 00:00 UTC.")


def test_a_limit_of_tokens_ends_it(model, uploader, settings, capsys):
    settings.SUMMARY_PARALLEL = 1
    for name in ("s1", "s2", "s3"):
        shared(uploader, name)

    call_command("summarize", "--max-tokens", "1")

    assert len(written()) == 1
    assert "It stopped at its limit of tokens" in capsys.readouterr().out
    assert "A limit is a number of tokens" in refused("--max-tokens", "-5")[1]
    assert "one trace is one call" in refused("--trace", "s1", "--max-tokens", "9")[1]


def test_a_run_under_way_is_reported_and_not_doubled(model, uploader):
    shared(uploader, "s1")
    run = start_run(kind="summarize_traces", scope="stale").run
    claim_run(run.pk)

    code, told = refused("--max-tokens", "500")

    assert (code, f"#{run.pk} of stale is already under way" in told) == (1, True)
    assert (JobRun.objects.count(), model.calls) == (1, 0)


def test_a_failed_attempt_ends_with_1(model, uploader):
    trace = shared(uploader, "s1")
    model.script = lambda _n: "error"

    assert refused() == (1, "1 failed; the log of summaries says why.")

    Trace.objects.filter(pk=trace.pk).update(summary_state="idle", summary_due_at=None)
    assert refused("--trace", "s1") == (1, "Failed: error of the model's server.")


def test_an_unknown_namespace_and_two_choices_are_refused(model):
    assert "handle of a namespace that exists" in refused("--namespace", "nobody")[1]
    with pytest.raises(CommandError, match="not allowed with"):
        call_command("summarize", "--all", "--stale")

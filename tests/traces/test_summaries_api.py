"""Summaries by API: what an admin's page does, for tokens that administer."""

from __future__ import annotations

import pytest

from accounts.models import AuditEvent, Scope
from jobs.models import JobRun
from tests.config.rivals import at_once
from tests.factories.tokens import Caller, refusal
from tests.factories.traces import Uploader, session
from traces.models import SummaryLog, SummarySettings, SummaryTrigger
from traces.services import summaries
from traces.services.summaries import Reason

pytestmark = pytest.mark.django_db

RUN = "/api/v1/admin/summaries:run"
LOGS = "/api/v1/admin/summaries/logs"


@pytest.fixture
def uploader(alice):
    return Uploader(alice)


@pytest.fixture
def admin(ada):
    return Caller(ada)


def shared(uploader, name="s1", length=6, **fields):
    return uploader.share(name, session(length), **fields)


def write(trace, trigger=SummaryTrigger.BATCH):
    claimed = summaries.claim(trace.pk, Reason(trigger), summaries.read_site())
    return summaries.perform([claimed])


def address(trace):
    return f"/api/v1/admin/summaries/{trace.public_id}:refresh"


def test_a_dry_run_counts_and_starts_nothing(model, uploader, admin):
    shared(uploader)
    shared(uploader, "s2", visibility="private")

    told = admin.post(RUN, scope="all", dryRun=True).json()

    assert (told["traces"], told["leftAlone"]) == (1, {"private": 1})
    assert told["expectedTokens"] > 0
    assert told["today"]["capTokens"] == 1_200_000
    assert (JobRun.objects.count(), model.calls) == (0, 0)


def test_a_run_is_started_once_and_followed(model, uploader, admin, ada):
    shared(uploader)

    first = admin.post(RUN, scope="stale", maxTokens=50_000)
    again = admin.post(RUN, scope="stale")

    assert (first.status_code, first.json()["created"]) == (202, True)
    assert (again.status_code, again.json()["created"]) == (200, False)
    assert first.json()["run"]["id"] == again.json()["run"]["id"]
    run = JobRun.objects.get()
    told = admin.get(f"/api/v1/admin/runs/{run.pk}").json()
    assert told == again.json()["run"]
    assert (told["job"], told["scope"], told["state"]) == ("summarize_traces", "stale", "queued")
    assert (told["by"], told["options"]) == ("ada", {"max_tokens": 50_000})
    assert AuditEvent.objects.filter(verb="job.run", actor=ada).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_starts_at_once_are_one_run(model, uploader, admin):
    shared(uploader)

    answers = at_once(*[lambda: admin.post(RUN, scope="all")] * 4)

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 202]
    assert JobRun.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "scope_unknown"),
        ({"scope": "everything"}, "scope_unknown"),
        ({"scope": "@nobody"}, "scope_unknown"),
        ({"scope": "@nobody", "dryRun": True}, "scope_unknown"),
        ({"scope": 7}, "body_invalid"),
        ({"scope": "all\0"}, "unstorable_text"),
        ({"scope": "all", "dryRun": "yes"}, "body_invalid"),
        ({"scope": "all", "maxTokens": 0}, "limit_invalid"),
        ({"scope": "all", "maxTokens": -4}, "limit_invalid"),
        ({"scope": "all", "maxTokens": 2**62}, "limit_invalid"),
        ({"scope": "all", "maxTokens": 1.5}, "body_invalid"),
    ],
)
def test_what_cannot_be_started_is_refused(model, admin, body, code):
    status, told = refusal(admin.post(RUN, **body))

    assert (status, told) == (400, code)
    assert JobRun.objects.count() == 0


def test_without_a_model_nothing_is_started_and_why_is_said(model, admin, settings):
    settings.OPENAI_API_KEY = ""

    answer = admin.post(RUN, scope="all")

    assert refusal(answer) == (409, "summary_refused")
    assert "No model is configured" in answer.content.decode()


def test_a_run_that_is_not_there(admin):
    assert refusal(admin.get("/api/v1/admin/runs/1")) == (404, "run_not_found")
    assert refusal(admin.get(f"/api/v1/admin/runs/{10**30}")) == (404, "run_not_found")


def test_one_is_refreshed_and_audited(model, uploader, admin, ada):
    trace = shared(uploader)

    assert admin.post(address(trace)).json() == {"ok": True, "queued": True, "verdict": "due"}
    assert AuditEvent.objects.filter(verb="trace.summarize", actor=ada).count() == 1

    write(trace, SummaryTrigger.STAFF)

    told = admin.post(address(trace)).json()
    assert told == {"ok": True, "queued": False, "verdict": "fresh"}
    assert AuditEvent.objects.filter(verb="trace.summarize").count() == 1


def test_what_its_author_keeps_from_ai_is_refused(model, uploader, admin):
    trace = shared(uploader)
    trace.exclude_from_ai = True
    trace.save()

    assert refusal(admin.post(address(trace))) == (409, "summary_refused")
    assert refusal(admin.post("/api/v1/admin/summaries/nowhere:refresh")) == (
        404,
        "trace_not_found",
    )


def test_the_log_tells_each_attempt_newest_first(model, uploader, admin):
    trace = shared(uploader)
    write(trace)
    other = shared(uploader, "s2")
    model.script = lambda _n: "error"
    write(other, SummaryTrigger.STAFF)

    failed, stored = admin.get(LOGS).json()["items"]

    assert (stored["traceId"], stored["outcome"], stored["error"]) == (
        trace.public_id,
        "stored",
        None,
    )
    assert stored["chargedTokens"] == stored["inputTokens"] + stored["outputTokens"] > 0
    assert (failed["outcome"], failed["error"], failed["httpStatus"]) == (
        "failed",
        "server_error",
        500,
    )
    assert (stored["namespace"], stored["runId"], stored["by"]) == ("alice", None, None)
    assert all(isinstance(log["startedAt"], int) for log in (failed, stored))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("outcome=stored", 1),
        ("outcome=failed", 1),
        ("error=server_error", 1),
        ("error=timeout", 0),
        ("trigger=batch", 1),
        ("trigger=staff&outcome=stored", 0),
        ("trace={trace}", 1),
        ("trace=nowhere", 0),
        ("trace=" + "x" * 9_000, 0),
    ],
)
def test_the_log_is_filtered(model, uploader, admin, query, found):
    trace = shared(uploader)
    write(trace)
    model.script = lambda _n: "error"
    write(shared(uploader, "s2"), SummaryTrigger.STAFF)

    answer = admin.get(f"{LOGS}?{query.format(trace=trace.public_id)}")

    assert len(answer.json()["items"]) == found


def test_the_log_goes_on_by_a_cursor_of_its_own_filters(model, uploader, admin):
    trace = shared(uploader)
    SummaryLog.objects.bulk_create(
        SummaryLog(
            trace=trace,
            namespace=trace.namespace,
            trigger="sweep",
            generation=1,
            message_count=n,
            day="2031-05-06",
            outcome="stored",
        )
        for n in range(7)
    )
    seen, cursor = [], ""
    for _ in range(3):
        told = admin.get(f"{LOGS}?limit=3&outcome=stored&cursor={cursor}").json()
        seen += [log["messageCount"] for log in told["items"]]
        cursor = told["nextCursor"]

    assert seen == [6, 5, 4, 3, 2, 1, 0]
    assert cursor is None
    cursor = admin.get(f"{LOGS}?limit=3&outcome=stored").json()["nextCursor"]
    for query in (f"cursor={cursor}", "cursor=nonsense", f"outcome=failed&cursor={cursor}"):
        assert refusal(admin.get(f"{LOGS}?{query}")) == (400, "cursor_invalid")


@pytest.mark.parametrize("query", ["outcome=good", "error=%00", "trigger=nobody", "limit=0"])
def test_an_unknown_filter_is_refused(admin, query):
    assert admin.get(f"{LOGS}?{query}").status_code == 400


@pytest.mark.parametrize("scopes", [[Scope.MODERATE], [Scope.SKILLS_READ, Scope.TRACES_WRITE]])
def test_a_token_without_the_right_to_administer_is_refused(model, uploader, ada, scopes):
    caller, trace = Caller(ada, scopes), shared(uploader)

    answers = [
        caller.post(RUN, scope="all"),
        caller.post(address(trace)),
        caller.get(LOGS),
        caller.get("/api/v1/admin/runs/1"),
    ]

    assert [refusal(answer) for answer in answers] == [(403, "scope_missing")] * 4
    assert (JobRun.objects.count(), SummarySettings.objects.count()) == (0, 0)


def test_a_moderator_is_refused(model, mona):
    assert refusal(Caller(mona).post(RUN, scope="all")) == (403, "scope_missing")

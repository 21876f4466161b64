"""`/staff/summaries/logs/`: every attempt, filtered by the address; never a word of a text."""

from __future__ import annotations

from html import unescape
from urllib.parse import parse_qs

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.asserts import assertContains, assertNotContains

from tests.factories.accounts import sign_in
from tests.factories.bulk import analyze, copy_row, explain
from tests.factories.jobs import make_run
from tests.factories.traces import Uploader, session
from tests.traces.test_summary_staff_views import HOSTILE, give_up, log_of, write
from traces.due import FIRST_MESSAGES, MAX_ATTEMPTS
from traces.models import SummaryError, SummaryLog, SummaryOutcome, SummaryState, Trace

pytestmark = pytest.mark.django_db

LOGS = "/staff/summaries/logs/"


@pytest.fixture
def admin(client, ada) -> Client:
    return sign_in(client, ada)


@pytest.fixture
def trace(alice) -> Trace:
    return Uploader(alice).share("s1", session(6), visibility="public", title="Round the totals")


def listed(admin, **asked):
    return [log.pk for log in admin.get(LOGS, asked).context["logs"]]


def test_an_empty_log_says_what_comes_first(admin):
    assertContains(admin.get(LOGS), "No attempt yet")
    assertContains(admin.get(LOGS), f"when a trace has {FIRST_MESSAGES} messages")
    page = admin.get(LOGS, {"outcome": "stored"})
    assertContains(page, "No attempt fits")
    assertContains(page, "Clear all")


def test_each_filter_of_the_address_holds(admin, ada, alice, charlie, trace):
    other = Uploader(charlie).share("s2", session(6), visibility="public")
    run = make_run("summarize_traces", "running")
    timeout = log_of(trace)
    stored = log_of(trace, outcome=SummaryOutcome.STORED, error="", trigger="run", run=run)
    others = log_of(other, error=SummaryError.QUOTA, trigger="author", asked_by=charlie)
    gone = log_of(None)

    assert listed(admin) == [gone.pk, others.pk, stored.pk, timeout.pk]
    assert listed(admin, outcome="stored") == [stored.pk]
    assert listed(admin, error="quota") == [others.pk]
    assert listed(admin, trigger="author") == [others.pk]
    assert listed(admin, trace=trace.public_id) == [stored.pk, timeout.pk]
    assert listed(admin, trace="nobody") == []
    assert listed(admin, namespace="@charlie") == [others.pk]
    assert listed(admin, namespace="nobody") == []
    assert listed(admin, run=run.pk) == [stored.pk]
    assert listed(admin, trace=trace.public_id, outcome="failed") == [timeout.pk]
    page = admin.get(LOGS, {"trace": trace.public_id, "outcome": "failed"})
    assertContains(page, 'href="?outcome=failed"')
    assertContains(page, f'href="?trace={trace.public_id}"')


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"outcome": HOSTILE}, "There is no result"),
        ({"error": "x"}, "There is no error"),
        ({"trigger": "x"}, "There is no asked by"),
        ({"run": "x"}, "called by its number"),
        ({"run": "9" * 30}, "called by its number"),
        ({"run": "²"}, "called by its number"),
        ({"after": "x"}, "cannot be found"),
    ],
)
def test_what_the_address_asks_for_in_vain_is_told(admin, trace, asked, told):
    log_of(trace)

    page = admin.get(LOGS, asked)

    assertContains(page, told)
    assertNotContains(page, "<script>alert")
    assert len(page.context["logs"]) == 1


def test_the_list_goes_on_by_keyset_and_keeps_its_filters(admin, trace):
    made = [log_of(trace).pk for _ in range(60)]
    log_of(trace, outcome=SummaryOutcome.STORED, error="")
    seen, address = [], f"{LOGS}?error=timeout"
    while address:
        page = admin.get(address)
        seen += [log.pk for log in page.context["logs"]]
        address = page.context["older_url"] and LOGS + page.context["older_url"]

    assert seen == made[::-1]
    assertContains(page, "Back to the start")


@pytest.mark.parametrize("asked", [{}, {"error": "quota"}, {"error": "timeout", "trace": "x"}])
def test_the_place_of_one_list_is_none_of_another(admin, trace, asked):
    for error in (SummaryError.TIMEOUT, SummaryError.QUOTA) * 30:
        log_of(trace, error=error)
    older = admin.get(LOGS, {"error": "timeout"}).context["older_url"]
    place = parse_qs(older.removeprefix("?"))["after"][0]

    page = admin.get(LOGS, asked | {"after": place})

    assertContains(page, "That part of the list cannot be found.")
    assert list(page.context["logs"]) == list(admin.get(LOGS, asked).context["logs"])


def test_a_row_opens_what_is_known_and_nothing_of_the_texts(admin, trace, model):
    write(trace)
    log = SummaryLog.objects.get()

    assertContains(admin.get(LOGS), f'href="{LOGS}{log.pk}/"')
    page = admin.get(f"{LOGS}{log.pk}/")

    told = unescape(page.content.decode()).partition("<main")[2].partition("</main>")[0]
    for word in (
        trace.public_id,
        "@alice",
        "demo-model, prompt 1",
        f"{log.input_tokens:,} in, {log.output_tokens:,} out",
        f"{log.reserved_tokens:,} tokens",
        "6 messages of generation 1",
        "200",
    ):
        assert word in told, word
    for word in ("rounding", "Asked was", "Round the totals"):
        assert word not in told
        assertNotContains(admin.get(LOGS), word)


def test_the_context_of_an_error_is_shown_as_text(admin, trace):
    run = make_run("summarize_traces", "running")
    log = log_of(
        trace,
        http_status=429,
        provider_code=HOSTILE[:60],
        request_id="req_\u202e1",
        charged_tokens=4_000,
        run=run,
        attempt=3,
    )

    page = admin.get(f"{LOGS}{log.pk}/")

    assertNotContains(page, "<script>alert")
    assertContains(page, "429")
    assertContains(page, "3 of 3 at most")
    assertContains(page, f"of {MAX_ATTEMPTS} at most")
    assertContains(page, "nobody said what it used")
    assertContains(page, f'href="/staff/jobs/{run.pk}/"')
    assertNotContains(page, ">Retry<")


def test_a_trace_that_gave_up_is_retried_from_there(admin, trace, model):
    log = give_up(trace)
    assertContains(admin.get(f"{LOGS}{log.pk}/"), ">Retry<")

    admin.post(f"/staff/traces/{trace.public_id}/summary/")

    trace.refresh_from_db()
    assert trace.summary_state == SummaryState.QUEUED
    assertNotContains(admin.get(f"{LOGS}{log.pk}/"), ">Retry<")


def test_an_attempt_at_a_trace_that_is_gone_stays(admin, alice, trace):
    log = log_of(trace)
    trace.delete()

    assertContains(admin.get(LOGS), "deleted")
    assertContains(admin.get(f"{LOGS}{log.pk}/"), "deleted")
    assert admin.get(f"{LOGS}999999/").status_code == 404
    assert admin.get(f"{LOGS}{'9' * 30}/").status_code == 404


def test_a_page_costs_one_statement_beside_those_of_every_page(admin, trace):
    for _ in range(30):
        log_of(trace)
    asked = {"trace": trace.public_id, "namespace": "alice", "outcome": "failed"}
    for address in (LOGS, f"{LOGS}{SummaryLog.objects.first().pk}/"):
        with CaptureQueriesContext(connection) as queries:
            admin.get(address, asked)
        # The session, the person, and how many notices they have.
        assert len(queries) == 3 + 1


def test_every_filter_is_answered_by_an_index(admin, alice, charlie, trace):
    other = Uploader(charlie).share("s2", session(6))
    usual = log_of(trace, outcome=SummaryOutcome.STORED, error="")
    copy_row(usual, 1, 20_000, {})
    log_of(other, trigger="author")
    analyze(SummaryLog, Trace)
    for asked in (
        {},
        {"outcome": "failed"},
        {"error": "timeout"},
        {"trigger": "author"},
        {"trace": other.public_id},
        {"namespace": "charlie"},
        {"run": "1"},
    ):
        with CaptureQueriesContext(connection) as queries:
            admin.get(LOGS, asked)
        sql = next(q["sql"] for q in queries if 'FROM "traces_summarylog"' in q["sql"])
        plan = explain(sql, ())
        assert plan.blocks <= 150, (asked, plan)

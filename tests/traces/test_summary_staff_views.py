"""`/staff/summaries/`: what admins see of AI summaries and set; moderators read, nobody else."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ
from pytest_django.asserts import assertContains, assertNotContains

from accounts.models import AuditEvent, Namespace
from jobs.models import JobRun
from tests.factories.accounts import sign_in
from tests.factories.bulk import analyze, copy_row, explain
from tests.factories.jobs import make_run
from tests.factories.traces import Uploader, session
from traces.due import MAX_ATTEMPTS, STEP_MESSAGES, Verdict
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
from traces.services import budget, coverage, refreshes, summary_switches
from traces.services.budget import Cap
from traces.services.summaries import Reason, claim, perform, read_site
from traces.summary_dashboard import read_dashboard
from traces.summary_effect import RELOAD
from traces.summary_rows import read_rows
from traces.summary_staff_views import OTHERS

pytestmark = pytest.mark.django_db

HOME = "/staff/summaries/"
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}
COUNTED = [
    *(f"{what}_count" for what in ("message", "user", "assistant", "tool", "error")),
    "conversation_bytes",
]
HOSTILE = "<script>alert('\u202e')</script>"


@pytest.fixture
def admin(client, ada) -> Client:
    return sign_in(client, ada)


@pytest.fixture
def moderator(mona) -> Client:
    return sign_in(Client(), mona)


@pytest.fixture
def trace(alice) -> Trace:
    return Uploader(alice).share("s1", session(6), visibility="public", title="Round the totals")


def text(response) -> str:
    return unescape(response.content.decode())


def write(trace, trigger=SummaryTrigger.BATCH) -> None:
    perform([claim(trace.pk, Reason(trigger), read_site())])


def log_of(trace, **told) -> SummaryLog:
    """An attempt, straight as a row."""
    now = timezone.now()
    return SummaryLog.objects.create(
        **{
            "trace": trace,
            "namespace": trace.namespace if trace else None,
            "trigger": "sweep",
            "generation": 1,
            "message_count": 6,
            "day": now.date(),
            "started_at": now,
            "finished_at": now,
            "outcome": SummaryOutcome.FAILED,
            "error": SummaryError.TIMEOUT,
            "model": "demo-model",
        }
        | told
    )


def give_up(trace, error=SummaryError.TIMEOUT) -> SummaryLog:
    Trace.objects.filter(pk=trace.pk).update(summary_state=SummaryState.FAILED, summary_due_at=None)
    return log_of(trace, error=error)


def event(verb) -> AuditEvent:
    return AuditEvent.objects.get(verb=verb)


# --- Who may ------------------------------------------------------------------------------------


def test_moderators_read_how_it_stands_and_act_on_nothing(moderator, alice, model, trace):
    due = Uploader(alice).share("due", session(6), visibility="direct")
    give_up(trace)
    page = moderator.get(HOME)

    assert page.status_code == 200
    assertContains(page, "Today’s budget")
    assertContains(page, "Timeout")
    main = page.content.decode().partition("<main")[2].partition("</main>")[0]
    assert "<form" not in main.replace('<form id="filters"', "")
    assert trace.public_id not in main
    assert due.public_id not in main
    assert "Round the totals" not in main
    for end in ("switch/", "caps/", "resume/", "retry/", "refresh/", "logs/"):
        assert moderator.post(f"{HOME}{end}", {"on": "0", "reason": "Why not"}).status_code == 404
    for end in ("refresh/", "logs/", f"logs/{SummaryLog.objects.get().pk}/"):
        assert moderator.get(f"{HOME}{end}").status_code == 404
    assert not SummarySettings.objects.exists()


def test_for_strangers_it_is_not_there(client, charlie):
    for stranger in (client, sign_in(Client(), charlie)):
        for address in (HOME, f"{HOME}logs/", f"{HOME}refresh/", f"{HOME}namespaces/alice/"):
            assert stranger.get(address).status_code == 404
            assert stranger.post(address).status_code == 404


# --- Switches and caps --------------------------------------------------------------------------


def test_an_admin_turns_the_site_off_and_says_why(admin, ada, model, trace):
    assertContains(admin.get(HOME), 'role="switch" aria-checked="true"')

    page = admin.post(f"{HOME}switch/", {"on": "0", "reason": "A leak."}, follow=True)

    assertContains(page, 'role="switch" aria-checked="false"')
    assert refreshes.WHY[Verdict.SITE_OFF] in text(page)
    assert "A leak." in text(page)
    told = event("summaries.switch")
    assert (told.actor, told.reason, told.after) == (ada, "A leak.", {"is_enabled": False})
    again = admin.post(f"{HOME}switch/", {"on": "0", "reason": "Again."}, follow=True)
    assertContains(again, "It is so already.")
    assert AuditEvent.objects.filter(verb="summaries.switch").count() == 1


@pytest.mark.parametrize("reason", ["", " ", "\u200b", "a\0b"])
def test_without_a_reason_nothing_changes(admin, reason):
    page = admin.post(f"{HOME}switch/", {"on": "0", "reason": reason})

    assert page.status_code == 422
    assertContains(page, "data-error-summary", status_code=422)
    assert not SummarySettings.objects.exists()
    assert not AuditEvent.objects.filter(verb="summaries.switch").exists()


def test_a_refused_cap_keeps_what_was_typed(admin):
    for tokens, dollars in (("-1", "1"), ("5", "-0.5"), ("9" * 30, "1"), ("x", "1"), ("5", "")):
        page = admin.post(
            f"{HOME}caps/", {"tokens": tokens, "dollars": dollars, "reason": "Less of it."}
        )
        assert page.status_code == 422, (tokens, dollars)
        assertContains(page, 'value="Less of it."', status_code=422)
        assertContains(page, "Not saved.", status_code=422)
    assert not SummarySettings.objects.exists()


def test_the_cap_of_the_site_is_set_in_tokens_and_dollars(admin):
    told = {"tokens": "5000", "dollars": "0.000002", "reason": "A trial."}

    page = admin.post(f"{HOME}caps/", told, follow=True)

    assert budget.site_cap(SummarySettings.objects.get()) == Cap(5000, 2)
    assertContains(page, 'value="0.000002"')
    assert event("summaries.cap").after == {"tokens": 5000, "micros": 2}


def test_what_is_nearly_used_warns(admin):
    now = timezone.now()
    SummaryBudget.objects.create(day=now.date(), spent_tokens=790_000, reserved_tokens=180_000)

    page = text(admin.get(HOME))

    assert "970,000 of 1,200,000 tokens · 80.8 % · 180,000 of them reserved" in page
    assert "80.8 % is used." in page
    SummaryBudget.objects.update(spent_tokens=770_000)
    assert "is used." not in text(admin.get(HOME))


def test_an_open_circuit_is_told_and_closed(admin, ada):
    SummarySettings.objects.create(
        pk=1,
        circuit_until=timezone.now() + timedelta(minutes=5),
        circuit_reason=f"Quota used up (429 {HOSTILE})",
    )
    page = admin.get(HOME)
    assertContains(page, "Paused until")
    assertNotContains(page, "<script>alert")

    again = admin.post(f"{HOME}resume/", follow=True)

    assertNotContains(again, "Paused until")
    assert SummarySettings.objects.get().circuit_until is None
    assert event("summaries.resume").actor == ada
    assertContains(admin.post(f"{HOME}resume/", follow=True), "Nothing is paused.")


def test_the_page_says_which_model_and_where_texts_go(admin, settings):
    settings.OPENAI_API_KEY = ""
    assert "No model is configured." in text(admin.get(HOME))
    settings.OPENAI_API_KEY = "sk-secret"
    settings.OPENAI_BASE_URL = "https://user:sesame@models.example/v1"
    settings.SUMMARY_MODEL = "demo-model"
    page = text(admin.get(HOME))
    assert "demo-model (demo model)" in page
    assert "$0.15 for a million tokens read, $0.60 for a million written" in page
    assert "models.example" in page
    assert "sesame" not in page
    assert "sk-secret" not in page
    settings.SUMMARY_MODEL = "nobody-knows-it"
    assert "No price is known" in text(admin.get(HOME))


# --- Namespaces ---------------------------------------------------------------------------------


def test_a_namespace_is_found_switched_off_and_listed(admin, ada, alice, trace):
    found = admin.get(f"{HOME}namespaces/", {"handle": " @Alice"})
    assert found.headers["Location"] == f"{HOME}namespaces/alice/"
    for wrong in ("al", "", "x" * 3_000):
        told = admin.get(f"{HOME}namespaces/", {"handle": wrong}, follow=True)
        assertContains(told, "no namespace")

    page = admin.post(f"{found.url}switch/", {"on": "0", "reason": "Spam."}, follow=True)

    assertContains(page, "Staff have turned them off.")
    assertContains(page, "Spam.")
    alice.namespace.refresh_from_db()
    assert (alice.namespace.ai_summary_off_by_staff, alice.namespace.ai_summary_enabled) == (
        True,
        True,
    )
    assert event("namespace.summaries").actor == ada
    assertContains(admin.get(HOME), f'href="{found.url}"')
    staff = text(admin.get(f"/staff/traces/{trace.public_id}/"))
    assert "Staff have turned summaries off for @alice." in staff
    own = sign_in(Client(), alice)
    assertContains(own.get("/me/namespaces/alice/"), "Off by staff.")
    assertContains(
        own.get(f"/me/traces/{trace.public_id}/"), "Staff have turned summaries off for @alice."
    )


def test_a_namespace_has_a_cap_until_it_has_none(admin, alice):
    address = f"{HOME}namespaces/alice/"
    admin.post(f"{address}caps/", {"tokens": "900", "dollars": "", "reason": "Too dear."})
    alice.namespace.refresh_from_db()
    assert budget.namespace_cap(alice.namespace) == Cap(900, None)
    assertContains(admin.get(address), "of 900 tokens")
    assertContains(admin.get(HOME), "900 tokens")

    admin.post(f"{address}caps/", {"tokens": "", "dollars": "", "reason": "Enough."})

    alice.namespace.refresh_from_db()
    assert budget.namespace_cap(alice.namespace) == Cap(None, None)
    assertContains(admin.get(address), "without a cap of its own")
    refused = admin.post(f"{address}caps/", {"tokens": "-4", "dollars": "", "reason": "x"})
    assert refused.status_code == 422


def test_limited_namespaces_go_on_by_handle(admin):
    Namespace.objects.bulk_create(
        Namespace(handle=f"n{n:02}", kind="org", ai_summary_token_cap=n) for n in range(12)
    )
    first = admin.get(HOME)
    second = admin.get(HOME, {"namespaces": first.context["more_namespaces"]})

    assert [n.handle for n in second.context["page"].namespaces] == ["n10", "n11"]
    assertContains(admin.get(HOME, {"namespaces": "nonsense"}), "cannot be found")


# --- Coverage, failures, rows -------------------------------------------------------------------


def test_coverage_leads_to_lists(admin, model, alice, trace):
    assertContains(admin.get(HOME), "Not counted yet")
    given_up = Uploader(alice).share("s2", session(6), visibility="public")
    give_up(given_up)
    kept = Uploader(alice).share("s3", session(6), visibility="public")
    Trace.objects.filter(pk=kept.pk).update(exclude_from_ai=True)
    coverage.count()

    page = admin.get(HOME)

    tiles = {tile.verdict: (tile.count, tile.url) for tile in page.context["tiles"]}
    assert tiles[Verdict.DUE] == (1, "?show=due#traces")
    assert tiles[Verdict.FAILED] == (1, "?show=failed#traces")
    assert tiles[Verdict.EXCLUDED] == (1, "?show=excluded_by_author#traces")
    assert tiles[Verdict.FRESH] == (0, f"{HOME}logs/?outcome=stored")
    for shown, wanted in (
        ("due", trace),
        ("failed", given_up),
        ("excluded_by_author", kept),
        ("nonsense", trace),
    ):
        listed = admin.get(HOME, {"show": shown}).context["listed"]
        assert [row.trace.pk for row in listed.rows] == [wanted.pk], shown
    assertContains(admin.get(HOME, {"show": "failed"}), "last: timeout")


def test_the_list_goes_on_by_keyset_newest_due_first(admin, alice):
    now = timezone.now()
    trace = Uploader(alice).share("s1", session(6), visibility="public")
    copies = [
        Trace(
            namespace=trace.namespace,
            external_id=f"copy-{n}",
            agent_id="codex",
            client_title=f"Copy {n}",
            visibility="public",
            summary_due_at=now - timedelta(minutes=n // 2),
        )
        for n in range(60)
    ]
    Trace.objects.bulk_create(copies)
    seen, address = [], HOME
    while address:
        listed = admin.get(address).context["listed"]
        seen += [(row.trace.summary_due_at, row.trace.pk) for row in listed.rows]
        address = listed.older and f"{HOME}?show=due&after={listed.older}"

    assert len(seen) == 61
    assert seen == sorted(seen, reverse=True)
    assertContains(admin.get(HOME, {"after": "nonsense"}), "cannot be found")


def test_failures_are_grouped_and_those_that_gave_up_are_retried(admin, ada, alice, trace, model):
    other = Uploader(alice).share("s2", session(6), visibility="public")
    give_up(trace)
    log_of(trace)
    log_of(other)
    log_of(other, outcome=SummaryOutcome.LOST, error=SummaryError.WORKER_DIED)
    log_of(other, error=SummaryError.QUOTA, started_at=timezone.now() - timedelta(hours=25))

    page = admin.get(HOME)

    told = [(f.error, f.attempts, f.traces) for f in page.context["page"].failures]
    assert told == [("timeout", 3, 1), ("worker_died", 1, 0)]
    assertContains(page, "Retry these 1<")
    assertContains(page, f"gives up after {MAX_ATTEMPTS} attempts")
    done = admin.post(f"{HOME}retry/", {"error": "timeout"}, follow=True)
    assertContains(done, "1 trace is tried again.")
    trace.refresh_from_db()
    assert trace.summary_state == SummaryState.QUEUED
    assert event("summaries.retry").actor == ada
    assertContains(
        admin.post(f"{HOME}retry/", {"error": "timeout"}, follow=True), "None of them waits"
    )
    assert admin.post(f"{HOME}retry/", {"error": "nonsense"}).status_code == 404


def test_a_row_is_refreshed_in_place_until_its_new_text(admin, ada, trace, model):
    address = f"/staff/traces/{trace.public_id}/summary/"
    asked = admin.post(f"{address}?as=row", headers=HTMX)

    assertContains(asked, 'data-status="asked for"')
    assertContains(asked, 'hx-trigger="every 2s"')
    assertContains(asked, "A summary is asked for.")
    assert text(asked).lstrip().startswith("<tr")
    assert OrmQ.objects.exists()
    assert event("trace.summarize").actor == ada
    claimed = claim(trace.pk, Reason(SummaryTrigger.STAFF, ada), read_site())
    assertContains(admin.get(f"{address}?as=row", headers=HTMX), 'data-status="being written"')
    perform([claimed])
    done = admin.get(f"{address}?as=row", headers=HTMX)
    assertContains(done, 'data-status="fresh"')
    assertContains(done, "Asked was: Fix the rounding")
    assertNotContains(done, "hx-trigger")
    again = admin.post(f"{address}?as=row", headers=HTMX)
    assertContains(again, "Nothing new since the last summary.")


def test_a_refresh_that_nobody_takes_up_is_asked_about_less_often(admin, trace, model):
    address = f"/staff/traces/{trace.public_id}/summary/"
    admin.post(address)
    Trace.objects.update(summary_due_at=timezone.now() - timedelta(minutes=2))

    assertContains(admin.get(address, headers=HTMX), 'hx-trigger="every 10s"')
    Trace.objects.update(summary_due_at=timezone.now() - timedelta(minutes=31))
    for shown in (address, f"{address}?as=row"):
        late = admin.get(shown, headers=HTMX)
        assertNotContains(late, "hx-trigger")
        assertContains(late, RELOAD)


def test_a_refused_refresh_says_why(admin, trace, settings):
    settings.OPENAI_API_KEY = ""
    address = f"/staff/traces/{trace.public_id}/summary/"

    refused = admin.post(address, headers=HTMX)

    assert refused.status_code == 409
    assertContains(refused, "No model is configured here", status_code=409)
    page = admin.post(address, follow=True)
    assertContains(page, "No model is configured here")
    assert admin.post("/staff/traces/nobody/summary/").status_code == 404
    assert admin.get("/staff/traces/nobody/summary/", headers=HTMX).status_code == 404


# --- The trace's own page -----------------------------------------------------------------------


def test_staff_switch_a_trace_off_and_leave_its_authors_switches(admin, ada, trace, model):
    address = f"/staff/traces/{trace.public_id}/"
    page = admin.post(f"{address}summary/switch/", {"on": "0", "reason": HOSTILE}, follow=True)

    trace.refresh_from_db()
    assert (trace.summary_off_by_staff, trace.ai_summary_enabled) == (True, True)
    assert "Staff have turned summaries off for this trace." in text(page)
    assertNotContains(page, "<script>alert")
    assertContains(page, "trace.summaries")
    assertNotContains(page, 'id="refresh-summary"')
    assert event("trace.summaries").actor == ada
    refused = admin.post(f"{address}summary/switch/", {"on": "1", "reason": ""})
    assert refused.status_code == 422
    admin.post(f"{address}summary/switch/", {"on": "1", "reason": "Mended."})
    assertContains(admin.get(address), 'id="refresh-summary"')


def test_the_page_tells_the_summary_and_its_attempts(admin, trace, model):
    write(trace)
    failed = log_of(trace)

    page = text(admin.get(f"/staff/traces/{trace.public_id}/"))

    assert "Asked was: Fix the rounding" in page
    assert "over 6 of 6 messages" in page
    assert f"{HOME}logs/{failed.pk}/" in page
    assert "Nothing new since the last summary." in page
    Trace.objects.update(visibility="private")
    assert "Asked was" not in text(admin.get(f"/staff/traces/{trace.public_id}/"))


# --- Refresh ------------------------------------------------------------------------------------


def test_a_refresh_begins_with_what_it_would_do(admin, alice, trace, model):
    Uploader(alice).share("short", session(2), visibility="public")
    Uploader(alice).share("mine", session(6), visibility="private")

    page = text(admin.get(f"{HOME}refresh/", {"scope": "stale"}))

    assert f"at least {STEP_MESSAGES} messages behind" in page
    assert "1 trace will be summarised" in page
    assert "</strong> too short" in page
    assert "</strong> for members only" in page
    assert "Left today: 1,200,000 tokens" in page
    assert "Start the refresh" in page
    assert not JobRun.objects.exists()
    SummarySettings.objects.create(pk=1, daily_token_cap=10)
    page = text(admin.get(f"{HOME}refresh/", {"scope": "all"}))
    assert "until the budget is used" in page
    assert "the rest tomorrow" in page


def test_a_namespace_is_counted_alone(admin, alice, charlie, trace, model):
    Uploader(charlie).share("s1", session(6), visibility="public")
    Uploader(charlie).share("short", session(2), visibility="public")

    alices = admin.get(f"{HOME}refresh/", {"scope": "namespace", "handle": "@alice"})

    preview = alices.context["preview"]
    assert (preview.scope, preview.traces, preview.others) == ("@alice", 1, {})


def test_a_preview_has_words_for_whatever_is_left_alone():
    # Who asks starts at once what else would wait or be tried again.
    never = {"due", "failed", "paused", "retrying", "waiting_for_budget"}

    assert set(Verdict.values) - set(OTHERS) == never


@pytest.mark.parametrize(
    "asked",
    [{"scope": "nonsense"}, {"scope": "namespace", "handle": "nobody"}, {"scope": "namespace"}],
)
def test_a_scope_that_is_none_is_explained(admin, asked):
    page = admin.get(f"{HOME}refresh/", asked)

    assert page.status_code == 200
    assertContains(page, "data-error-summary")
    assert "preview" not in page.context


def test_a_refresh_starts_once_and_leads_to_its_run(admin, ada, trace, model):
    first = admin.post(f"{HOME}refresh/", {"scope": "stale", "max_tokens": "5000"})
    second = admin.post(f"{HOME}refresh/", {"scope": "stale"})

    run = JobRun.objects.get()
    assert first.headers["Location"] == second.headers["Location"] == f"/staff/jobs/{run.pk}/"
    assert (run.scope, run.options, run.asked_by) == ("stale", {"max_tokens": 5000}, ada)
    assertContains(admin.get(f"{HOME}refresh/", {"scope": "stale"}), f"run {run.pk}")
    shown = admin.get(HOME)
    assertContains(shown, f'hx-get="/staff/jobs/{run.pk}/')
    assertContains(shown, 'data-dialog="cancel-run"')


@pytest.mark.parametrize(
    "sent",
    [
        {"scope": "nonsense"},
        {"scope": ""},
        {"scope": "stale", "max_tokens": "-3"},
        {"scope": "stale", "max_tokens": "9" * 20},
        {"scope": "@" + "x" * 200},
        {"scope": "a\0"},
    ],
)
def test_what_cannot_be_started_is_explained(admin, sent):
    page = admin.post(f"{HOME}refresh/", sent)

    assert page.status_code == 422
    assertContains(page, "data-error-summary", status_code=422)
    assert not JobRun.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_count_that_takes_too_long_is_a_sentence_and_the_choice_stays(
    admin, alice, model, monkeypatch
):
    monkeypatch.setattr(refreshes, "PREVIEW_SECONDS", 0.05)
    wanted = {"scope": "namespace", "handle": "@alice"}
    other = connection.copy()
    other.set_autocommit(False)
    try:
        other.cursor().execute("LOCK TABLE traces_trace")
        counted = admin.get(f"{HOME}refresh/", wanted)
        started = admin.post(f"{HOME}refresh/", {"scope": "@alice", "max_tokens": "-3"})
    finally:
        other.close()

    for page in (counted, started):
        assert page.status_code == 409
        assert "Counting the traces takes too long just now" in text(page)
        assertContains(page, "data-error-summary", 1, status_code=409)
        assertContains(page, 'value="namespace" checked', status_code=409)
        assert re.search('name="handle" value="@?alice"', text(page))
    assertContains(admin.get(f"{HOME}refresh/", wanted), "There is nothing to do.")


def test_a_run_tells_its_tally_and_what_it_waits_for(admin):
    told = {"stored": 12, "failed": 1, "tokens": 4812}
    waits = make_run(
        "summarize_traces",
        "paused",
        scope="stale",
        result=told | {"waits_for": "waiting_for_budget"},
    )
    ended = make_run(
        "summarize_traces", "succeeded", scope="all", result=told | {"stopped": "limit"}
    )

    page = text(admin.get(f"/staff/jobs/{waits.pk}/"))
    assert "paused: waiting for budget" in page
    assert "1 failed · 12 stored · 4,812 tokens" in page
    assert f"{HOME}logs/?run={waits.pk}" in page
    assert "stopped at its limit" in text(admin.get(f"/staff/jobs/{ended.pk}/"))
    for code, words in (
        ({"waits_for": "paused"}, "paused: after an error"),
        ({"stopped": "site_off"}, "stopped because: site off"),
    ):
        JobRun.objects.filter(pk=waits.pk).update(result=code)
        assert words in text(admin.get(f"/staff/jobs/{waits.pk}/"))


# --- What it costs ------------------------------------------------------------------------------


def test_the_page_is_bounded_whatever_the_number_of_traces(admin, alice, model):
    costs, sizes = [], []
    for many in (3, 60):
        now = timezone.now()
        made = Trace.objects.bulk_create(
            Trace(
                namespace=alice.namespace,
                owner_handle="alice",
                external_id=f"of-{many}-{n}",
                agent_id="codex",
                client_title="<\u202e" * 100,
                visibility="public",
                summary_due_at=now - timedelta(minutes=n),
            )
            for n in range(many)
        )
        for trace in made:
            log_of(trace, error=list(SummaryError)[trace.pk % 17])
        Trace.objects.filter(pk__in=[t.pk for t in made[::2]]).update(summary_state="failed")
        SummaryBudget.objects.create(
            day=now.date() - timedelta(days=many // 3), spent_tokens=many * 999
        )
        Namespace.objects.bulk_create(
            Namespace(handle=f"n{many}{n:02}", kind="org", ai_summary_token_cap=10**12)
            for n in range(many)
        )
        make_run("summarize_traces", "running", scope=f"@n{many}", total=50, done=20)
        coverage.count()
        summary_switches.switch_site(actor=admin_of(admin), on=many == 60, reason="<" * 300)
        with CaptureQueriesContext(connection) as queries:
            page = admin.get(HOME)
        costs.append(len(queries))
        sizes.append(len(page.content))

    assert costs[0] == costs[1] <= 10
    assert max(sizes) <= 50_000, sizes


def admin_of(client):
    from accounts.models import User

    return User.objects.get(pk=client.session["_auth_user_id"])


def test_a_site_where_nothing_was_set_costs_no_more(admin, trace):
    with CaptureQueriesContext(connection) as queries:
        admin.get(HOME)

    assert len(queries) <= 10


def test_lists_are_answered_by_their_indexes(trace):
    copy_row(
        trace,
        1,
        20_000,
        {
            "external_id": "'copy-' || n",
            "public_id": "'copy' || n",
            **dict.fromkeys(COUNTED, "0"),
            "visibility": "CASE WHEN n %% 50 = 0 THEN 'public' ELSE 'private' END",
            "exclude_from_ai": "n %% 500 = 0",
            "summary_state": "CASE WHEN n %% 200 = 50 THEN 'failed' ELSE 'idle' END",
            "summary_due_at": "now() - n * interval '1 second'",
        },
    )
    analyze(Trace, SummaryLog)
    site = read_site()

    for shown in ("due", "failed", "waiting_for_budget", "excluded_by_author"):
        with CaptureQueriesContext(connection) as queries:
            read_rows(shown, "", site)
        assert len(queries) == 1
        plan = explain(queries[0]["sql"], ())
        assert plan.blocks <= 200, (shown, plan)


def test_the_series_has_thirty_days_and_ends_today():
    days = read_dashboard().days

    assert len(days) == 30
    assert days[-1][0] == timezone.now().date()

"""What readers are told of a summary, and how its author asks for a new one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ

from accounts.models import AuditEvent
from tests.factories.accounts import organisation, sign_in
from tests.factories.traces import Uploader, session
from traces.models import SummarySettings, SummaryTrigger, Trace
from traces.services import summaries
from traces.services.summaries import Reason
from traces.summary_card import member_card
from traces.summary_effect import RELOAD

pytestmark = pytest.mark.django_db
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def uploader(alice):
    return Uploader(alice)


@pytest.fixture
def trace(model, uploader) -> Trace:
    return uploader.share("s1", session(6), visibility="public")


@pytest.fixture
def as_alice(alice, client) -> Client:
    return sign_in(client, alice)


def write(trace):
    claimed = summaries.claim(trace.pk, Reason(SummaryTrigger.BATCH), summaries.read_site())
    summaries.perform([claimed])
    trace.refresh_from_db()


def changed(trace, **columns):
    Trace.objects.filter(pk=trace.pk).update(**columns)
    trace.refresh_from_db()


def page(client, trace) -> str:
    return client.get(f"/s/{trace.public_id}").content.decode()


def mine(client, trace) -> str:
    return client.get(f"/me/traces/{trace.public_id}/").content.decode()


def address(trace) -> str:
    return f"/me/traces/{trace.public_id}/summary/"


def state(trace) -> str:
    trace.refresh_from_db()
    return member_card(trace, may_refresh=True).state


# --- What it shows --------------------------------------------------------------------------------


def test_a_visitor_reads_text_age_and_coverage_and_no_more(trace, client, uploader):
    assert 'id="summary"' not in page(client, trace)

    write(trace)
    uploader.post("s1", session(8)[6:])
    told = page(client, trace)

    assert "Asked was: Fix the rounding in totals.py" in told
    assert '<span class="seal">AI-generated</span> <span class="seal">demo model</span>' in told
    assert "over 6 of 8 messages" in told
    assert "/about/ai-summaries/" in told
    assert "refresh-summary" not in told
    assert "stale" not in told
    assert "csrfmiddlewaretoken" not in told


def test_the_title_of_a_model_is_marked_and_the_original_stands_beside_it(trace, as_alice):
    write(trace)

    for told in (page(as_alice, trace), mine(as_alice, trace)):
        assert '<abbr class="seal" title="This title was written by a model">AI</abbr>' in told
        assert "Fix the rounding bug" in told


def test_of_another_model_it_does_not_say_demo(trace, as_alice):
    write(trace)
    changed(trace, summary_model="gpt-4.1-mini")

    told = page(as_alice, trace)

    assert "demo model" not in told
    assert "by gpt-4.1-mini" in told


def test_each_state_has_its_word_and_its_reason(trace, as_alice, uploader, settings, alice):
    assert state(trace) == "none yet"
    write(trace)
    assert state(trace) == "fresh"
    uploader.post("s1", session(118)[6:])
    assert state(trace) == "stale (112 new)"
    changed(trace, summary_state="running", summary_due_at=F("created_at") + timedelta(days=1))
    assert state(trace) == "being written"
    changed(trace, summary_state="waiting")
    assert state(trace) == "waits for budget"
    changed(trace, summary_state="retrying")
    assert state(trace) == "tried again soon"
    changed(trace, summary_state="failed")
    assert state(trace) == "failed"
    assert "ask for it again" in mine(as_alice, trace)
    changed(trace, summary_state="idle", ai_summary_enabled=False)
    assert state(trace) == "off"
    assert "Summaries are off for this trace." in page(as_alice, trace)
    assert "refresh-summary" not in page(as_alice, trace)
    changed(trace, ai_summary_enabled=True)
    SummarySettings.objects.create(pk=1, is_enabled=False)
    assert "Summaries are off for the whole site." in mine(as_alice, trace)
    SummarySettings.objects.all().delete()
    settings.OPENAI_API_KEY = ""
    assert state(trace) == "off"
    assert "No model is configured here" in mine(as_alice, trace)


def test_a_short_trace_and_a_private_one_say_why_there_is_none(model, uploader, as_alice):
    short = uploader.share("short", session(3))
    private = uploader.share("private", session(6), visibility="private")

    assert state(short) == "too short"
    assert "fewer than 4 messages" in mine(as_alice, short)
    assert "never summarised" in mine(as_alice, private)
    assert "refresh-summary" not in mine(as_alice, short) + mine(as_alice, private)


def test_a_member_who_may_not_change_it_reads_and_gets_no_button(model, alice, charlie):
    acme = organisation("acme", admin=alice, member=charlie)
    trace = Uploader(alice, acme).share("s1", session(6))
    client = sign_in(Client(), charlie)

    assert "none yet" in mine(client, trace)
    assert "refresh-summary" not in mine(client, trace)
    assert client.post(address(trace)).status_code == 404


def test_hostile_text_of_a_model_stays_text(trace, as_alice):
    write(trace)
    changed(
        trace,
        ai_summary="<script>alert(1)</script>\u202e [x](javascript:alert(2))",
        ai_title="<img src=x onerror=alert(3)>",
    )

    for told in (page(as_alice, trace), page(Client(), trace), mine(as_alice, trace)):
        assert "<script>alert" not in told
        assert "<img src=x" not in told
        assert "\u202e" not in told
        assert 'href="javascript' not in told


def test_the_page_of_who_manages_it_keeps_its_bounds(trace, as_alice):
    write(trace)
    changed(trace, ai_summary="&" * 600)
    costs = {}
    for who, client in (("visitor", Client()), ("alice", as_alice)):
        with CaptureQueriesContext(connection) as queries:
            told = page(client, trace)
        costs[who] = len(queries)
        assert len(told.encode()) <= 50_000

    assert costs["visitor"] <= 6
    # Session, person, unread notices, namespaces; settings, budget and verdict.
    assert costs["alice"] <= costs["visitor"] + 8


def test_the_api_tells_the_effective_title_and_every_source_of_it(trace, uploader):
    def told():
        return uploader.get("/v1/traces/s1").json()["data"]["trace"]

    fresh = told()
    assert (fresh["aiSummary"], fresh["aiSummaryAt"], fresh["summaryGeneratedAt"]) == (None,) * 3
    assert fresh["summaryMessageCount"] == 0

    write(trace)
    data = told()

    assert (data["title"], data["titleSource"], data["clientTitle"]) == (
        trace.ai_title, "ai", "Fix the rounding bug",
    )  # fmt: skip
    assert (data["aiTitle"], data["aiSummary"]) == (trace.ai_title, trace.ai_summary)
    assert data["summaryGeneratedAt"] == data["aiSummaryAt"] > fresh["createdAt"]
    assert data["summaryMessageCount"] == 6

    changed(trace, own_title="Mine")
    data = told()

    assert (data["title"], data["titleSource"]) == ("Mine", "own")
    assert (data["userTitle"], data["aiTitle"]) == ("Mine", trace.ai_title)


# --- Asking ---------------------------------------------------------------------------------------


def test_the_button_queues_a_summary_once_in_ten_minutes(trace, as_alice, alice):
    OrmQ.objects.all().delete()

    answer = as_alice.post(address(trace), follow=True)

    assert answer.redirect_chain == [(f"/me/traces/{trace.public_id}/", 302)]
    told = answer.content.decode()
    assert "Asked for. A worker writes it within some minutes." in told
    assert state(trace) == "queued"
    assert "refresh-summary" not in told
    assert OrmQ.objects.count() == 1
    assert AuditEvent.objects.filter(verb="trace.summarize", actor=alice).count() == 1

    write(trace)
    changed(trace, summary_message_count=2)
    told = as_alice.post(address(trace), follow=True).content.decode()

    assert "A summary was asked for a moment ago; ask again after" in told
    assert OrmQ.objects.count() == 1

    changed(trace, summary_asked_at=F("summary_asked_at") - timedelta(minutes=10))
    as_alice.post(address(trace))

    assert OrmQ.objects.count() == 2


def test_the_public_page_leads_back_to_itself(trace, as_alice):
    assert '<input type="hidden" name="from" value="page">' in page(as_alice, trace)

    answer = as_alice.post(address(trace), {"from": "page"})

    assert answer.headers["Location"] == f"/s/{trace.public_id}"


def test_a_script_gets_the_card_alone_and_looks_again_until_it_is_there(trace, as_alice):
    told = as_alice.post(address(trace), headers=PARTIAL)

    card = told.content.decode()
    assert (told.status_code, card.startswith('<section id="summary"')) == (200, True)
    assert f'hx-get="{address(trace)}" hx-trigger="every 3s"' in card
    assert "queued" in card

    changed(trace, summary_asked_at=F("summary_asked_at") - timedelta(minutes=6))
    assert "every 10s" in as_alice.get(address(trace), headers=PARTIAL).content.decode()

    write(trace)
    card = as_alice.get(address(trace), headers=PARTIAL).content.decode()
    assert "hx-trigger" not in card
    assert "Asked was: Fix the rounding" in card
    assert "HX-Request" in told.headers["Vary"]


def test_the_card_looks_while_it_goes_on_by_itself_and_then_says_reload(trace, as_alice):
    def card() -> str:
        return as_alice.get(address(trace), headers=PARTIAL).content.decode()

    as_alice.post(address(trace))
    SummarySettings.objects.create(pk=1, circuit_until=timezone.now() + timedelta(minutes=5))
    assert "every 3s" in card(), "queued, and the site is paused"
    SummarySettings.objects.all().delete()

    for column, minutes in (("queued", -29), ("running", 1), ("retrying", 5), ("retrying", -1)):
        changed(
            trace,
            summary_state=column,
            summary_due_at=timezone.now() + timedelta(minutes=minutes),
        )
        assert "hx-trigger" in card(), (column, minutes)
        assert RELOAD not in card()

    for column, minutes in (("queued", -31), ("retrying", 40)):
        changed(
            trace,
            summary_state=column,
            summary_due_at=timezone.now() + timedelta(minutes=minutes),
        )
        assert "hx-trigger" not in card(), (column, minutes)
        assert RELOAD in card()

    changed(trace, summary_state="waiting", summary_due_at=timezone.now() + timedelta(minutes=1))
    assert "hx-trigger" not in card()
    assert RELOAD not in card()


def test_a_refusal_is_told_in_the_card(trace, as_alice):
    changed(trace, exclude_from_ai=True)

    told = as_alice.post(address(trace), headers=PARTIAL)

    assert told.status_code == 409
    assert "Its author keeps it from every AI." in told.content.decode()
    assert not Trace.objects.filter(summary_state="queued").exists()


def test_what_is_fresh_is_not_asked_for_again(trace, as_alice):
    write(trace)
    OrmQ.objects.all().delete()

    told = as_alice.post(address(trace), follow=True).content.decode()

    assert "Nothing new since the last summary." in told
    assert not OrmQ.objects.exists()


def test_strangers_and_staff_find_nothing(trace, charlie, mona, ada):
    for person in (charlie, mona, ada):
        client = sign_in(Client(), person)
        assert client.post(address(trace)).status_code == 404
        assert client.get(address(trace), headers=PARTIAL).status_code == 404
        assert "refresh-summary" not in page(client, trace)
    assert Client().post(address(trace)).headers["Location"].startswith("/login/")


def test_the_form_needs_its_token(trace, alice):
    client = sign_in(Client(), alice)
    client.handler.enforce_csrf_checks = True

    assert client.post(address(trace)).status_code == 403


# --- The page that explains -----------------------------------------------------------------------


def about(client) -> str:
    return client.get("/about/ai-summaries/").content.decode()


def test_the_page_says_what_goes_where_and_what_it_may_cost(model, client, settings):
    settings.OPENAI_BASE_URL, settings.SUMMARY_MODEL = "https://models.example/v1", "gpt-4.1-mini"
    SummarySettings.objects.create(pk=1, daily_token_cap=5_000, daily_micro_cap=1_500_000)

    told = about(client)

    assert "<code>models.example</code>" in told
    assert "<code>gpt-4.1-mini</code>" in told
    assert "at most 5,000 tokens and $1.50" in told
    assert "When a trace has 4 messages, and again with every 100 more" in told
    assert "nothing has changed for 10 min" in told
    assert "24,000 bytes" in told


def test_the_page_says_for_how_long_attempts_are_kept(db, client, settings):
    for days in (settings.SUMMARY_LOG_DAYS, 7):
        settings.SUMMARY_LOG_DAYS = days
        assert f"knows the call, for {days} days." in about(client)


def test_the_page_says_when_nothing_is_sent_at_all(db, client, settings, model):
    assert "stand-in on its own machine" in about(client)

    SummarySettings.objects.create(pk=1, is_enabled=False)
    assert "Off for the whole site." in about(client)

    settings.OPENAI_API_KEY = ""
    told = about(client)
    assert "No model is configured here." in told
    assert "127.0.0.1" not in told

"""`/metrics`: the numbers are those of the database, and nobody reads them without the token."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ
from django_q.tasks import async_task
from prometheus_client.parser import text_string_to_metric_families

from jobs.models import ClusterBeat, JobRun, RunState, Trigger
from skills.models import EventKind, StatEvent
from tests.factories.accounts import sign_in
from tests.factories.traces import Uploader, session
from traces.models import SummarySettings, SummaryTrigger, Trace
from traces.services import budget, summaries
from traces.services.summaries import Reason

pytestmark = pytest.mark.django_db
TOKEN = "an-invented-token-of-a-scraper"
STATEMENTS = 12


@pytest.fixture(autouse=True)
def token(settings):
    settings.METRICS_TOKEN = TOKEN


def scrape(client) -> dict[tuple[str, ...], float]:
    answer = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert "no-store" in answer.headers["Cache-Control"]
    return {
        (sample.name.removeprefix("skillboard_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


# --- Who reads them -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN}x",
        "Bearer é",
    ],
)
def test_without_the_token_there_is_no_such_page(client, header):
    answer = client.get("/metrics", headers={"authorization": header} if header else {})

    assert answer.status_code == 404
    assert b"skillboard_" not in answer.content


def test_without_a_token_set_there_is_no_such_page_for_anybody(client, ada, settings):
    settings.METRICS_TOKEN = ""
    sign_in(client, ada)

    for header in ({}, {"authorization": "Bearer "}, {"authorization": f"Bearer {TOKEN}"}):
        assert client.get("/metrics", headers=header).status_code == 404


def test_it_is_only_read(client):
    header = {"authorization": f"Bearer {TOKEN}"}

    assert client.post("/metrics", headers=header).status_code == 405
    assert client.head("/metrics", headers=header).status_code == 200
    assert client.post("/metrics").status_code == 404


# --- What they are --------------------------------------------------------------------------------


def test_an_empty_site_tells_zeros_in_few_statements(client):
    with CaptureQueriesContext(connection) as queries:
        told = scrape(client)

    assert len(queries) <= STATEMENTS
    for name in ("skillboard", "fold", "ai"):
        assert told["queue_ready_tasks", name] == told["queue_oldest_ready_seconds", name] == 0
    assert told["job_lag_seconds", "fold_events"] == 0
    assert told["summary_tokens_today", "cap"] == 1_200_000
    assert told["summary_micro_dollars_today", "cap"] == 2_000_000
    assert told["summary_enabled",] == told["summary_circuit_open",] == 0


def test_each_queue_tells_what_waits_and_who_serves_it(client):
    for _ in range(3):
        async_task("jobs.tasks.run_scheduled", "recover_runs", cluster="ai")
    async_task("jobs.tasks.run_scheduled", "recover_runs")
    now = timezone.now()
    OrmQ.objects.filter(key="ai").update(lock=now - timedelta(minutes=7))
    # Taken by a worker: its lock lies ahead.
    OrmQ.objects.filter(key="skillboard").update(lock=now + timedelta(minutes=5))
    beat = {"queue": "ai", "host": "h", "pid": 1, "started_at": now}
    ClusterBeat.objects.create(name="ai-1@h", beat_at=now, **beat)
    ClusterBeat.objects.create(name="ai-2@h", beat_at=now - timedelta(hours=1), **beat)

    told = scrape(client)

    assert told["queue_ready_tasks", "ai"] == 3
    assert 420 <= told["queue_oldest_ready_seconds", "ai"] < 480
    assert (told["queue_ready_tasks", "skillboard"], told["queue_ready_tasks", "fold"]) == (0, 0)
    assert (told["queue_clusters_alive", "ai"], told["queue_clusters_alive", "fold"]) == (1, 0)


def test_the_fold_tells_its_lag(client, publish):
    skill = publish().skill
    StatEvent.objects.all().delete()
    moment = timezone.now() - timedelta(minutes=3)
    StatEvent.objects.create(skill_id=skill.pk, kind=EventKind.DOWNLOAD, occurred_at=moment)

    told = scrape(client)

    assert told["job_backlog", "fold_events"] == 1
    assert 180 <= told["job_lag_seconds", "fold_events"] < 240


def test_the_last_check_tells_its_drift(client):
    began = timezone.now() - timedelta(hours=5)
    for state, rows in ((RunState.SUCCEEDED, 4), (RunState.FAILED, 9)):
        JobRun.objects.create(
            kind="check_derived_fields",
            trigger=Trigger.SCHEDULE,
            state=state,
            started_at=began,
            result={"drift": {"skills.Skill.badges": {"rows": rows}}},
        )

    told = scrape(client)

    assert told["drift_rows", "check_derived_fields"] == 4
    assert told["drift_checked_timestamp_seconds", "check_derived_fields"] == pytest.approx(
        began.timestamp(), abs=1
    )
    assert ("drift_rows", "recount_statistics") not in told


def test_summaries_tell_cost_outcomes_and_the_oldest_due(client, model, alice):
    uploader = Uploader(alice)
    first, second = (uploader.share(name, session(6)) for name in ("s1", "s2"))
    for trace, fault in ((first, ""), (second, "error")):
        model.script = lambda _n, fault=fault: fault
        claimed = summaries.claim(trace.pk, Reason(SummaryTrigger.BATCH), summaries.read_site())
        summaries.perform([claimed])
    Trace.objects.filter(pk=second.pk).update(summary_due_at=timezone.now() - timedelta(hours=2))

    told = scrape(client)

    spent = budget.standing(budget.today(), None, budget.Cap(None, None)).spent
    assert told["summary_tokens_today", "spent"] == spent.tokens > 0
    assert told["summary_micro_dollars_today", "spent"] == spent.micros > 0
    assert told["summary_tokens_today", "reserved"] == 0
    assert told["summary_attempts_24h", "", "stored"] == 1
    assert told["summary_attempts_24h", "server_error", "failed"] == 1
    assert told["summary_enabled",] == 1
    assert 7_200 <= told["summary_oldest_due_seconds",] < 7_260


def test_a_pause_and_an_off_are_told(client, model, alice):
    Uploader(alice).share("s1", session(6))
    Trace.objects.update(summary_due_at=timezone.now() - timedelta(hours=2))
    SummarySettings.objects.create(pk=1, circuit_until=timezone.now() + timedelta(minutes=9))

    assert scrape(client)["summary_circuit_open",] == 1

    SummarySettings.objects.update(is_enabled=False, circuit_until=timezone.now())
    told = scrape(client)

    assert told["summary_circuit_open",] == told["summary_enabled",] == 0
    assert told["summary_oldest_due_seconds",] == 0

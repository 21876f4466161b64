"""One run: live while it runs, stopped by people, told aloud in quarters."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from accounts.models import AuditEvent
from jobs import services
from jobs.models import JobRun
from tests.factories.accounts import sign_in
from tests.factories.jobs import make_run
from tests.jobs.test_views_jobs import HOSTILE, HTMX, POLLS

pytestmark = pytest.mark.django_db

ACTS = ("pause", "resume", "cancel")


@pytest.fixture
def admin(client, ada) -> Client:
    return sign_in(client, ada)


def rebuild(state: str = "running", **told) -> JobRun:
    told.setdefault("scope", "skills.Skill.version_count")
    return make_run("refresh_derived", state, **told)


def address(run: JobRun, act: str = "") -> str:
    return f"/staff/jobs/{run.pk}/" + (f"{act}/" if act else "")


# --- What it says -------------------------------------------------------------------------------


def test_a_run_shows_how_far_it_is(admin, ada):
    run = rebuild(done=1_240, total=9_800, cursor=1_240, asked_by=ada)

    response = admin.get(address(run))

    assertContains(response, "1,240 of 9,800 · 12.6 % · about 1 min left")
    assertContains(response, "<progress")
    assertContains(response, "124 a second")
    assertContains(response, "skills.Skill.version_count")
    assertContains(response, "ada")


def test_a_failed_run_shows_its_whole_error(admin):
    run = rebuild("failed", error="Traceback\n  File x\nValueError: the reason")

    response = admin.get(address(run))

    assertContains(response, "Traceback\n  File x\nValueError: the reason")
    assertNotContains(response, POLLS)


def test_a_dead_worker_is_told(admin):
    run = rebuild(lease_until=timezone.now() - timedelta(minutes=1))

    assertContains(admin.get(address(run)), "no sign of life")


def test_hostile_cursors_and_results_stay_text(admin):
    cursor = {HOSTILE: HOSTILE}
    for run in (
        rebuild(cursor=cursor),
        rebuild("succeeded", result={HOSTILE: HOSTILE, "b": [HOSTILE]}, cursor=[cursor] * 99),
        make_run("a job that is gone", "failed", error=HOSTILE, scope=HOSTILE),
    ):
        response = admin.get(address(run))
        assertNotContains(response, "<script>alert")
        assert len(response.content) <= 50_000


# --- Polling ------------------------------------------------------------------------------------


def test_a_running_run_is_polled_by_a_small_answer(admin):
    run = rebuild(done=123_456, total=987_654, cursor=123_456_789, attempts=2)

    response = admin.get(address(run), headers=HTMX)

    assertContains(response, 'hx-trigger="every 2s"')
    assertNotContains(response, "<html")
    assert len(response.content) <= 1_500


@pytest.mark.parametrize("state", ["paused", "succeeded", "failed", "cancelled"])
def test_polling_ends_when_nothing_more_happens(admin, state):
    assertNotContains(admin.get(address(rebuild(state)), headers=HTMX), POLLS)


def test_a_long_run_is_polled_less_often(admin):
    run = rebuild(started_at=timezone.now() - timedelta(minutes=6))

    assertContains(admin.get(address(run), headers=HTMX), 'hx-trigger="every 10s"')


@pytest.mark.parametrize(
    ("told", "done", "sentence", "next_told"),
    [
        ("0", 24, None, 0),
        ("0", 25, "25 % done", 25),
        ("25", 49, None, 25),
        ("25", 80, "75 % done", 75),
        ("75", 100, "100 % done", 100),
        ("nonsense", 30, "25 % done", 25),
        ("99", 30, "25 % done", 25),
    ],
)
def test_progress_is_read_aloud_once_a_quarter(admin, told, done, sentence, next_told):
    run = rebuild(done=done, total=100)

    response = admin.get(f"{address(run)}?told={told}", headers=HTMX)

    assertContains(response, f"?told={next_told}")
    if sentence is None:
        assertNotContains(response, 'id="live"')
    else:
        assertContains(response, f"Rebuild a denormalised field: {sentence}.")


def test_a_failure_is_read_aloud_and_a_page_load_is_not(admin):
    run = rebuild("failed", error="Traceback\nValueError: the reason")

    assertContains(admin.get(f"{address(run)}?told=25", headers=HTMX), "failed. ValueError")
    assertNotContains(admin.get(address(run)), 'hx-swap-oob="innerHTML"')


# --- Who may, and what it does ------------------------------------------------------------------


@pytest.mark.parametrize("act", ACTS)
def test_moderators_read_and_do_not_act(mona, charlie, act):
    run = rebuild()
    moderator, stranger = sign_in(Client(), mona), sign_in(Client(), charlie)

    page = moderator.get(address(run))

    assertNotContains(page, "formaction")
    assert moderator.post(address(run, act)).status_code == 404
    assert stranger.get(address(run)).status_code == 404
    assert stranger.post(address(run, act)).status_code == 404
    run.refresh_from_db()
    assert (run.state, run.wish) == ("running", "")


def test_without_a_script_every_act_leads_back_to_the_run(admin):
    run = rebuild("queued")
    states = []

    for act in ("pause", "resume", "pause", "cancel"):
        response = admin.post(address(run, act))
        assert response.url == address(run)
        run.refresh_from_db()
        states.append(run.state)

    assert states == ["paused", "queued", "paused", "cancelled"]
    assertContains(admin.get(address(run)), "what is done stays")
    verbs = (
        AuditEvent.objects.filter(verb__startswith="job.")
        .order_by("pk")
        .values_list("verb", flat=True)
    )
    assert list(verbs) == ["job.pause", "job.resume", "job.pause", "job.cancel"]


def test_a_running_run_is_asked_to_stop_and_says_so(admin):
    run = rebuild()

    response = admin.post(address(run, "pause"), headers=HTMX)

    run.refresh_from_db()
    assert (run.state, run.wish) == ("running", "pause")
    assertContains(response, "pausing")
    assertContains(response, "It stops after its batch.")
    assertContains(response, POLLS)


@pytest.mark.parametrize("act", ACTS)
def test_a_run_that_ended_is_left_alone(admin, act):
    run = rebuild("succeeded")

    for headers, status in ((HTMX, 409), ({}, 302)):
        assert admin.post(address(run, act), headers=headers).status_code == status

    assertContains(admin.get(address(run)), "already ended")
    assert not AuditEvent.objects.filter(verb__startswith="job.").exists()


def test_cancelling_asks_first(admin):
    run = rebuild(done=5, total=9)

    assertContains(admin.get(address(run, "cancel")), "What is done stays done")
    assertContains(admin.get(address(run)), 'data-dialog="cancel-run"')
    run.refresh_from_db()
    assert run.wish == ""
    assertContains(admin.get(address(rebuild("failed"), "cancel")), "nothing to cancel")


@pytest.mark.parametrize("number", ["0", "999999", "9" * 40])
def test_a_run_that_does_not_exist_is_not_found(admin, number):
    for path in ("", "pause/", "cancel/"):
        assert admin.get(f"/staff/jobs/{number}/{path}").status_code in {404, 405}
        assert admin.post(f"/staff/jobs/{number}/{path}").status_code in {404, 405}


def test_a_rebuild_goes_from_the_form_to_its_result(admin, publish):
    publish()
    field = {"field": "skills.Skill.version_count"}
    page = admin.post("/staff/jobs/rebuild/", field, follow=True)
    run = JobRun.objects.get()
    assertContains(page, "queued as run")

    services.execute_run(run.pk)

    response = admin.get(address(run))
    assertContains(response, "succeeded")
    assertContains(response, "1 rows")

"""The job room: what it says, who may see it, who may act."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from pytest_django.asserts import assertContains, assertNotContains

from accounts.models import AuditEvent
from jobs.models import JobRun
from jobs.schedules import JOBS
from tests.factories.accounts import sign_in
from tests.factories.jobs import all_is_well, make_beat, make_run

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}
PAGES = ("/staff/", "/staff/jobs/", "/staff/jobs/fold_events/")
POLLS = "hx-trigger"
HOSTILE = "<script>alert('\u202e')</script>"


@pytest.fixture
def admin(client, ada) -> Client:
    return sign_in(client, ada)


@pytest.fixture
def moderator(mona) -> Client:
    return sign_in(Client(), mona)


# --- Who may ------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", PAGES)
def test_moderators_read_and_nothing_is_stored(moderator, address):
    response = moderator.get(address)

    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    assert "HX-Request" in response.headers["Vary"]
    assertContains(response, 'class="env"')
    assertNotContains(response, '<button class="button tiny" id="start-')


@pytest.mark.parametrize("address", [*PAGES, "/staff/jobs/copy_totals/start/"])
def test_for_strangers_it_is_not_there(client, charlie, address):
    for stranger in (client, sign_in(Client(), charlie)):
        assert stranger.get(address).status_code == 404
        assert stranger.post(address).status_code == 404


@pytest.mark.parametrize("act", ["copy_totals/start", "copy_totals/pause", "rebuild"])
def test_a_moderator_does_not_act(moderator, act):
    response = moderator.post(f"/staff/jobs/{act}/", {"field": "skills.Skill.tags"})

    assert response.status_code == 404
    assert not JobRun.objects.exists()
    assert not Schedule.objects.filter(repeats=0).exists()


def test_a_link_changes_nothing(admin):
    assert admin.get("/staff/jobs/copy_totals/start/").status_code == 405
    assert admin.get("/staff/jobs/copy_totals/pause/").status_code == 405
    assert admin.get("/staff/jobs/rebuild/").status_code == 405


def test_only_staff_see_the_way_in(admin, charlie):
    assertContains(admin.get("/skills/"), 'href="/staff/"')
    assertNotContains(sign_in(Client(), charlie).get("/skills/"), 'href="/staff/"')


# --- What it says -------------------------------------------------------------------------------


def test_every_job_is_listed_with_its_schedule(admin):
    all_is_well()

    response = admin.get("/staff/jobs/")

    for job in JOBS:
        assertContains(response, job.title)
        assertContains(response, job.when)
    assertContains(response, "daily at 03:10 UTC")
    assertNotContains(response, "No worker")


def test_a_room_without_a_worker_says_what_to_do(admin):
    response = admin.get("/staff/jobs/")

    assertContains(response, 'data-status="no worker"', count=len(JOBS))
    assertContains(response, "manage.py worker")


def test_a_silent_worker_is_told_from_an_idle_one(admin):
    all_is_well()
    make_beat("fold", seconds_ago=31, name="fold-2")

    response = admin.get("/staff/jobs/")

    assertContains(response, 'data-status="no worker"', count=1)
    assertContains(response, "31 s ago")
    assertContains(response, 'data-status="idle"')


def test_work_nobody_picks_up_is_told_loudly(admin):
    all_is_well()
    run = make_run("copy_totals", created_at=timezone.now() - timedelta(seconds=31))

    for address in ("/staff/", "/staff/jobs/", f"/staff/jobs/{run.pk}/"):
        assertContains(admin.get(address), 'role="alert"')


def test_a_run_resumed_a_moment_ago_is_not_called_forgotten(admin, ada):
    all_is_well()
    run = make_run("copy_totals", "paused", created_at=timezone.now() - timedelta(days=1))

    admin.post(f"/staff/jobs/{run.pk}/resume/")

    assertNotContains(admin.get("/staff/jobs/"), "Not picked up")


def test_events_that_wait_are_counted_up_to_a_limit(admin, monkeypatch):
    from skills import jobs
    from skills.models import StatEvent

    StatEvent.objects.bulk_create(StatEvent(skill_id=1, kind=0) for _ in range(7))
    assertContains(admin.get("/staff/jobs/"), "<span>7<span")
    monkeypatch.setattr(jobs, "COUNTED_EVENTS", 5)

    assertContains(admin.get("/staff/jobs/"), "≈ 5+")


def test_drift_is_shown_as_stored_and_counted(admin):
    make_run(
        "recount_statistics",
        "succeeded",
        result={
            "skills_drift": {"7": {"downloads": {"stored": 1009, "counted": 1010}}},
            "site_drift": {},
        },
    )
    make_run("check_derived_fields", "succeeded", result={"drift": {}})

    response = admin.get("/staff/jobs/")

    assertContains(response, "1 row differs and was repaired")
    assertContains(response, "1,009")
    assertContains(response, "1,010")
    assertContains(response, "0 rows differ,")


def test_hostile_errors_scopes_and_reasons_stay_text(admin):
    make_beat(last_restart_reason=HOSTILE)
    make_run("copy_totals", "failed", error=f"Traceback\n{HOSTILE}")
    failed = make_run("refresh_derived", "failed", scope=HOSTILE, error=HOSTILE * 50)
    running = make_run(
        "refresh_derived", "running", scope=HOSTILE, cursor={HOSTILE: [HOSTILE] * 99}
    )

    for address in (*PAGES, f"/staff/jobs/{failed.pk}/", f"/staff/jobs/{running.pk}/"):
        assertNotContains(admin.get(address), "<script>alert")


@pytest.mark.parametrize("character", ["<", "'", "\u202e", "a\u202e", "😀"])
def test_a_room_full_of_failures_stays_small(admin, character):
    for job in JOBS:
        make_run(job.name, "failed", error=(character * 4_000)[:4_000])
    result = {"skills_drift": {str(n): {"downloads": {"stored": n}} for n in range(5_000)}}
    make_run("recount_statistics", "succeeded", result=result)

    for address in PAGES:
        assert len(admin.get(address).content) <= 50_000, address


def test_the_end_of_an_ordinary_error_is_shown_whole(admin):
    error = "".join(f'  File "/srv/jobs/step.py", line {n}\n' for n in range(40)) + "ValueError: no"
    make_run("copy_totals", "failed", error=error)

    page = unescape(admin.get("/staff/jobs/").content.decode())

    assert f">{error[-300:]}</pre>" in page
    assert error[-301:] not in page


def test_of_a_long_hostile_error_the_end_is_shown(admin):
    make_run("copy_totals", "failed", error=f"{'<' * 4_000}the cause")

    assertContains(admin.get("/staff/jobs/"), "&lt;the cause</pre>")


# --- Polling ------------------------------------------------------------------------------------


def test_the_page_looks_again_often_while_something_runs_and_seldom_else(admin):
    all_is_well()
    assertContains(admin.get("/staff/jobs/"), 'hx-trigger="every 10s"')
    run = make_run("copy_totals", "running")

    part = admin.get("/staff/jobs/", headers=HTMX)

    assertContains(part, 'hx-trigger="every 2s"')
    assertNotContains(part, "<html")
    JobRun.objects.filter(pk=run.pk).update(state="paused", lease_until=None)
    assertContains(admin.get("/staff/jobs/", headers=HTMX), 'hx-trigger="every 10s"')


def test_a_run_without_a_sign_of_life_is_told_before_its_lease_ends(admin):
    all_is_well()
    run = make_run("copy_totals", "running")
    assertNotContains(admin.get("/staff/jobs/"), "No sign of life")
    silent_since = timezone.now() - timedelta(seconds=31)
    JobRun.objects.filter(pk=run.pk).update(heartbeat_at=silent_since)

    for address in ("/staff/", "/staff/jobs/", f"/staff/jobs/{run.pk}/"):
        assertContains(admin.get(address), "No sign of life")


# --- What admins do -----------------------------------------------------------------------------


def test_run_now_twice_is_one_run(admin):
    first = admin.post("/staff/jobs/copy_totals/start/")
    second = admin.post("/staff/jobs/copy_totals/start/", headers=HTMX)

    run = JobRun.objects.get()
    assert first.url == f"/staff/jobs/{run.pk}/"
    assertContains(second, f"already under way as run {run.pk}")
    assertContains(second, 'hx-swap-oob="true"')
    assert run.asked_by.handle == "ada"
    assert OrmQ.objects.count() == 1
    assert AuditEvent.objects.filter(verb="job.run").count() == 1


def test_a_schedule_is_paused_once_and_resumed_once(admin):
    for act in ("pause", "pause", "resume", "resume"):
        assert admin.post(f"/staff/jobs/copy_totals/{act}/").url == "/staff/jobs/"

    assert Schedule.objects.get(name="copy_totals").repeats == -1
    told = AuditEvent.objects.filter(verb="job.schedule").order_by("pk")
    assert [event.after["paused"] for event in told] == [True, False]


def test_a_paused_schedule_says_so(admin):
    make_beat()

    response = admin.post("/staff/jobs/copy_totals/pause/", headers=HTMX)

    assertContains(response, 'data-status="paused"', count=1)
    assertContains(response, "/staff/jobs/copy_totals/resume/")


def test_a_rebuild_is_started_once_and_linked(admin):
    field = {"field": "skills.Skill.version_count"}

    first = admin.post("/staff/jobs/rebuild/", field)
    second = admin.post("/staff/jobs/rebuild/", field, follow=True)

    run = JobRun.objects.get(scope=field["field"])
    assert first.url == f"/staff/jobs/{run.pk}/"
    assertContains(second, "already under way")
    assertContains(admin.get("/staff/jobs/"), "is being rebuilt")


@pytest.mark.parametrize("field", ["", "skills.Skill.nothing", "x" * 5_000, "a\0b"])
def test_an_unknown_field_is_refused_on_the_page(admin, field):
    response = admin.post("/staff/jobs/rebuild/", {"field": field})

    assertContains(response, "Not saved.", status_code=422)
    assert not JobRun.objects.exists()


def test_a_job_that_needs_a_field_is_not_run_without(admin):
    assert admin.post("/staff/jobs/refresh_derived/start/").status_code == 302
    assert not JobRun.objects.exists()


@pytest.mark.parametrize(
    "address", ["nothing/", "nothing/start/", "nothing/pause/", "9" * 30 + "/"]
)
def test_what_does_not_exist_is_not_found(admin, address):
    assert admin.get(f"/staff/jobs/{address}").status_code in {404, 405}
    assert admin.post(f"/staff/jobs/{address}").status_code in {404, 405}


# --- History ------------------------------------------------------------------------------------


def test_the_history_goes_on_from_its_last_row(admin, ada):
    for number in range(30):
        make_run("copy_totals", "succeeded", result={"skills": number}, asked_by=ada)

    first = admin.get("/staff/jobs/copy_totals/")
    rest = admin.get(f"/staff/jobs/copy_totals/?after={first.context['older']}")

    assert [p.run.result["skills"] for p in first.context["runs"]] == list(range(29, 4, -1))
    assert [p.run.result["skills"] for p in rest.context["runs"]] == list(range(4, -1, -1))
    assertContains(first, "29 skills")
    assertContains(rest, "Newest runs")


def test_a_bad_cursor_shows_the_newest_runs(admin):
    make_run("copy_totals", "succeeded")

    response = admin.get("/staff/jobs/copy_totals/?after=nonsense")

    assertContains(response, "cannot be found")
    assert len(response.context["runs"]) == 1

"""The job room in a browser: run now, watch, pause and resume; and it passes axe."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from jobs import services
from jobs.models import JobRun
from tests.browser.axe import broken_in_a_scheme
from tests.browser.conftest import DESKTOP, PHONE
from tests.factories.accounts import password_of
from tests.factories.jobs import all_is_well, make_beat, make_run

pytestmark = pytest.mark.django_db(transaction=True)

TRACEBACK = "Traceback (most recent call last):\n  File jobs/upkeep.py\nValueError: no such row"


def enter(site: str, page, person) -> None:
    page.goto(f"{site}/login/")
    page.get_by_label("Name").fill(person.handle)
    page.get_by_label("Password").fill(password_of(person))
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#account-menu")).to_be_visible()


def fill_room(ada) -> JobRun:
    """A room with something of everything; returns the run that is under way."""
    now = timezone.now()
    all_is_well()
    make_beat("fold", 95, name="fold-2", restarts=2, last_restart_reason="no progress for 90 s")
    make_run("copy_totals", "failed", error=TRACEBACK)
    make_run("sweep_blobs", "queued", created_at=now - timedelta(seconds=50))
    drift = {"skills_drift": {"7": {"downloads": {"stored": 1009, "counted": 1010}}}}
    make_run("recount_statistics", "succeeded", result=drift | {"site_drift": {}})
    return make_run(
        "refresh_derived",
        "running",
        scope="skills.Skill.version_count",
        started_at=now - timedelta(seconds=30),
        done=1_240,
        total=9_800,
        cursor=1_240,
        asked_by=ada,
    )


def test_run_now_is_followed_to_its_end(site, page, ada):
    all_is_well()
    enter(site, page, ada)
    page.goto(f"{site}/staff/jobs/")
    row = page.locator("#job-prune_records")

    row.get_by_role("button", name="Run now").click()

    expect(page.locator("#toast")).to_contain_text("queued as run")
    link = row.get_by_role("link", name=re.compile("Run [0-9]+"))
    expect(row.get_by_role("button", name="Run now")).to_be_focused()
    link.click()
    expect(page.locator("#run .badge")).to_have_text("queued")
    services.execute_run(JobRun.objects.get(kind="prune_records", state="queued").pk)
    expect(page.locator("#run .badge")).to_have_text("succeeded")
    expect(page.locator("#run")).to_contain_text("0 runs")
    expect(page.locator("#live")).to_contain_text("100 % done")
    expect(page.locator("#run[hx-trigger]")).to_have_count(0)


def test_a_run_is_paused_and_resumed_and_its_progress_read_aloud(site, page, ada):
    run = fill_room(ada)
    enter(site, page, ada)
    page.goto(f"{site}/staff/jobs/{run.pk}/")
    expect(page.locator("progress")).to_be_visible()

    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#run .badge")).to_have_text("pausing")
    expect(page.locator("#toast")).to_contain_text("stops after its batch")
    JobRun.objects.filter(pk=run.pk).update(state="paused", wish="", lease_until=None, done=5_000)
    expect(page.locator("#run .badge")).to_have_text("paused")
    expect(page.locator("#live")).to_contain_text("50 % done")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#run .badge")).to_have_text("queued")
    expect(page.get_by_role("button", name="Pause")).to_be_focused()

    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_contain_text("What is done stays done")
    page.get_by_role("button", name="Cancel run").click()
    expect(page.locator("#run .badge")).to_have_text("cancelled")


def test_the_room_lives_and_keeps_an_error_open(site, page, ada):
    run = fill_room(ada)
    enter(site, page, ada)
    page.goto(f"{site}/staff/jobs/")
    page.locator("#error-copy_totals summary").click()
    row = page.locator("#job-refresh_derived")
    expect(row.locator(".badge")).to_have_text("running")

    JobRun.objects.active().update(state="succeeded", lease_until=None, finished_at=timezone.now())

    expect(row.locator(".badge")).to_have_text("idle")
    expect(page.locator("#error-copy_totals pre")).to_be_visible()
    expect(page.locator("#jobs[hx-trigger='every 10s']")).to_have_count(1)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2_500)
    assert (asked, run.pk > 0) == ([], True)
    # Seldom is not never: a worker may die while nothing runs.
    for _ in range(2):
        with page.expect_request("**/staff/jobs/", timeout=15_000):
            pass


def test_without_javascript_the_same_works(site, browser, ada):
    all_is_well()
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    enter(site, page, ada)
    page.goto(f"{site}/staff/jobs/")

    page.locator("#start-prune_records").click()
    expect(page.locator("#run .badge")).to_have_text("queued")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#run .badge")).to_have_text("paused")
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("button", name="Cancel run").click()
    expect(page.locator("#run .badge")).to_have_text("cancelled")
    context.close()


@pytest.mark.slow
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_staff_page_breaks_a_rule_of_axe(site, page, ada, size):
    run = fill_room(ada)
    failed = JobRun.objects.get(state="failed")
    enter(site, page, ada)
    page.set_viewport_size(size)
    faults = {}
    addresses = {
        "home": "/staff/",
        "jobs": "/staff/jobs/",
        "history": "/staff/jobs/copy_totals/",
        "run": f"/staff/jobs/{run.pk}/",
        "failed": f"/staff/jobs/{failed.pk}/",
        "cancel": f"/staff/jobs/{run.pk}/cancel/",
        "database": "/staff/database/",
        "reset": "/staff/database/reset/",
    }

    for name, address in addresses.items():
        assert page.goto(f"{site}{address}").status == 200, name
        for scheme, told in broken_in_a_scheme(page).items():
            faults[f"{name}, {scheme}"] = told
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{name} scrolls sideways: {width}"

    assert faults == {}

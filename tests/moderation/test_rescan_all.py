"""Rescanning everything: asked for once each, counted without a word written, by page and command."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.test import Client
from django.utils import timezone
from pytest_django.asserts import assertContains

from accounts.models import AuditEvent
from jobs.models import JobRun, RunState, Wish
from jobs.schedules import DRY_RUN
from jobs.services import cancel_run, execute_run, pause_run, resume_run, start_run
from moderation.models import Scan
from moderation.services import scans
from skills.models import SkillVersion
from tests.factories.accounts import sign_in
from tests.factories.scans import CLEAN, SUSPICIOUS, scan_all, stands

pytestmark = pytest.mark.django_db


@pytest.fixture
def four(publish):
    """Three versions with a result, one withdrawn."""
    made = [publish(f"skill-{n}", CLEAN).version for n in range(3)]
    publish("gone", SUSPICIOUS)
    scan_all()
    SkillVersion.objects.filter(skill__slug="gone").update(withdrawn_at=timezone.now())
    return made


def run(scope: str = "") -> JobRun:
    done = execute_run(start_run(kind="rescan_all", scope=scope).run.pk)
    assert done is not None
    assert done.state == RunState.SUCCEEDED, done.error
    return done


def test_every_version_is_asked_for_once_and_keeps_its_state(four):
    scans.request_scans([four[0].pk])

    done = run()

    assert done.result == {"asked_for": 2, "waiting_already": 1}
    assert (done.done, done.total) == (3, 3)
    waiting = Scan.objects.unfinished().values_list("version", flat=True)
    assert sorted(waiting) == sorted(version.pk for version in four)
    assert stands(four[0].skill)[1] == "scanner.static.clean"
    assert run().result == {"asked_for": 0, "waiting_already": 3}
    assert scan_all() == {"clean": 3}


def test_a_dry_run_counts_and_writes_nothing(four):
    before = Scan.objects.count()

    done = run(DRY_RUN)

    assert done.result == {"to_be_scanned": 3, "waiting_already": 0}
    assert Scan.objects.count() == before


def test_it_pauses_goes_on_at_its_place_and_is_cancelled(four, ada, monkeypatch):
    monkeypatch.setattr(scans, "BATCH", 1)
    monkeypatch.setattr("jobs.progress.WRITE_SECONDS", 0)
    started = start_run(kind="rescan_all").run

    def pause(run: JobRun) -> None:
        if run.done == 1:
            pause_run(run=run, actor=ada)

    paused = execute_run(started.pk, on_advance=pause)
    assert paused.state == RunState.PAUSED
    assert 0 < Scan.objects.unfinished().count() < 3

    resume_run(run=paused, actor=ada)
    ended = execute_run(started.pk)
    assert (ended.state, ended.done) == (RunState.SUCCEEDED, 3)
    assert Scan.objects.unfinished().count() == 3

    queued = start_run(kind="rescan_all").run
    assert cancel_run(run=queued, actor=ada).state == RunState.CANCELLED
    assert JobRun.objects.get(pk=queued.pk).wish != Wish.PAUSE


# --- Starting it ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("act", "scope"), [("start", ""), ("dry-run", DRY_RUN)])
def test_an_admin_starts_it_from_the_job_room(client, ada, act, scope):
    admin = sign_in(client, ada)

    page = admin.get("/staff/jobs/")
    response = admin.post(f"/staff/jobs/rescan_all/{act}/")

    assertContains(page, f'formaction="/staff/jobs/rescan_all/{act}/"')
    started = JobRun.objects.get()
    assert (started.kind, started.scope, started.asked_by) == ("rescan_all", scope, ada)
    assert response.headers["Location"] == f"/staff/jobs/{started.pk}/"
    assert AuditEvent.objects.filter(verb="job.run", actor=ada).count() == 1


def test_a_dry_run_goes_beside_the_real_one(client, ada):
    admin = sign_in(client, ada)
    for act in ("start", "dry-run", "start"):
        admin.post(f"/staff/jobs/rescan_all/{act}/")

    assert sorted(JobRun.objects.values_list("scope", flat=True)) == ["", DRY_RUN]


def test_other_jobs_have_no_dry_run_and_moderators_start_none(client, ada, mona):
    assert sign_in(client, ada).post("/staff/jobs/copy_totals/dry-run/").status_code == 404
    moderator = sign_in(Client(), mona)
    assert moderator.post("/staff/jobs/rescan_all/dry-run/").status_code == 404
    assert not JobRun.objects.exists()


def test_the_command_runs_it_and_counts(four, capsys):
    call_command("run_job", "rescan_all", "--dry-run")
    assert "3 to be scanned" in capsys.readouterr().out
    call_command("run_job", "rescan_all")
    assert "3 asked for" in capsys.readouterr().out
    with pytest.raises(CommandError, match="has no --dry-run"):
        call_command("run_job", "copy_totals", "--dry-run")


# --- What comes first -----------------------------------------------------------------------------


def order() -> list[str]:
    """Take up all that waits; return the skills in that order."""
    found = []
    while scan := scans.claim_scan():
        found.append(scan.version.skill.slug)
    return found


def test_a_publish_and_a_rescan_of_one_stand_before_the_rescan_of_all(four, publish, ada):
    run()
    publish("fresh", CLEAN)
    scans.queue_new_versions()
    assert not scans.request_rescan(version=four[2], actor=ada)
    Scan.objects.update(due_at=F("requested_at"))
    rows = {s.version.skill.slug: s for s in Scan.objects.unfinished()}
    ahead = {slug: Scan.objects.ahead_of(scan).count() for slug, scan in rows.items()}

    assert order() == ["skill-2", "fresh", "skill-0", "skill-1"]
    assert ahead == {"skill-2": 0, "fresh": 1, "skill-0": 2, "skill-1": 3}


def test_a_version_that_no_scan_has_seen_stands_first_though_all_are_asked_for(four, publish):
    publish("fresh", CLEAN)

    run()

    assert order()[0] == "fresh"


def test_what_other_rules_saw_stands_behind_a_publish(four, publish):
    Scan.objects.update(rules_version="old")
    scans.queue_outdated(0)
    publish("fresh", CLEAN)
    scans.queue_new_versions()

    assert order()[0] == "fresh"

"""A reason that says other than its latest scan is brought back in line by a job."""

from __future__ import annotations

import time
from threading import Event

import pytest
from django.db import transaction

from jobs.models import RunState
from jobs.services import execute_run, start_run
from skills import standing
from skills.models import HoldKind, ScanState, Skill
from skills.scan_results import record_scan
from skills.standing import of_skill, settle_outdated
from tests.config.rivals import at_once
from tests.factories.scans import CLEAN, MALICIOUS, SUSPICIOUS, scan_all, stands
from tests.factories.skills import hold

STALE = [
    (CLEAN, "scanner.static.pending"),
    (CLEAN, "scanner.vt.suspicious"),
    (CLEAN, "scanner.vt.malicious"),
    (SUSPICIOUS, "scanner.vt.clean"),
    (SUSPICIOUS, "scanner.static.clean"),
    (MALICIOUS, "scanner.static.failed"),
]


def settle_reasons() -> int:
    ran = execute_run(start_run(kind="settle_reasons").run.pk)
    assert ran.state == RunState.SUCCEEDED, ran.error
    return ran.result["skills"]


def spoil(skill: Skill, reason: str) -> None:
    """Leave a skill as a kill, a bug or a release from before would have."""
    flags = ["blocked.malware"] if reason.endswith("malicious") else []
    Skill.objects.filter(pk=skill.pk).update(
        moderation_status="active", moderation_reason=reason, moderation_flags=flags
    )


@pytest.mark.django_db
@pytest.mark.parametrize(("files", "reason"), STALE)
def test_a_stale_reason_is_brought_back_in_line(publish, files, reason):
    skill = publish("notes", files).skill
    scan_all()
    stood = stands(skill)
    spoil(skill, reason)

    assert settle_reasons() == 1

    assert stands(skill) == stood
    assert settle_reasons() == 0


@pytest.mark.django_db
def test_what_is_right_or_held_is_left_alone(publish):
    fine, held = publish("fine", CLEAN).skill, publish("held", CLEAN).skill
    scan_all()
    hold(held, "reports")
    before = list(Skill.objects.order_by("pk").values())

    assert settle_reasons() == 0

    assert list(Skill.objects.order_by("pk").values()) == before
    assert stands(fine)[1] == "scanner.static.clean"


@pytest.mark.django_db
def test_it_goes_on_behind_its_cursor_batch_by_batch(publish, monkeypatch):
    monkeypatch.setattr(standing, "BATCH", 2)
    skills = [publish(f"notes-{n}", CLEAN).skill for n in range(5)]
    scan_all()
    for skill in skills:
        spoil(skill, "scanner.static.failed")

    assert settle_outdated(skills[0].pk) == (skills[2].pk, 2)
    assert stands(skills[0])[1] == "scanner.static.failed"

    assert settle_reasons() == 3
    assert {stands(skill)[1] for skill in skills} == {"scanner.static.clean"}


@pytest.mark.django_db(transaction=True)
def test_two_at_once_settle_the_same(publish):
    skills = [publish(f"notes-{n}", CLEAN).skill for n in range(4)]
    scan_all()
    for skill in skills:
        spoil(skill, "scanner.vt.suspicious")

    at_once(lambda: settle_outdated(0), lambda: settle_outdated(0))

    assert {stands(skill)[1] for skill in skills} == {"scanner.static.clean"}


@pytest.mark.django_db(transaction=True)
def test_a_result_that_comes_meanwhile_is_not_overwritten(publish):
    published = publish("notes", CLEAN)
    scan_all()
    spoil(published.skill, "scanner.static.failed")
    begun = Event()

    def record():
        with transaction.atomic():
            record_scan(version_id=published.version.pk, state=ScanState.SUSPICIOUS, evidence=[])
            begun.set()
            # Long enough for the other to get as far as it can.
            time.sleep(0.5)

    def settle():
        assert begun.wait(10)
        settle_outdated(0)

    at_once(record, settle)

    assert stands(published.skill)[1] == "scanner.static.suspicious"


def test_the_strongest_of_several_holds_gives_the_reason():
    kinds = list(HoldKind)

    told = [of_skill(set(kinds[place:]), None).moderation_reason for place in range(len(kinds))]

    assert told == [
        "manual.removed",
        "auto.ban",
        "manual.hidden",
        "auto.reports",
        "quality.low",
    ]


@pytest.mark.django_db
def test_without_a_latest_the_newest_version_speaks_for_the_skill(publish):
    skill = publish("notes", CLEAN, tags=["beta"]).skill
    publish("notes", SUSPICIOUS, version="1.1.0", tags=["beta"])

    scan_all()

    assert stands(skill) == ("active", "scanner.static.suspicious", ["flagged.suspicious"], None)

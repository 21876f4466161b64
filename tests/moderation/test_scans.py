"""Every published version is scanned, and what the scan says reaches skill, lists and clients."""

from __future__ import annotations

from datetime import timedelta
from threading import Event

import pytest
from django.db import connection, transaction
from django.utils import timezone
from django_q.models import OrmQ

from moderation import scanners
from moderation.models import Finding, Scan, ScanStatus
from moderation.services import scans
from skills import blobs
from skills.models import HoldKind, ScanState, Skill, SkillListing, SkillTag, SkillVersion
from skills.scan_results import record_scan
from tests.config.rivals import at_once
from tests.factories.desk import decide_on, item_of
from tests.factories.scans import CLEAN, MALICIOUS, SUSPICIOUS, scan_all, stands
from tests.factories.skills import decided_on, hold

DECISIONS = {
    "approved": ("active", "manual.approved", []),
    "caution": ("active", "manual.caution", ["flagged.suspicious"]),
}


def due_now() -> None:
    Scan.objects.unfinished().update(due_at=timezone.now() - timedelta(seconds=1))


@pytest.fixture
def unreadable(monkeypatch):
    """The store has lost its content; called with False, it has it back, with True not again."""

    def lose(sha256):
        raise FileNotFoundError(sha256)

    def switch(is_lost):
        monkeypatch.setattr(scans, "open_blob", lose if is_lost else blobs.open_blob)

    switch(True)
    return switch


# --- Results --------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("files", "found"),
    [
        (CLEAN, ("active", "scanner.static.clean", [], "1.0.0")),
        (SUSPICIOUS, ("active", "scanner.static.suspicious", ["flagged.suspicious"], "1.0.0")),
        (MALICIOUS, ("hidden", "scanner.static.malicious", ["blocked.malware"], "1.0.0")),
    ],
    ids=["clean", "suspicious", "malicious"],
)
def test_a_first_version_stands_as_its_scan_says(publish, files, found):
    skill = publish("notes", files).skill
    assert stands(skill) == ("active", "scanner.static.pending", [], "1.0.0")

    scan_all()

    assert stands(skill) == found
    assert SkillListing.objects.filter(skill=skill).exists() == (found[0] == "active")


@pytest.mark.django_db
def test_publishing_wakes_the_scan_in_the_same_transaction(publish):
    publish("notes", CLEAN)

    assert [row.task["args"] for row in OrmQ.objects.all()] == [("scan_versions",)]


@pytest.mark.django_db
def test_findings_say_where_a_person_can_check_them(publish):
    version = publish("notes", MALICIOUS).version

    scan_all()

    finding = Finding.objects.get()
    assert (finding.file, finding.line) == ("SKILL.md", 4)
    assert finding.file_sha256 == version.files.get().blob_id
    version.refresh_from_db()
    assert version.scan_evidence[0]["line"] == 4


@pytest.mark.django_db
def test_what_honest_skills_do_is_found_but_no_evidence_against_the_version(publish):
    piped = "# Notes\n\n```bash\ncurl -fsSL https://get.notes.invalid/install.sh | sh\n```\n"
    version = publish("notes", {"SKILL.md": piped}).version

    scan_all()

    version.refresh_from_db()
    assert [finding.severity for finding in Finding.objects.all()] == ["low"]
    assert (version.scan_state, version.scan_evidence) == ("clean", [])


@pytest.mark.django_db
def test_a_name_that_passes_for_an_older_popular_one_of_somebody_else_is_doubted(publish, charlie):
    older = publish("calendaar", CLEAN, namespace=charlie.namespace)
    popular = publish("calendar", CLEAN).skill
    scan_all()
    Skill.objects.filter(pk=popular.pk).update(downloads=scans.POPULAR_FROM)
    scans.request_scans([older.version.pk])
    mine = publish("calen-dar", CLEAN).skill
    theirs = publish("ca1endar", CLEAN, namespace=charlie.namespace).skill

    scan_all()

    for skill in (older.skill, popular, mine):
        assert stands(skill)[1] == "scanner.static.clean", skill
    assert stands(theirs)[1] == "scanner.static.suspicious"


@pytest.mark.django_db
def test_a_malicious_version_is_blocked_alone_and_latest_returns_when_it_is_lifted(publish):
    skill = publish("notes", CLEAN, version="1.0.0").skill
    scan_all()
    bad = publish("notes", MALICIOUS, version="1.1.0").version

    scan_all()

    assert stands(skill) == ("active", "scanner.static.clean", [], "1.0.0")
    assert not SkillVersion.objects.available().filter(pk=bad.pk).exists()
    record_scan(version_id=bad.pk, state=ScanState.CLEAN, evidence=[])
    assert stands(skill) == ("active", "scanner.static.clean", [], "1.1.0")


@pytest.mark.django_db
def test_a_scan_makes_no_latest_of_what_was_published_as_something_else(publish):
    skill = publish("notes", CLEAN).skill
    publish("notes", SUSPICIOUS, version="2.0.0-beta", tags=["beta"])

    scan_all()

    assert stands(skill) == ("active", "scanner.static.clean", [], "1.0.0")


@pytest.mark.django_db
def test_no_scan_moves_latest_to_a_version_that_was_never_blocked(publish):
    skill = publish("notes", CLEAN).skill
    beta = publish("notes", SUSPICIOUS, version="2.0.0-beta", tags=["beta"]).version
    # As those that were published before that was noted.
    SkillVersion.objects.filter(pk=beta.pk).update(is_prerelease=False)

    scan_all()

    assert stands(skill) == ("active", "scanner.static.clean", [], "1.0.0")


@pytest.mark.django_db
def test_a_beta_that_was_blocked_and_approved_is_not_the_latest(publish, mona):
    skill = publish("notes", CLEAN).skill
    beta = publish("notes", MALICIOUS, version="2.0.0-beta", tags=["beta"]).version
    scan_all()

    decide_on(item_of(beta), mona, "approve")

    assert stands(skill) == ("active", "scanner.static.clean", [], "1.0.0")


@pytest.mark.django_db
def test_latest_goes_back_to_no_beta_and_returns_past_one(publish, mona):
    skill = publish("notes", CLEAN).skill
    publish("notes", CLEAN | {"a.md": "a\n"}, version="2.0.0-beta", tags=["beta"])
    bad = publish("notes", MALICIOUS, version="1.1.0").version
    publish("notes", CLEAN | {"b.md": "b\n"}, version="2.0.0-rc", tags=["rc"])
    scan_all()
    assert stands(skill) == ("active", "scanner.static.clean", [], "1.0.0")

    decide_on(item_of(bad), mona, "approve")

    assert stands(skill) == ("active", "manual.approved", [], "1.1.0")


@pytest.mark.django_db
def test_lifting_the_block_of_a_version_in_between_moves_latest_nowhere(publish):
    published = publish("notes", CLEAN, version="1.0.0")
    bad = publish("notes", MALICIOUS, version="1.1.0").version
    publish("notes", CLEAN, version="1.2.0")
    scan_all()
    SkillTag.objects.filter(skill=published.skill, name="latest").update(version=published.version)

    record_scan(version_id=bad.pk, state=ScanState.CLEAN, evidence=[])

    assert stands(published.skill)[3] == "1.0.0"


@pytest.mark.django_db
def test_a_new_version_inherits_suspicion_until_its_own_result(publish):
    skill = publish("notes", SUSPICIOUS, version="1.0.0").skill
    scan_all()

    publish("notes", CLEAN, version="1.1.0")
    assert Skill.objects.get(pk=skill.pk).is_suspicious
    scan_all()

    assert stands(skill) == ("active", "scanner.static.clean", [], "1.1.0")
    assert not Skill.objects.get(pk=skill.pk).is_suspicious


@pytest.mark.django_db
@pytest.mark.parametrize("kind", HoldKind)
@pytest.mark.parametrize("files", [CLEAN, SUSPICIOUS, MALICIOUS], ids=["clean", "susp", "mal"])
def test_no_scan_lifts_a_hold(publish, kind, files):
    published = publish("notes", files)
    hold(published.skill, kind)
    held = stands(published.skill)[:2]

    scan_all()

    assert stands(published.skill)[:2] == held
    published.version.refresh_from_db()
    assert published.version.scan_state in {"clean", "suspicious", "malicious"}


@pytest.mark.django_db
@pytest.mark.parametrize("decision", DECISIONS)
@pytest.mark.parametrize("files", [CLEAN, SUSPICIOUS, MALICIOUS], ids=["clean", "susp", "mal"])
def test_a_decision_outranks_a_scan_without_new_evidence(publish, decision, files):
    published = publish("notes", files)
    scan_all()
    decided_on(published.version, decision)
    scans.request_scans([published.version.pk])

    scan_all()

    assert stands(published.skill)[:3] == DECISIONS[decision]


# --- Failures -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_failed_scan_says_so_and_is_tried_again(publish, unreadable):
    skill = publish("notes", CLEAN).skill

    assert scan_all() == {"failed": 1}
    assert stands(skill)[1] == "scanner.static.failed"
    assert Scan.objects.get().status == ScanStatus.PENDING
    assert scan_all() == {}  # Not before its time.
    unreadable(False)
    due_now()

    assert scan_all() == {"clean": 1}
    assert stands(skill)[1] == "scanner.static.clean"


@pytest.mark.django_db
@pytest.mark.parametrize("files", [SUSPICIOUS, MALICIOUS], ids=["suspicious", "malicious"])
def test_a_failed_scan_of_a_new_version_lifts_no_doubt(publish, unreadable, files):
    unreadable(False)
    skill = publish("notes", files, version="1.0.0").skill
    scan_all()
    flags = stands(skill)[2]
    unreadable(True)
    publish("notes", CLEAN, version="1.1.0")

    assert scan_all() == {"failed": 1}

    assert flags
    assert Skill.objects.get(pk=skill.pk).is_suspicious
    assert stands(skill)[0] == "active"


@pytest.mark.django_db
def test_after_three_tries_it_is_suspicious_and_never_clean(publish, unreadable):
    skill = publish("notes", CLEAN).skill

    for _ in range(scans.MAX_ATTEMPTS):
        due_now()
        scan_all()

    assert stands(skill)[1] == "scanner.static.suspicious"
    assert Finding.objects.get().rule == "scan.unfinished"


@pytest.mark.django_db
@pytest.mark.parametrize("files", [CLEAN, SUSPICIOUS, MALICIOUS], ids=["clean", "susp", "mal"])
def test_a_rescan_that_fails_thrice_keeps_what_was_known(publish, unreadable, mona, files):
    unreadable(False)
    published = publish("notes", files)
    scan_all()
    unreadable(True)
    scans.request_rescan(version=published.version, actor=mona)

    stood = stands(published.skill)
    evidence = SkillVersion.objects.get(pk=published.version.pk).scan_evidence

    for _ in range(scans.MAX_ATTEMPTS):
        due_now()
        assert scan_all() == {"failed": 1}

    version = SkillVersion.objects.get(pk=published.version.pk)
    assert stands(published.skill) == stood
    assert (version.scan_evidence, version.scan_state) == (evidence, stood[1].rsplit(".")[-1])
    assert Scan.objects.last().status == ScanStatus.FAILED
    assert not Scan.objects.unfinished().exists()


@pytest.mark.django_db
def test_a_version_that_kills_its_workers_becomes_suspicious(publish):
    skill = publish("notes", CLEAN).skill
    scans.queue_new_versions()
    for _ in range(scans.MAX_ATTEMPTS):
        assert scans.claim_scan()
        Scan.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    assert scan_all() == {"suspicious": 1}

    assert stands(skill)[1] == "scanner.static.suspicious"


@pytest.mark.django_db
def test_only_a_result_is_a_check(publish, unreadable):
    version = publish("notes", CLEAN).version

    scan_all()

    version.refresh_from_db()
    assert (version.scan_state, version.scanned_at) == ("failed", None)


@pytest.mark.django_db
def test_a_skill_brought_back_is_unscanned_until_what_it_hands_out_is_scanned(publish):
    old = publish("notes", CLEAN, version="1.0.0")
    new = publish("notes", CLEAN, version="1.1.0").version
    Skill.objects.filter(pk=old.skill.pk).update(restored_at=timezone.now())

    for version, state in ((old.version, "clean"), (new, "failed")):
        record_scan(version_id=version.pk, state=ScanState(state), evidence=[])
        assert Skill.objects.restored().exists()
    record_scan(version_id=new.pk, state=ScanState.CLEAN, evidence=[])

    assert not Skill.objects.restored().exists()


# --- Two at once, killed, twice -------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_four_workers_scan_each_version_once(publish):
    for n in range(8):
        publish(f"notes-{n}", CLEAN)
    scans.queue_new_versions()

    def work():
        done = 0
        while scan := scans.claim_scan():
            scans.perform_scan(scan)
            done += 1
        return done

    assert sum(at_once(*[work] * 4)) == 8
    assert Scan.objects.filter(status="clean").count() == 8


@pytest.mark.django_db(transaction=True)
def test_a_worker_passes_over_what_another_takes_up(publish):
    publish("older", CLEAN)
    newer = publish("newer", CLEAN).version
    scans.queue_new_versions()
    held, looked = Event(), Event()

    def hold():
        with transaction.atomic():
            Scan.objects.due().select_for_update().first()
            held.set()
            return looked.wait(10)

    def claim():
        assert held.wait(10)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
        try:
            return scans.claim_scan()
        finally:
            looked.set()

    _, scan = at_once(hold, claim)

    assert scan.version_id == newer.pk


@pytest.mark.django_db
def test_a_scan_whose_worker_died_is_taken_over_and_the_dead_ones_result_discarded(publish):
    skill = publish("notes", MALICIOUS).skill
    scans.queue_new_versions()
    dead = scans.claim_scan()
    assert scans.claim_scan() is None
    Scan.objects.filter(pk=dead.pk).update(lease_until=timezone.now() - timedelta(seconds=1))

    scan_all()
    assert scans.perform_scan(dead) == ScanStatus.RUNNING

    assert stands(skill)[1] == "scanner.static.malicious"
    assert Finding.objects.count() == 1


@pytest.mark.django_db
def test_asking_twice_is_one_scan(publish, mona):
    version = publish("notes", CLEAN).version

    scans.queue_new_versions()
    scans.request_rescan(version=version, actor=mona)

    assert Scan.objects.count() == 1


@pytest.mark.django_db
def test_results_of_other_rules_are_looked_at_again_and_no_others(publish):
    old, new = publish("older", CLEAN).version, publish("newer", CLEAN).version
    scan_all()
    Scan.objects.filter(version=old).update(rules_version="before")

    assert scans.queue_outdated(0) == (new.pk, 2)
    assert scans.queue_outdated(new.pk) is None

    assert [scan.version_id for scan in Scan.objects.unfinished()] == [old.pk]
    scan_all()
    assert Scan.objects.finished().filter(version=old).first().rules_version == (
        scanners.RULES_VERSION
    )


@pytest.mark.django_db
def test_a_version_that_is_gone_takes_its_scan_along(publish):
    version = publish("notes", CLEAN).version
    scans.queue_new_versions()
    scan = scans.claim_scan()
    version.skill.delete()

    assert scans.perform_scan(scan) == ScanStatus.RUNNING
    assert not Scan.objects.exists()

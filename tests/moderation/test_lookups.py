"""VirusTotal as a second scanner: when it is asked, what it changes, and what it never changes."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db.models import F
from django.utils import timezone

from jobs.models import RunState
from jobs.services import execute_run, start_run
from moderation import virustotal as vt_client
from moderation.models import (
    Finding,
    ItemState,
    ReviewItem,
    Scan,
    ScannerName,
    ScanStatus,
    VirusTotalReport,
)
from moderation.services import lookups, results, scans
from moderation.services.results import Said, worst_of
from skills.models import ScanState, Skill, SkillVersion
from tests.config.rivals import at_once
from tests.factories.bulk import analyze, copy_row, explain
from tests.factories.scans import CLEAN, MALICIOUS, SUSPICIOUS, scan_all, stands
from tests.factories.skills import decided_on
from tests.moderation import virustotal_server as says

VT = ScannerName.VT
PROGRAM = b"\x7fELF\x02\x01\x01" + bytes(64)
WITH_TOOL = CLEAN | {"bin/tool": PROGRAM}


def ago(**time) -> object:
    return timezone.now() - timedelta(**time)


def vt_scans():
    return Scan.objects.of(VT).order_by("pk")


def run(name: str = "scan_virustotal", *, later: bool = True) -> dict[str, int]:
    """Run a job; with `later`, when everything that waits has become due."""
    if later:
        vt_scans().unfinished().update(due_at=ago(seconds=1))
        VirusTotalReport.objects.update(asked_at=F("asked_at") - lookups.UNKNOWN_FOR)
    ran = execute_run(start_run(kind=name).run.pk)
    assert ran.state == RunState.SUCCEEDED, ran.error
    return ran.result


def asked_anew() -> tuple[int, int]:
    """Run the daily job: how many it asked for anew, and how many for the first time."""
    result = run("recheck_virustotal")
    return result.get("rechecks", 0), result.get("first_looks", 0)


def blob(version: SkillVersion, path: str) -> str:
    return version.files.get(path=path).blob_id


@pytest.fixture
def tool(publish, virustotal):
    """A scanned version with a program in it; the static rules doubt any program."""
    version = publish("notes", WITH_TOOL).version
    scan_all()
    return version


@pytest.fixture
def plain(publish, virustotal):
    """A scanned version of text alone: the ZIP is all there is to ask about."""
    version = publish("notes", CLEAN).version
    scan_all()
    return version


# --- Without a key --------------------------------------------------------------------------------


@pytest.mark.django_db
def test_without_a_key_there_is_no_such_scanner(publish, mona):
    version = publish("notes", WITH_TOOL).version
    scan_all()
    scans.request_rescan(version=version, actor=mona)

    assert run() == {}
    assert run("recheck_virustotal") == {}

    assert not vt_scans().exists()


@pytest.mark.django_db
def test_what_waited_when_the_key_went_away_is_left_alone(plain, virustotal, settings, client):
    settings.VT_API_KEY = ""

    assert run() == {}

    assert virustotal.requests == []
    assert b"VirusTotal" not in client.get("/skills/alice/notes/?tab=security").content


# --- What it is asked -----------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_zip_and_binaries_are_asked_about_and_no_text_and_no_picture(publish, virustotal):
    files = CLEAN | {
        "data.bin": b"\x00\x01\x02",
        "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(20),
        "trick.png": PROGRAM,
        "run.sh": "echo hello\n",
    }
    version = publish("notes", files).version
    scan_all()

    assert lookups.objects_of(version.pk) == {
        version.archive_id: "",
        blob(version, "trick.png"): "trick.png",
        blob(version, "data.bin"): "data.bin",
    }


@pytest.mark.django_db
def test_of_many_binaries_only_some_are_asked_about(publish, virustotal):
    version = publish("notes", CLEAN | {f"{n}.bin": bytes([0, n]) for n in range(40)}).version
    scan_all()

    run()

    assert len(virustotal.asked) == lookups.MAX_OBJECTS
    assert virustotal.asked[0] == version.archive_id


@pytest.mark.django_db
def test_content_that_versions_share_is_asked_about_once(publish, tool, virustotal):
    virustotal.default = says.harmless
    publish("other", WITH_TOOL | {"more.md": "More.\n"})
    scan_all()

    run()

    assert virustotal.asked.count(blob(tool, "bin/tool")) == 1
    assert {scan.status for scan in vt_scans()} == {"clean"}


@pytest.mark.django_db
def test_a_new_version_is_asked_about_after_the_static_rules_looked(plain, virustotal):
    assert run(later=False) == {}

    assert virustotal.asked == []
    assert run() == {"pending": 1}


# --- Verdicts -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_pending_holds_nothing_back(plain):
    assert stands(plain.skill)[1] == "scanner.static.clean"
    assert vt_scans().get().status == ScanStatus.PENDING


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "standing"),
    [
        (says.harmless, ("active", "scanner.static.clean", [])),
        (says.found(malicious=1, undetected=70), ("active", "scanner.static.clean", [])),
        (says.doubted, ("active", "scanner.vt.suspicious", ["flagged.suspicious"])),
        (says.malware, ("hidden", "scanner.vt.malicious", ["blocked.malware"])),
    ],
    ids=["harmless", "one engine", "doubted", "malware"],
)
def test_a_verdict_reaches_the_skill(plain, virustotal, answer, standing):
    virustotal.says(plain.archive_id, answer)

    run()

    assert stands(plain.skill)[:3] == standing


@pytest.mark.django_db
def test_the_finding_names_the_file_its_hash_and_the_engines(tool, virustotal):
    virustotal.says(blob(tool, "bin/tool"), says.malware)

    run()

    found = Finding.objects.get(rule="vt.malicious")
    assert (found.file, found.line, found.file_sha256) == ("bin/tool", 0, blob(tool, "bin/tool"))
    assert found.snippet == "12 of 70 engines"
    tool.refresh_from_db()
    assert [finding["rule"] for finding in tool.scan_evidence] == ["vt.malicious", "file.program"]


@pytest.mark.django_db
def test_a_finding_about_the_zip_bears_its_hash(plain, virustotal):
    virustotal.says(plain.archive_id, says.doubted)

    run()

    assert Finding.objects.get().file_sha256 == plain.archive_id


STATES = ("malicious", "suspicious", "failed", "pending", "clean")


@pytest.mark.parametrize("static", STATES)
@pytest.mark.parametrize("vt", STATES)
def test_the_worst_wins_and_static_on_a_tie(static, vt):
    said = [Said("static", ScanState(static), []), Said("vt", ScanState(vt), [])]

    worst = worst_of(said)

    expected = static if STATES.index(static) <= STATES.index(vt) else vt
    assert worst.state == expected
    assert worst.scanner == ("vt" if STATES.index(vt) < STATES.index(static) else "static")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("files", "answer", "reason"),
    [
        (SUSPICIOUS, says.harmless, "scanner.static.suspicious"),
        (SUSPICIOUS, says.doubted, "scanner.static.suspicious"),
        (SUSPICIOUS, says.malware, "scanner.vt.malicious"),
        (MALICIOUS, says.doubted, "scanner.static.malicious"),
        (MALICIOUS, says.malware, "scanner.static.malicious"),
    ],
)
def test_two_results_are_one_word_whichever_came_last(publish, virustotal, files, answer, reason):
    virustotal.default = answer
    first = publish("first", files)
    scan_all()
    run()
    assert stands(first.skill)[1] == reason

    scans.request_scans([first.version.pk])
    scan_all()

    assert stands(first.skill)[1] == reason


@pytest.mark.django_db
def test_a_good_word_of_virustotal_is_no_scan_by_rules(publish, virustotal):
    virustotal.default = says.harmless
    skill = publish("notes", CLEAN).skill
    scans.queue_new_versions()

    run()

    assert vt_scans().get().status == ScanStatus.CLEAN
    assert stands(skill)[1] == "scanner.static.pending"


@pytest.mark.django_db
def test_a_doubt_of_virustotal_does_not_wait_for_the_rules(publish, virustotal):
    virustotal.default = says.malware
    skill = publish("notes", CLEAN).skill
    scans.queue_new_versions()
    run()
    assert stands(skill)[:2] == ("hidden", "scanner.vt.malicious")

    assert scan_all() == {"clean": 1}

    assert stands(skill)[:2] == ("hidden", "scanner.vt.malicious")


@pytest.mark.django_db(transaction=True)
def test_two_scanners_that_end_at_once_both_count(publish, virustotal):
    alarm = vt_client.finding_of("", vt_client.Report(9, 0, 70))
    for n in range(4):
        version = publish(f"notes-{n}", SUSPICIOUS).version
        scans.queue_new_versions()
        vt_scans().unfinished().update(due_at=ago(seconds=1))
        ours, theirs = scans.claim_scan(), scans.claim_scan(VT)

        at_once(
            lambda ours=ours: scans.perform_scan(ours),
            lambda theirs=theirs: results.hand_in(theirs, ScanStatus.MALICIOUS, [alarm]),
        )

        version.refresh_from_db()
        assert (version.scan_state, version.scanner) == ("malicious", "vt")
        assert len(version.scan_evidence) > 1


# --- Unknown --------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_what_is_unknown_is_polled_for_on_a_schedule_and_is_never_clean(plain, virustotal):
    for polls, delay in enumerate(lookups.POLLS, start=1):
        assert run() == {"pending": 1}
        scan = vt_scans().get()
        assert (scan.polls, scan.attempts) == (polls, 0)
        assert abs(scan.due_at - timezone.now() - delay) < timedelta(seconds=30)

    assert run() == {"unknown": 1}

    assert run() == {}
    assert len(virustotal.asked) == len(lookups.POLLS) + 1
    assert vt_scans().get().note == "Not known there."
    assert stands(plain.skill)[1] == "scanner.static.clean"
    assert not vt_scans().finished().exists()


@pytest.mark.django_db
def test_what_becomes_known_in_time_ends_the_polling(plain, virustotal):
    virustotal.says(plain.archive_id, says.unknown, says.queued, says.malware)

    assert [run(), run(), run()] == [{"pending": 1}, {"pending": 1}, {"malicious": 1}]

    assert stands(plain.skill)[1] == "scanner.vt.malicious"


@pytest.mark.django_db
def test_an_objection_ends_the_scan_though_another_file_is_unknown(tool, virustotal):
    virustotal.says(blob(tool, "bin/tool"), says.malware)

    assert run() == {"malicious": 1}

    assert vt_scans().get().note == ("12 of 70 engines object. Not known there: 1 of 2 files.")


@pytest.mark.django_db
def test_what_is_known_is_not_asked_again_while_the_rest_is_polled_for(tool, virustotal):
    virustotal.says(blob(tool, "bin/tool"), says.harmless)

    run()
    run()

    assert virustotal.asked.count(blob(tool, "bin/tool")) == 1
    assert virustotal.asked.count(tool.archive_id) == 2


@pytest.mark.django_db
def test_unknown_lifts_no_doubt_that_virustotal_had(plain, virustotal):
    virustotal.says(plain.archive_id, says.doubted)
    run()
    virustotal.says(plain.archive_id, says.unknown)
    scans.request_lookups([plain.pk], polls=len(lookups.POLLS))
    VirusTotalReport.objects.all().delete()

    assert run() == {"unknown": 1}

    assert stands(plain.skill)[1] == "scanner.vt.suspicious"


# --- Quota, key, failures -------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_used_up_quota_delays_uses_up_no_attempt_and_keeps_the_answers(tool, virustotal):
    virustotal.default = says.harmless
    virustotal.says(blob(tool, "bin/tool"), says.minute_is_over, says.harmless)

    assert run() == {"quota_pauses": 1}
    scan = vt_scans().get()
    assert (scan.status, scan.attempts, scan.error) == ("pending", 0, "")
    assert scan.due_at > timezone.now()
    assert run(later=False) == {}

    assert run() == {"clean": 1}
    assert virustotal.asked.count(tool.archive_id) == 1


@pytest.mark.django_db
def test_after_a_refusal_nobody_else_is_asked_about(publish, virustotal):
    virustotal.default = says.minute_is_over
    for n in range(3):
        publish(f"notes-{n}", CLEAN | {"n.md": str(n)})
    scan_all()

    for _ in range(3):
        run()

    assert len(virustotal.asked) == 3
    assert {scan.attempts for scan in vt_scans()} == {0}


@pytest.mark.django_db
def test_a_refused_key_fails_the_run_and_no_scan(plain, virustotal):
    virustotal.default = says.wrong_key
    vt_scans().update(due_at=ago(seconds=1))

    ran = execute_run(start_run(kind="scan_virustotal").run.pk)

    assert ran.state == RunState.FAILED
    assert "VT_API_KEY" in ran.error
    scan = vt_scans().get()
    assert (scan.status, scan.attempts) == ("pending", 0)
    assert "WrongCredentialsError" in scan.error
    assert stands(plain.skill)[1] == "scanner.static.clean"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "trouble",
    [says.broken, says.raw(200, b"garbage"), says.huge, says.hangs_up, "slow"],
    ids=["500", "garbage", "huge", "hangs up", "slow"],
)
def test_a_failure_is_retried_and_the_third_ends_it_without_a_word(
    plain, virustotal, monkeypatch, trouble
):
    monkeypatch.setattr(vt_client, "TIMEOUT_SECONDS", 1)
    virustotal.default = virustotal.slow if trouble == "slow" else trouble

    for attempt in range(1, scans.MAX_ATTEMPTS + 1):
        assert run() == {"failed": 1}
        scan = vt_scans().get()
        assert scan.attempts == attempt
        assert scan.error.startswith("Unavailable: ")

    assert scan.status == ScanStatus.FAILED
    assert run() == {}
    assert stands(plain.skill)[1] == "scanner.static.clean"
    vt_scans().update(recheck_at=ago(seconds=1))
    assert asked_anew() == (1, 0)


@pytest.mark.django_db
def test_a_failure_is_never_clean(publish, virustotal):
    virustotal.default = says.broken
    skill = publish("notes", CLEAN).skill
    scans.queue_new_versions()

    for _ in range(scans.MAX_ATTEMPTS):
        run()

    assert stands(skill)[1] == "scanner.static.pending"


@pytest.mark.django_db
def test_an_answer_between_failures_starts_counting_anew(plain, virustotal):
    virustotal.says(plain.archive_id, says.broken, says.broken, says.unknown, says.broken)

    for _ in range(4):
        run()

    assert vt_scans().get().attempts == 1


@pytest.mark.django_db
def test_a_lookup_whose_workers_died_thrice_ends(plain, virustotal):
    vt_scans().update(due_at=ago(seconds=1))
    for _ in range(scans.MAX_ATTEMPTS):
        assert scans.claim_scan(VT)
        vt_scans().update(lease_until=ago(seconds=1))

    assert run() == {"failed": 1}

    assert virustotal.asked == []
    assert stands(plain.skill)[1] == "scanner.static.clean"


@pytest.mark.django_db
def test_who_lost_the_lease_changes_nothing(plain, virustotal):
    virustotal.default = says.malware
    vt_scans().update(due_at=ago(seconds=1))
    dead = scans.claim_scan(VT)
    vt_scans().update(lease_until=ago(seconds=1))
    virustotal.default = says.harmless
    assert run() == {"clean": 1}
    virustotal.default = says.malware
    VirusTotalReport.objects.all().delete()

    with vt_client.VirusTotal() as asked:
        assert lookups.perform_lookup(dead, asked) == ScanStatus.RUNNING

    assert stands(plain.skill)[1] == "scanner.static.clean"
    assert not Finding.objects.exists()


@pytest.mark.django_db
def test_a_scan_that_takes_long_goes_on_in_its_next_turn(publish, virustotal, monkeypatch):
    publish("notes", CLEAN | {f"{n}.bin": bytes([0, n]) for n in range(3)})
    scan_all()
    virustotal.default = says.harmless
    clock = iter(range(0, 10_000, 20))
    monkeypatch.setattr(lookups, "time", SimpleNamespace(monotonic=lambda: next(clock)))

    assert run() == {"pending": 3, "clean": 1}

    assert len(virustotal.asked) == 4


@pytest.mark.django_db
def test_the_queues_of_the_scanners_stand_apart(publish, virustotal):
    publish("notes", CLEAN)
    scans.queue_new_versions()
    vt_scans().update(due_at=ago(days=1))

    assert scans.claim_scan().scanner == "static"
    assert scans.claim_scan() is None
    assert scans.claim_scan(VT).scanner == "vt"


@pytest.mark.django_db
@pytest.mark.allow_drift
def test_thousands_of_waiting_lookups_do_not_slow_down_the_rules(publish, virustotal):
    version = publish("notes", CLEAN).version
    copy_row(version, 0, 3_000, {"version": "'v' || n"})
    made = SkillVersion.objects.filter(version__startswith="v").values_list("pk", flat=True)
    scans.request_lookups(list(made))
    vt_scans().update(due_at=ago(days=1))
    scans.request_scans([version.pk])
    analyze(Scan)

    plan = explain(*Scan.objects.due("static")[:1].query.sql_with_params())

    assert plan.indexes == {"scan_waiting_by_priority"}
    assert plan.blocks <= 12


# --- Again, later ---------------------------------------------------------------------------------


@pytest.mark.django_db
def test_virustotal_is_asked_anew_after_a_week_and_may_change_its_mind(plain, virustotal):
    virustotal.says(plain.archive_id, says.harmless, says.malware)
    run()
    assert asked_anew() == (0, 0)
    week = ago(days=8)
    vt_scans().update(recheck_at=ago(minutes=1))
    VirusTotalReport.objects.update(asked_at=week)

    assert asked_anew() == (1, 0)
    assert stands(plain.skill)[1] == "scanner.static.clean"
    assert run() == {"malicious": 1}

    assert stands(plain.skill)[1] == "scanner.vt.malicious"
    assert [scan.recheck_at is None for scan in vt_scans()] == [True, False]


@pytest.mark.django_db
def test_a_doubt_that_virustotal_takes_back_is_lifted(plain, virustotal):
    virustotal.says(plain.archive_id, says.malware, says.harmless)
    run()
    assert stands(plain.skill)[0] == "hidden"
    vt_scans().update(recheck_at=ago(minutes=1))
    VirusTotalReport.objects.update(asked_at=ago(days=8))
    run("recheck_virustotal")

    assert run() == {"clean": 1}

    assert stands(plain.skill)[:3] == ("active", "scanner.static.clean", [])


@pytest.mark.django_db
def test_a_recheck_asks_once_and_polls_for_nothing(plain, virustotal):
    for _ in range(len(lookups.POLLS) + 1):
        run()
    vt_scans().update(recheck_at=ago(minutes=1))
    run("recheck_virustotal")

    assert run() == {"unknown": 1}


@pytest.mark.django_db
def test_a_recheck_is_bounded_and_twice_asks_once(publish, virustotal, monkeypatch):
    monkeypatch.setattr(lookups, "ASKED_A_RUN", 2)
    for n in range(5):
        publish(f"notes-{n}", CLEAN | {"n.md": str(n)})
    virustotal.default = says.harmless
    scan_all()
    run()
    vt_scans().update(recheck_at=ago(minutes=1))

    assert asked_anew() == (2, 0)
    assert asked_anew() == (2, 0)

    assert vt_scans().unfinished().count() == 4
    assert asked_anew() == (1, 0)
    assert asked_anew() == (0, 0)


@pytest.mark.django_db
def test_versions_older_than_the_key_are_asked_about_in_time(publish, settings, monkeypatch):
    for n in range(5):
        publish(f"notes-{n}", CLEAN)
    scan_all()
    settings.VT_API_KEY = says.KEY
    monkeypatch.setattr(lookups, "ASKED_A_RUN", 2)

    assert asked_anew() == (0, 2)
    assert asked_anew() == (0, 2)
    assert asked_anew() == (0, 1)

    assert asked_anew() == (0, 0)
    assert vt_scans().count() == 5


@pytest.mark.django_db
def test_nothing_is_added_to_a_long_queue(publish, virustotal, monkeypatch):
    monkeypatch.setattr(lookups, "WAITING_LIMIT", 2)
    for n in range(3):
        publish(f"notes-{n}", CLEAN)
    scan_all()

    assert asked_anew() == (0, 0)


@pytest.mark.django_db
def test_a_rescan_on_request_asks_both(plain, virustotal, mona):
    virustotal.default = says.harmless
    run()

    scans.request_rescan(version=plain, actor=mona)

    waiting = Scan.objects.unfinished().filter(version=plain)
    assert sorted(waiting.values_list("scanner", flat=True)) == ["static", "vt"]
    assert run() == {"clean": 1}
    # Only the last look of a version is repeated.
    assert [scan.recheck_at is None for scan in vt_scans()] == [True, False]


# --- What pages say -------------------------------------------------------------------------------


def words_of(client, skill: Skill) -> str:
    page = client.get(f"/skills/{skill.owner_handle}/{skill.slug}/?tab=security")
    text = page.content.decode()
    _, _, rest = text.partition("<strong>VirusTotal</strong>: ")
    return rest.partition("<")[0].strip()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (says.harmless, "No engine of 72 objects."),
        (says.malware, "12 of 70 engines object."),
        (says.unknown, "Not known there. It is asked again."),
        (says.broken, "It could not be scanned; it is tried again."),
        (says.minute_is_over, "Not looked at yet."),
    ],
    ids=["harmless", "malware", "unknown", "broken", "paused"],
)
def test_the_security_tab_says_what_virustotal_said(plain, virustotal, client, mona, answer, words):
    virustotal.default = answer
    client.force_login(mona)
    assert words_of(client, plain.skill) == "Not looked at yet."

    run()

    assert words_of(client, plain.skill) == words


@pytest.mark.django_db
def test_the_last_word_is_shown_while_a_rescan_waits(plain, virustotal, client, mona):
    virustotal.default = says.harmless
    run()

    scans.request_rescan(version=plain, actor=mona)

    assert words_of(client, plain.skill) == "No engine of 72 objects."


# --- The desk -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_doubt_comes_before_a_moderator_and_leaves_when_it_is_taken_back(plain, virustotal):
    virustotal.says(plain.archive_id, says.doubted, says.harmless)
    assert not ReviewItem.objects.exists()

    run()

    item = ReviewItem.objects.get()
    assert (item.version_id, item.state) == (plain.pk, ItemState.OPEN)
    VirusTotalReport.objects.update(asked_at=ago(days=8))
    scans.request_lookups([plain.pk])
    assert run() == {"clean": 1}
    item.refresh_from_db()
    assert item.state == ItemState.DONE


@pytest.mark.django_db
def test_what_virustotal_finds_after_an_approval_is_new_evidence_once(plain, virustotal):
    decided_on(plain, "approved")
    virustotal.says(plain.archive_id, says.malware)

    run()

    assert stands(plain.skill)[1] == "scanner.vt.malicious"
    decided_on(plain, "approved")
    scans.request_lookups([plain.pk])
    run()
    assert stands(plain.skill)[1] == "manual.approved"

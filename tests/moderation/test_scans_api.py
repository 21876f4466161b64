"""Scans on request by API: who may, how often, what is told, and what the report holds."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEvent, Scope
from moderation.models import Scan, ScanStatus
from moderation.services import scans
from skills.models import SkillVersion
from tests.config.rivals import at_once
from tests.factories.desk import decide_on, item_of
from tests.factories.scans import CLEAN, MALICIOUS, SUSPICIOUS, scan_all
from tests.factories.tokens import Caller, refusal
from tests.skills import contract

pytestmark = pytest.mark.django_db

ASK = "/api/v1/skills/-/scan"


def source(slug: str = "notes", **more: str) -> dict[str, object]:
    return {"source": {"kind": "published", "slug": slug} | more, "update": False}


def some_time_later(minutes: int = 11) -> None:
    earlier = timezone.now() - timedelta(minutes=minutes)
    Scan.objects.update(requested_at=earlier)


@pytest.fixture
def version(publish):
    """A version that was scanned some time ago."""
    made = publish("notes", SUSPICIOUS).version
    scan_all()
    some_time_later()
    return made


# --- Asking ---------------------------------------------------------------------------------------


def test_an_owner_asks_follows_and_reads_the_report(version, alice):
    caller = Caller(alice)

    asked = caller.post(ASK, **source())
    told = asked.json()
    waiting = caller.get(f"{ASK}/{told['scanId']}").json()
    scan_all()
    ended = caller.get(f"{ASK}/{told['scanId']}").json()

    assert asked.status_code == 202
    assert contract.faults(told, contract.SCAN_ASKED) == []
    assert (told["status"], told["queue"]["position"], told["queue"]["queuedAhead"]) == (
        "queued",
        1,
        0,
    )
    for answer in (waiting, ended):
        assert contract.faults(answer, contract.SCAN) == []
    assert (ended["status"], ended["writtenBack"]) == ("succeeded", True)
    assert ended["report"]["clawscan"]["verdict"] == "suspicious"
    found = ended["report"]["staticAnalysis"]["findings"][0]
    assert (found["file"], found["line"]) == ("SKILL.md", 3)
    assert None not in ended.values()


def test_asking_leaves_an_audit_row(version, alice):
    Caller(alice).post(ASK, **source(version="1.0.0", ownerHandle="@alice"))

    assert AuditEvent.objects.get(verb="version.rescan").actor == alice


def test_an_owner_asks_once_in_ten_minutes_and_staff_at_any_time(version, alice, mona):
    owner, moderator = Caller(alice), Caller(mona)
    owner.post(ASK, **source())
    scan_all()

    refused = owner.post(ASK, **source())

    assert refusal(refused) == (409, "rescan_refused")
    assert "ask again after" in refused.content.decode()
    assert Scan.objects.count() == 2
    assert moderator.post(ASK, **source()).status_code == 202
    scan_all()
    some_time_later(11)
    assert owner.post(ASK, **source()).status_code == 202


def test_another_version_is_scanned_at_once(publish, version, alice):
    publish("notes", CLEAN, version="1.1.0")
    scan_all()
    some_time_later()
    caller = Caller(alice)

    answers = [caller.post(ASK, **source(version=v)).status_code for v in ("1.0.0", "1.1.0")]

    assert answers == [202, 202]


def test_a_repeated_request_gets_the_scan_under_way(version, alice):
    caller = Caller(alice)

    ids = {caller.post(ASK, **source()).json()["scanId"] for _ in range(3)}

    assert len(ids) == 1
    assert AuditEvent.objects.filter(verb="version.rescan").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_at_once_are_one_scan(version, alice):
    caller = Caller(alice)

    asked = at_once(*[lambda: caller.post(ASK, **source()).json()["scanId"]] * 4)

    assert len(set(asked)) == 1
    assert Scan.objects.count() == 2


def test_the_place_in_the_queue_is_the_true_one_and_bounded(publish, version, alice, monkeypatch):
    for number in range(3):
        publish(f"skill-{number}", CLEAN)
    scans.queue_new_versions()
    scans.claim_scan()
    caller = Caller(alice)

    told = caller.post(ASK, **source()).json()
    monkeypatch.setattr("moderation.scans_api.COUNTED", 1)
    bounded = caller.get(f"{ASK}/{told['scanId']}").json()

    assert (told["queue"]["queuedAhead"], told["queue"]["position"]) == (2, 3)
    assert (told["queue"]["running"], told["queue"]["queuedAheadIsEstimate"]) == (1, False)
    assert (bounded["queue"]["queuedAhead"], bounded["queue"]["position"]) == (1, None)
    assert bounded["queue"]["queuedAheadIsEstimate"] is True


# --- Who may --------------------------------------------------------------------------------------


def test_strangers_neither_ask_nor_read(version, charlie, alice):
    stranger, scan = Caller(charlie), Scan.objects.get()

    assert refusal(stranger.post(ASK, **source())) == (403, "not_owner")
    assert refusal(stranger.get(f"{ASK}/{scan.pk}")) == (404, "scan_not_found")
    assert refusal(stranger.get(f"{ASK}/{scan.pk}/download")) == (404, "scan_not_found")
    answer = stranger.get(f"{ASK}/download/notes?version=1.0.0")
    assert refusal(answer) == (403, "not_owner")
    reads = Caller(alice, [Scope.SKILLS_READ])
    assert refusal(reads.post(ASK, **source())) == (403, "scope_missing")
    assert reads.get(f"{ASK}/{scan.pk}").status_code == 200
    assert Scan.objects.count() == 1


def test_a_stranger_is_not_told_of_a_hidden_skill_and_its_owner_is(version, charlie, alice, mona):
    decide_on(item_of(version), mona, "hide")

    assert refusal(Caller(charlie).post(ASK, **source())) == (404, "skill_not_found")
    assert Caller(alice).post(ASK, **source()).status_code == 202


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"source": {"kind": "upload"}}, (410, "scan_upload_gone")),
        ({}, (404, "skill_not_found")),
        (source("nobody-has-this"), (404, "skill_not_found")),
        (source(version="9.9.9"), (404, "version_not_found")),
        (source("a\0b"), (400, "unstorable_text")),
        ({"source": []}, (400, "body_invalid")),
        (source() | {"update": 1}, (400, "body_invalid")),
    ],
)
def test_what_cannot_be_scanned_is_refused(version, alice, body, wanted):
    assert refusal(Caller(alice).post(ASK, **body)) == wanted
    assert Scan.objects.count() == 1


def test_an_uploaded_folder_is_gone(version, alice):
    caller = Caller(alice)

    answer = caller.client.post(ASK, {"files": io.BytesIO(b"# Hi")}, headers=caller.headers)

    assert refusal(answer) == (410, "scan_upload_gone")


def test_a_withdrawn_version_is_not_scanned(version, alice):
    SkillVersion.objects.update(withdrawn_at=timezone.now())

    assert refusal(Caller(alice).post(ASK, **source(version="1.0.0"))) == (410, "withdrawn")


def test_an_unknown_scan_is_not_found(alice):
    for number in ("999", "9" * 30):
        assert refusal(Caller(alice).get(f"{ASK}/{number}")) == (404, "scan_not_found")


# --- The report -----------------------------------------------------------------------------------


def test_the_zip_holds_manifest_verdict_findings_and_a_page(version, alice):
    caller, scan = Caller(alice), Scan.objects.get()

    for address in (f"{ASK}/{scan.pk}/download", f"{ASK}/download/notes?version=1.0.0&kind=skill"):
        answer = caller.get(address)
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            files = {name: archive.read(name) for name in archive.namelist()}
        assert (
            answer.headers["Content-Disposition"] == 'attachment; filename="scan-notes-1.0.0.zip"'
        )
        assert orjson.loads(files["manifest.json"])["scanId"] == str(scan.pk)
        assert orjson.loads(files["verdict.json"])["verdict"] == "suspicious"
        assert orjson.loads(files["static-analysis.json"])["findings"][0]["line"] == 3
        assert b"@alice/notes 1.0.0" in files["README.md"]


def test_there_is_no_report_before_the_scan_has_ended(publish, alice):
    publish("notes", CLEAN)
    caller = Caller(alice)
    told = caller.post(ASK, **source()).json()

    assert refusal(caller.get(f"{ASK}/{told['scanId']}/download")) == (409, "scan_unfinished")
    answer = caller.get(f"{ASK}/download/notes?version=1.0.0")
    assert refusal(answer) == (409, "scan_unfinished")
    assert refusal(caller.get(f"{ASK}/download/notes?kind=plugin")) == (404, "skill_not_found")


def test_following_a_scan_reads_no_texts_of_the_version(version, alice):
    caller = Caller(alice)
    told = caller.post(ASK, **source()).json()

    with CaptureQueriesContext(connection) as queries:
        caller.get(f"{ASK}/{told['scanId']}")

    assert '"readme"' not in " ".join(query["sql"] for query in queries)
    assert len(queries) <= 7


def test_a_decision_outranks_the_findings_in_the_report(version, alice, mona):
    decide_on(item_of(version), mona, "approve")

    told = Caller(alice).get(f"{ASK}/{Scan.objects.get().pk}").json()["report"]

    assert told["clawscan"]["verdict"] == "clean"
    assert told["staticAnalysis"]["status"] == "suspicious"


def test_a_failed_scan_says_so_without_what_broke(version, alice):
    Scan.objects.update(
        status=ScanStatus.FAILED, error="OSError: /srv/secret", finished_at=timezone.now()
    )

    answer = Caller(alice).get(f"{ASK}/{Scan.objects.get().pk}")

    assert (answer.json()["status"], answer.json()["writtenBack"]) == ("failed", False)
    assert "what was known before still holds" in answer.json()["lastError"]
    assert b"/srv" not in answer.content


def test_of_malware_the_report_tells_its_owner_the_class_and_the_place_and_staff_all(
    publish, alice, mona
):
    publish("notes", MALICIOUS)
    scan_all()
    address = f"{ASK}/{Scan.objects.get().pk}"

    told, packed = (Caller(alice).get(f"{address}{end}") for end in ("", "/download"))
    to_staff = Caller(mona).get(address).json()

    finding = told.json()["report"]["staticAnalysis"]["findings"][0]
    with zipfile.ZipFile(io.BytesIO(packed.getvalue())) as report:
        words = report.read("static-analysis.json").decode()
    assert (finding["file"], finding["line"], finding["evidence"]) == ("SKILL.md", 4, "")
    assert "rule" not in finding
    assert "/dev/tcp" not in words
    assert '"rule"' not in words
    assert "/dev/tcp" in to_staff["report"]["staticAnalysis"]["findings"][0]["evidence"]

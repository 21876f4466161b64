"""Publishing by client, in both styles: the answers, the refusals, and what a repetition does."""

from __future__ import annotations

import hashlib
import io
import tracemalloc
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEvent, Scope
from config.bodies import BodyTooLarge
from config.errors import DomainError
from skills import blobs, packing
from skills.bundle import read_parts
from skills.models import Skill, SkillFile, SkillHold, SkillVersion, UploadTicket
from skills.multipart import read_form
from skills.packing import SPOOL_BYTES
from skills.tickets import drop_expired
from tests.factories import store
from tests.factories.accounts import organisation
from tests.factories.publishing import BOUNDARY, SKILL_MD, Publisher
from tests.factories.store import TOMORROW, assert_nothing_left, assert_whole
from tests.factories.tokens import Caller, refusal
from tests.skills import contract
from tests.statements import asked

pytestmark = pytest.mark.django_db

FILES: dict[str, bytes] = {
    "SKILL.md": SKILL_MD,
    "LICENSE": b"p\n",
    "docs/Notes.md": b"n\n",
    "more/Notes.md": b"m\n",
    "naïve 文.txt": b"\xc3\xa9",
    "empty.txt": b"",
    "data.bin": b"\x00\xff",
}


@pytest.fixture(autouse=True)
def _empty_store():
    store.empty()


@pytest.fixture
def publisher(alice) -> Publisher:
    return Publisher(alice)


@pytest.fixture(params=["form", "tickets"])
def send(request, publisher):
    """Publish in each of the two styles: `send(FILES, version="1.0.1")`."""
    return getattr(publisher, request.param)


# --- A version, in both styles --------------------------------------------------------------------


def test_a_version_stands_with_every_file_under_its_path(send):
    answer = send(FILES, changelog="First.", tags=["latest", "stable"])

    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert contract.faults(told, contract.PUBLISHED) == []
    skill = Skill.objects.get()
    version = SkillVersion.objects.get()
    assert told == {
        "ok": True,
        "skillId": str(skill.pk),
        "versionId": str(version.pk),
        "slug": "pdf-tools",
        "version": "1.0.0",
        "status": "published",
        "publicationStatus": "published",
    }
    stored = {file.path: file.blob_id for file in version.files.all()}
    assert stored == {path: hashlib.sha256(data).hexdigest() for path, data in FILES.items()}
    assert (version.source, version.changelog) == ("cli", "First.")
    assert skill.tags == {"latest": "1.0.0", "stable": "1.0.0"}
    assert_whole(skill)


def test_the_same_publish_again_is_success_and_writes_nothing(send):
    first = send(FILES)
    rows = list(Skill.objects.values()), SkillFile.objects.count(), AuditEvent.objects.count()

    again = send(FILES)

    assert again.status_code == 200
    assert again.json() == first.json()
    assert rows == (
        list(Skill.objects.values()),
        SkillFile.objects.count(),
        AuditEvent.objects.count(),
    )


def test_another_version_follows_and_other_files_of_the_same_are_refused(send):
    send(FILES)

    assert refusal(send({"SKILL.md": SKILL_MD + b"Other.\n"})) == (409, "version_exists")
    assert send({"SKILL.md": SKILL_MD + b"Other.\n"}, version="1.0.1").status_code == 200
    assert list(SkillVersion.objects.order_by("pk").values_list("version", flat=True)) == [
        "1.0.0",
        "1.0.1",
    ]


def test_a_skill_that_is_held_back_is_pending(send):
    told = send({"SKILL.md": b"# Hi\n"}).json()

    assert SkillHold.objects.get().kind == "quality"
    assert (told["status"], told["publicationStatus"]) == ("pending", "pending")


REFUSED: list[tuple[dict[str, Any], tuple[int, str]]] = [
    ({"acceptLicenseTerms": False}, (400, "license_not_accepted")),
    ({"acceptLicenseTerms": "yes"}, (400, "license_not_accepted")),
    ({"slug": "Pdf_Tools"}, (400, "slug_invalid")),
    ({"slug": "admin"}, (400, "slug_reserved")),
    ({"slug": "official-pdf"}, (400, "slug_protected")),
    ({"slug": 7}, (400, "body_invalid")),
    ({"slug": "pdf\0tools"}, (400, "unstorable_text")),
    ({"version": "1"}, (400, "version_invalid")),
    ({"displayName": " "}, (400, "display_name_missing")),
    ({"tags": ["$latest"]}, (400, "tag_invalid")),
    ({"tags": "latest"}, (400, "body_invalid")),
    ({"topics": [1]}, (400, "body_invalid")),
    ({"categories": ["nothing"]}, (400, "category_unknown")),
    ({"ownerHandle": "nobody-here"}, (403, "not_owner")),
]


@pytest.mark.parametrize(("said", "wanted"), REFUSED)
def test_what_is_wrong_is_refused_in_plain_text_and_leaves_nothing(send, said, wanted):
    answer = send(FILES, **said)

    assert refusal(answer) == wanted
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.content.decode().strip().endswith(".")
    UploadTicket.objects.all().delete()
    assert_nothing_left()


def test_files_that_cannot_be_a_skill_are_refused(send):
    for files, wanted in (
        ({"README.md": b"# Hi\n"}, "skill_md_missing"),
        ({"SKILL.md": b"\xff"}, "skill_md_not_utf8"),
        ({"SKILL.md": SKILL_MD, "skill-card.md": b""}, "skill_card_forbidden"),
        ({"SKILL.md": SKILL_MD, "a.md": b"", "A.md": b""}, "path_duplicate"),
        ({"SKILL.md": SKILL_MD, "é.md": b"", "e\u0301.md": b""}, "path_duplicate"),
        ({"SKILL.md": SKILL_MD, "../up.md": b""}, "path_unsafe"),
        ({"SKILL.md": SKILL_MD, "a/../b.md": b""}, "path_unsafe"),
    ):
        assert refusal(send(files)) == (400, wanted)
    UploadTicket.objects.all().delete()
    assert_nothing_left()


def test_a_member_publishes_in_an_organisations_name_and_a_stranger_does_not(
    alice, charlie, publisher
):
    organisation("acme", member=alice)

    assert publisher.form(FILES, ownerHandle="@Acme").status_code == 200
    assert Skill.objects.get().owner_handle == "acme"
    assert refusal(Publisher(charlie).form(FILES, ownerHandle="acme")) == (403, "not_owner")


def test_a_key_of_a_namespace_publishes_there_and_nowhere_else(alice):
    key = Publisher(alice, namespace=organisation("acme", owner=alice))

    assert key.form(FILES).status_code == 200
    assert Skill.objects.get().owner_handle == "acme"
    assert refusal(key.form(FILES, ownerHandle="alice")) == (403, "not_owner")


def test_a_token_that_may_not_write_publishes_nothing(alice):
    reader = Publisher(alice, scopes=[Scope.SKILLS_READ])

    assert refusal(reader.form(FILES)) == (403, "scope_missing")
    assert refusal(reader.announce("SKILL.md", SKILL_MD)) == (403, "scope_missing")
    assert not Skill.objects.exists()


def test_a_banned_person_is_told_why(alice, publisher):
    alice.banned_at, alice.ban_reason = timezone.now(), "spam"
    alice.save()

    answer = publisher.form(FILES)

    assert refusal(answer) == (401, "account_banned")
    assert "spam" in answer.content.decode()


def test_neither_form_nor_json_is_refused(alice):
    answer = Caller(alice).client.post(
        "/api/v1/skills", b"x", content_type="text/plain", headers=Caller(alice).headers
    )

    assert refusal(answer) == (415, "content_type_unsupported")


# --- Forms ----------------------------------------------------------------------------------------


def test_a_form_of_ten_thousand_parts_is_refused_at_the_first_too_many(publisher):
    many = {f"f{n}.txt": b"" for n in range(10_000)} | {"SKILL.md": SKILL_MD}
    with CaptureQueriesContext(connection) as captured:
        answer = publisher.form(many)

    assert refusal(answer) == (400, "too_many_files")
    assert len(captured) <= 3
    assert_nothing_left()


def read(body: bytes, length: int | None = None) -> list[str]:
    """The paths of a form of which only so much arrives."""
    told = {
        "CONTENT_TYPE": f"multipart/form-data; boundary={BOUNDARY}",
        "CONTENT_LENGTH": str(len(body) if length is None else length),
    }
    with read_form(told, io.BytesIO(body)) as form:
        return [path for path, _stream in form.parts]


def test_a_form_that_is_too_large_is_refused_before_it_is_read():
    with pytest.raises(BodyTooLarge):
        read(b"", length=60 * 1024 * 1024)


def test_a_form_that_was_cut_off_is_refused(publisher):
    whole = publisher.encoded(FILES)

    assert read(whole) == list(FILES)
    for end in range(0, len(whole), 7):
        with pytest.raises(DomainError):
            read(whole[:end], length=len(whole))


def test_files_of_a_form_are_read_one_at_a_time(publisher):
    """Memory holds the largest file, however many there are."""
    size = 2 * 1024 * 1024
    files = {"SKILL.md": SKILL_MD} | {f"f{n}.bin": bytes([n]) * size for n in range(16)}
    whole = publisher.encoded(files)
    told = {
        "CONTENT_TYPE": f"multipart/form-data; boundary={BOUNDARY}",
        "CONTENT_LENGTH": str(len(whole)),
    }

    tracemalloc.start()
    with read_form(told, io.BytesIO(whole)) as form:
        bundle = read_parts(form.parts)
        stored = packing.store_with_archives([bundle])
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(stored) == 1
    assert bundle.size_bytes > 32 * 1024 * 1024
    assert peak < SPOOL_BYTES * 2 + 4 * size, peak


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b"no form at all", "payload_missing"),
        (
            b"--skillboard\r\nContent-Disposition: form-data; name=payload\r\n\r\n{\r\n--skillboard--",
            "body_invalid",
        ),
        (
            b"--skillboard\r\nContent-Disposition: form-data; name=payload\r\n\r\n[]\r\n--skillboard--",
            "body_invalid",
        ),
    ],
)
def test_a_form_that_says_nothing_is_refused(publisher, body, wanted):
    assert refusal(publisher.post_form(body)) == (400, wanted)


# --- Tickets --------------------------------------------------------------------------------------


def claims_of(publisher, files: dict[str, bytes] = FILES):
    return [publisher.sent(path, data) for path, data in files.items()]


def test_a_ticket_is_good_for_one_version(publisher):
    claims = claims_of(publisher)
    assert publisher.finish(claims).status_code == 200

    assert refusal(publisher.finish(claims, version="1.0.1")) == (400, "ticket_invalid")
    assert refusal(publisher.upload(claims[0]["uploadTicket"], SKILL_MD)) == (400, "ticket_invalid")
    assert SkillVersion.objects.count() == 1


def test_a_publish_that_was_not_answered_is_finished_again_with_its_tickets(publisher):
    claims = claims_of(publisher)
    first = publisher.finish(claims)

    assert publisher.finish(claims).json() == first.json()
    assert SkillVersion.objects.count() == 1


def test_a_refused_publish_leaves_its_tickets_good(publisher):
    claims = claims_of(publisher)

    assert refusal(publisher.finish(claims, version="1")) == (400, "version_invalid")
    assert publisher.finish(claims).status_code == 200


def test_tickets_of_somebody_else_are_unknown(publisher, charlie):
    claims = claims_of(publisher)
    other = Publisher(charlie)

    assert refusal(other.finish(claims)) == (400, "ticket_invalid")
    assert refusal(other.upload(claims[0]["uploadTicket"], SKILL_MD)) == (400, "ticket_invalid")
    assert not Skill.objects.exists()


def test_an_expired_ticket_is_refused_and_dropped(publisher):
    claims = claims_of(publisher)
    ticket = publisher.announce("a.txt", b"a").json()["uploadTicket"]
    UploadTicket.objects.update(expires_at=timezone.now())

    assert refusal(publisher.finish(claims)) == (400, "ticket_invalid")
    assert refusal(publisher.upload(ticket, b"a")) == (400, "ticket_invalid")

    assert drop_expired() == len(FILES) + 1
    assert drop_expired() == 0
    blobs.sweep(timezone.now() + TOMORROW)
    assert_nothing_left()


def test_bytes_of_another_size_or_hash_are_refused_and_the_ticket_stays_good(publisher):
    ticket = publisher.announce("a.txt", b"abc").json()["uploadTicket"]

    assert refusal(publisher.upload(ticket, b"abcd")) == (413, "upload_too_large")
    assert refusal(publisher.upload(ticket, b"ab")) == (400, "upload_differs")
    assert refusal(publisher.upload(ticket, b"abd")) == (400, "upload_differs")
    assert not UploadTicket.objects.filter(uploaded_at__isnull=False).exists()
    stored = publisher.upload(ticket, b"abc")
    assert stored.status_code == 200
    assert publisher.upload(ticket, b"abc").json() == stored.json()


def test_a_publish_that_names_other_files_than_were_sent_is_refused(publisher):
    claims = claims_of(publisher)
    announced = publisher.announce("b.txt", b"b").json()["uploadTicket"]
    not_sent = publisher.claim("b.txt", b"b", announced)
    bad = [
        [claims[0] | {"size": 1}, *claims[1:]],
        [claims[0] | {"sha256": "0" * 64}, *claims[1:]],
        [claims[0] | {"storageId": "st_other"}, *claims[1:]],
        [claims[0] | {"uploadTicket": ""}, *claims[1:]],
        [claims[0] | {"uploadTicket": "x" * 43}, *claims[1:]],
        [claims[0], claims[1] | {"uploadTicket": claims[0]["uploadTicket"]}],
        [*claims, not_sent],
    ]

    for files in bad:
        assert refusal(publisher.finish(files)) == (400, "ticket_invalid"), files
    assert refusal(publisher.finish([])) == (400, "skill_md_missing")
    assert refusal(publisher.finish("files")) == (400, "body_invalid")
    assert not Skill.objects.exists()


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({"size": -1}, "file_invalid"),
        ({"size": None}, "file_invalid"),
        ({"size": "1"}, "body_invalid"),
        ({"size": 10 * 1024 * 1024 + 1}, "file_too_large"),
        ({"sha256": "A" * 64}, "file_invalid"),
        ({"sha256": "\0"}, "unstorable_text"),
        ({"path": "../up"}, "path_unsafe"),
        ({"path": ""}, "path_unsafe"),
    ],
)
def test_a_file_that_cannot_be_gets_no_ticket(publisher, said, wanted):
    body = {"path": "a.txt", "size": 1, "sha256": "0" * 64} | said

    assert refusal(publisher.post("/api/v1/skills/-/upload-url", **body)) == (400, wanted)
    assert not UploadTicket.objects.exists()


def test_nobody_has_more_under_way_than_several_skills(publisher, monkeypatch):
    monkeypatch.setattr("skills.tickets.MAX_OPEN_BYTES", 5)

    assert publisher.announce("a.txt", b"abcd").status_code == 200
    assert refusal(publisher.announce("b.txt", b"ab")) == (409, "too_many_tickets")
    monkeypatch.setattr("skills.tickets.MAX_OPEN_TICKETS", 1)
    assert refusal(publisher.announce("b.txt", b"")) == (409, "too_many_tickets")


# --- What it costs --------------------------------------------------------------------------------


def counted(call) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert call().status_code == 200
    return len(asked(captured))


def test_a_skill_of_twenty_files_takes_few_statements_whatever_its_history(publisher, alice):
    def files(number: int) -> dict[str, bytes]:
        return {"SKILL.md": SKILL_MD} | {f"f{n}.txt": f"{number} {n}\n".encode() for n in range(19)}

    costs = []
    for number in range(3):
        by_form, by_tickets = files(number), claims_of(publisher, files(1000 + number))
        costs.append(counted(partial(publisher.form, by_form, version=f"1.{number}.0")))
        costs.append(counted(partial(publisher.finish, by_tickets, version=f"1.{number}.1")))

    assert max(costs) <= 25, costs
    # A version that follows costs the same, whatever went before.
    assert costs[2:4] == costs[4:6]


def test_an_owner_makes_so_many_new_skills_a_day(publisher, monkeypatch):
    monkeypatch.setattr("skills.gates.NEW_SKILLS_A_DAY", 2)
    for number in range(2):
        assert publisher.form(FILES, slug=f"tool-{number}").status_code == 200

    assert refusal(publisher.form(FILES, slug="tool-2")) == (400, "too_many_skills")
    # A version of one that stands is no new skill, and yesterday's do not count.
    assert publisher.form(FILES, slug="tool-0", version="1.1.0").status_code == 200
    Skill.objects.filter(slug="tool-0").update(created_at=timezone.now() - timedelta(days=1))
    assert publisher.form(FILES, slug="tool-2").status_code == 200

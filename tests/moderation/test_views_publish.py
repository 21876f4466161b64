"""`/publish/`: a ZIP, the checks, the form; every refusal, twice, two at once."""

from __future__ import annotations

import io
import json
import re
import zipfile
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.uploads import OneFile
from moderation import publish_checks, publish_views
from moderation.services.scans import rescan_at
from skills import tickets
from skills.lifecycle import delete_skill
from skills.models import Blob, Skill, SkillVersion, UploadTicket
from tests.factories.accounts import sign_in
from tests.factories.scans import CLEAN, MALICIOUS, SUSPICIOUS

pytestmark = pytest.mark.django_db

URL = "/publish/"
CONFIRM = "/publish/confirm/"
NOTES = {
    "SKILL.md": "---\nname: Field Notes\ndescription: Keeps notes.\nversion: 0.3.0\n---\n# Notes\n",
    "docs/more.md": "# More\n",
}


def zipped(files: dict[str, str], folder: str = "") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(folder + path, content)
    return out.getvalue()


@pytest.fixture
def own(client, alice):
    return sign_in(client, alice)


def send(client, content: bytes, query: str = ""):
    upload = SimpleUploadedFile("skill.zip", content, content_type="application/zip")
    return client.post(f"{URL}{query}", {"file": upload})


def form_of(response) -> dict[str, object]:
    """What the form of a checked ZIP would send as it stands."""
    form = response.context["form"]
    said = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in said.items() if value is not None} | {"accepted": "on"}


def page_of(response, status: int = 200) -> str:
    assert response.status_code == status
    return unescape(response.content.decode())


def test_a_zip_is_checked_and_then_published(own):
    checked = send(own, zipped(NOTES, folder="notes/"))

    page = page_of(checked)
    assert "A new skill: @alice/field-notes 0.3.0." in page
    assert "around the skill was taken off" in page
    assert "finds nothing above low" in page
    assert "docs/more.md" in page
    assert not Skill.objects.exists()

    said = form_of(checked) | {"changelog": "The first.", "categories": ["data"], "topics": "a1, b"}
    answer = own.post(CONFIRM, said)

    assert answer.url == "/me/skills/field-notes/?owner=alice"
    version = SkillVersion.objects.get()
    assert (version.version, version.source, version.changelog) == ("0.3.0", "web", "The first.")
    skill = version.skill
    assert (skill.display_name, skill.categories, skill.topics) == (
        "Field Notes",
        ["data"],
        ["a1", "b"],
    )
    assert sorted(version.files.values_list("path", flat=True)) == ["SKILL.md", "docs/more.md"]
    assert not UploadTicket.objects.filter(used_at__isnull=True).exists()
    told = page_of(own.get(answer.url))
    assert "Version 0.3.0 is published; its scan is under way." in told


def test_without_front_matter_the_file_says_the_name(own):
    said = form_of(send(own, zipped({"SKILL.md": "# Notes\n"})))

    assert (said["slug"], said["display_name"], said["version"]) == ("skill", "skill", "1.0.0")


def test_twice_is_once(own):
    said = form_of(send(own, zipped(NOTES)))

    first, second = own.post(CONFIRM, said), own.post(CONFIRM, said)

    assert first.url == second.url
    assert SkillVersion.objects.count() == 1
    assert "was published already" in page_of(own.get(second.url))


def test_the_next_version_is_suggested_and_a_number_that_was_is_refused(own, publish):
    publish("field-notes", NOTES, version="1.4.9", categories=["data"], topics=["ink"])
    changed = NOTES | {"docs/more.md": "# Even more\n"}

    checked = send(own, zipped(changed), "?owner=alice&slug=field-notes")

    assert "A new version of @alice/field-notes: 1.4.10, after 1.4.9." in page_of(checked)
    said = form_of(checked)
    assert (said["version"], said["categories"], said["topics"]) == ("1.4.10", ["data"], "ink")
    again = own.post(CONFIRM, said | {"version": "1.4.9", "check": "1"})
    assert "It cannot be published so." in page_of(again, 422)
    assert "1.4.9" in page_of(own.post(CONFIRM, said | {"version": "1.4.9"}), 422)
    assert SkillVersion.objects.count() == 1
    same = send(own, zipped(NOTES), "?owner=alice&slug=field-notes")
    same = own.post(CONFIRM, form_of(same) | {"version": "1.4.9", "check": "1"})
    assert "has version 1.4.9 with these files already" in page_of(same)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"slug": "No Slug"}, "A slug has 3 to 96 characters"),
        ({"slug": "api"}, "is reserved"),
        ({"version": "one"}, "is no version"),
        ({"display_name": ""}, "This field is required"),
        ({"tag": "ü"}, "A tag is up to 64"),
        ({"owner": "mona"}, "Select a valid choice"),
        ({"categories": ["data", "documents", "nonsense"]}, "Select a valid choice"),
        ({"topics": "a1,b1,c1,d1,e1,f1"}, "at most 5 topics"),
        ({"accepted": ""}, "free for all under MIT-0"),
    ],
)
def test_a_mistake_comes_back_with_what_was_typed(own, mona, change, told):
    said = form_of(send(own, zipped(NOTES))) | {"changelog": "Kept text."} | change

    page = page_of(own.post(CONFIRM, said), 422)

    assert told in page
    assert "Kept text." in page
    assert not Skill.objects.exists()
    assert not UploadTicket.objects.filter(used_at__isnull=False).exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"no zip at all", "ZIP"),
        (b"", "ZIP"),
        (zipped({"README.md": "# No skill\n"}), "There is no SKILL.md"),
        (zipped({"SKILL.md": "# A\n", "../up.md": "b"}), "up.md"),
        (zipped({"SKILL.md": "# A\n", "a.md": "1", "A.md": "2"}), "A.md"),
    ],
)
def test_a_file_that_is_no_skill_is_refused_with_the_reason(own, content, told):
    page = page_of(send(own, content), 422)

    assert told in page
    assert 'type="file"' in page
    assert not UploadTicket.objects.exists()


def test_no_file_and_too_large_a_body_are_refused_before_they_are_read(own, monkeypatch):
    assert "Choose a ZIP file first." in page_of(own.post(URL), 422)
    monkeypatch.setattr(publish_views, "MAX_BODY_BYTES", 100)

    assert "The file is too large" in page_of(send(own, zipped(NOTES)), 413)


def test_the_token_of_the_form_is_checked(alice):
    client = sign_in(Client(), alice)
    client.handler.enforce_csrf_checks = True

    assert send(client, zipped(NOTES)).status_code == 403
    assert not UploadTicket.objects.exists()


def test_findings_are_told_as_an_owner_is_told_of_them(own):
    doubtful = page_of(send(own, zipped(SUSPICIOUS)))
    assert "what a moderator will look at" in doubtful
    assert "SKILL.md:" in doubtful

    malware = send(own, zipped(MALICIOUS))
    page = page_of(malware)
    assert "looks like malware" in page
    told = malware.context["checks"].findings
    assert told
    # Of malware the class is told, and nothing that says what to change.
    assert {(found.rule, found.snippet) for found in told} == {("", "")}


def test_a_large_skill_is_scanned_when_it_is_published(own, monkeypatch):
    monkeypatch.setattr(publish_checks, "SCANNED_AT_ONCE", 10)

    assert "are scanned once they are published" in page_of(send(own, zipped(CLEAN)))


@pytest.mark.parametrize("fault", ["slow", "broken"])
def test_a_scan_that_takes_too_long_or_fails_keeps_nobody_from_publishing(own, monkeypatch, fault):
    if fault == "slow":
        monkeypatch.setattr(publish_checks, "SCAN_SECONDS", 0)
    else:
        # One that meets what nobody thought of.
        monkeypatch.setattr(publish_checks, "popular_names", lambda *_: 1 / 0)

    checked = send(own, zipped(MALICIOUS))

    assert "are scanned once they are published" in page_of(checked)
    assert own.post(CONFIRM, form_of(checked) | {"slug": "ink-notes"}).status_code == 302


def test_checks_are_counted(own, monkeypatch):
    monkeypatch.setattr(publish_views, "CHECKS_A_MINUTE", 2)
    said = form_of(send(own, zipped(NOTES)))
    page_of(own.post(CONFIRM, said | {"check": "1"}))

    assert send(own, zipped(NOTES)).status_code == 429
    assert own.post(CONFIRM, said | {"check": "1"}).status_code == 429
    assert own.post(CONFIRM, said).status_code == 302


def test_a_check_writes_no_row_but_tickets(own):
    checked = send(own, zipped(NOTES))
    before = {*UploadTicket.objects.values_list("key", flat=True)}
    blobs = set(Blob.objects.values_list("pk", flat=True))

    with CaptureQueriesContext(connection) as queries:
        page_of(own.post(CONFIRM, form_of(checked) | {"check": "1"}))

    assert {*UploadTicket.objects.values_list("key", flat=True)} == before
    assert not Skill.objects.exists()
    # Not even a ZIP, which the publish makes.
    assert set(Blob.objects.values_list("pk", flat=True)) == blobs
    assert len(blobs) == len(NOTES)
    assert not [q for q in queries if 'INTO "skills_blob"' in q["sql"]]
    assert len(queries) < 60


def test_many_parts_open_no_more_than_one_file(own, monkeypatch):
    kept = []
    original = OneFile.file_complete
    monkeypatch.setattr(
        OneFile, "file_complete", lambda *told: kept.append(original(*told)) or kept[-1]
    )
    parts = [SimpleUploadedFile(f"{n}.zip", b"x") for n in range(50)]
    skill = SimpleUploadedFile("skill.zip", zipped(NOTES))

    answer = own.post(URL, {"other": parts, "file": [skill, *parts]})

    assert "field-notes" in page_of(answer)
    assert len(kept) == 1


def test_a_new_version_of_a_deleted_skill_stays_deleted_and_says_so(own, alice, publish):
    skill = publish("field-notes", NOTES, version="0.1.0").skill
    delete_skill(skill=skill, actor=alice)

    page = page_of(send(own, zipped(NOTES | {"docs/more.md": "# New\n"}), "?slug=field-notes"))

    assert "It is deleted; only its owners and staff see it." in page


def test_files_of_others_and_of_long_ago_are_not_published(own, charlie):
    theirs = form_of(send(sign_in(Client(), charlie), zipped(NOTES)))
    page = page_of(own.post(CONFIRM, theirs | {"owner": "alice"}), 422)
    assert "Choose the file again." in page

    mine = form_of(send(own, zipped(NOTES)))
    UploadTicket.objects.update(expires_at=timezone.now())
    assert "longer than an hour" in page_of(own.post(CONFIRM, mine), 422)
    for claims in ("", "[]", "{", '{"files": 3}', '{"files": [{"path": "SKILL.md"}]}'):
        page_of(own.post(CONFIRM, mine | {"claims": claims}), 422)
    assert not Skill.objects.exists()


def test_names_in_the_form_are_those_of_the_files(own):
    claims = json.loads(form_of(send(own, zipped(NOTES)))["claims"])

    assert [file["path"] for file in claims["files"]] == ["SKILL.md", "docs/more.md"]
    claims["files"][1]["path"] = "../../etc/passwd"
    said = form_of(send(own, zipped(NOTES))) | {"claims": json.dumps(claims)}
    assert "Choose the file again." in page_of(own.post(CONFIRM, said), 422)


def test_a_person_with_too_much_under_way_waits(own, monkeypatch):
    monkeypatch.setattr(tickets, "MAX_OPEN_TICKETS", 3)
    page_of(send(own, zipped(NOTES)))

    assert "as much under way as one person may have" in page_of(send(own, zipped(NOTES)), 422)
    assert UploadTicket.objects.count() == 2


def test_hostile_names_are_text(own):
    hostile = {"SKILL.md": "---\nname: <script>x</script>\n---\n# A\n", "<img src=x>.md": "# B\n"}

    raw = send(own, zipped(hostile)).content.decode()

    assert "<script>x" not in raw
    assert "<img src=x>" not in raw


def test_pages_that_take_no_file_keep_none(own, tmp_path, monkeypatch):
    large = SimpleUploadedFile("x.bin", b"x" * 3_000_000)

    answer = own.post("/me/tokens/", {"label": "a", "scopes": "skills:read", "file": large})

    assert answer.status_code in {200, 302, 422}
    assert not answer.wsgi_request.FILES


def test_a_person_without_a_namespace_is_told(own, alice):
    alice.namespace.delete()

    assert "no namespace to publish in" in page_of(own.get(URL))
    assert "no namespace to publish in" in page_of(send(own, zipped(NOTES)), 422)
    assert not Blob.objects.exists()


def test_the_rest_of_a_published_skill_is_as_by_client(own):
    own.post(CONFIRM, form_of(send(own, zipped(CLEAN))))
    version = SkillVersion.objects.get()

    assert rescan_at([version.pk]) is not None
    assert re.fullmatch(r"[0-9a-f]{64}", version.archive_id)

"""Who learns why a skill is flagged or held, and how much (contract 5.5)."""

from __future__ import annotations

import pytest

from accounts.services import create_token
from skills.models import Skill
from tests.factories.accounts import sign_in
from tests.factories.scans import CLEAN, MALICIOUS, SUSPICIOUS, scan_all

URL = "/api/v1/skills/notes/moderation"


@pytest.fixture
def bearer():
    def of(user):
        _token, text = create_token(user=user, label="laptop")
        return {"authorization": f"Bearer {text}"}

    return of


@pytest.mark.django_db
def test_everybody_learns_why_a_listed_skill_is_flagged_but_not_the_text(client, publish):
    publish("notes", SUSPICIOUS)
    scan_all()

    told = client.get(URL).json()["moderation"]

    assert (told["isSuspicious"], told["isMalwareBlocked"], told["verdict"]) == (
        True,
        False,
        "suspicious",
    )
    assert told["legacyReason"] is None
    assert told["evidence"]
    for item in told["evidence"]:
        assert (item["file"], item["line"], item["evidence"]) == ("SKILL.md", 3, "")
        assert item["severity"] in {"info", "warn", "critical"}
    assert told["reasonCodes"] == sorted({item["code"] for item in told["evidence"]})


@pytest.mark.django_db
def test_nobody_else_is_told_of_what_is_clean_or_hidden(client, publish, bearer, charlie):
    publish("notes", CLEAN)
    scan_all()
    assert client.get(URL).status_code == 404
    Skill.objects.filter(slug="notes").update(
        moderation_status="hidden", moderation_reason="manual.hidden"
    )

    for headers in ({}, bearer(charlie)):
        response = client.get(URL, headers=headers)
        assert (response.status_code, response.content) == (404, b"Skill not found")


@pytest.mark.django_db
def test_owner_and_staff_learn_of_it_also_when_it_is_hidden_and_staff_the_words_of_malware(
    client, publish, bearer, alice, mona
):
    publish("notes", MALICIOUS)
    scan_all()

    for person in (alice, mona):
        told = client.get(URL, headers=bearer(person)).json()["moderation"]
        assert told["isMalwareBlocked"]
        assert told["legacyReason"] == "scanner.static.malicious"
        found = told["evidence"][0]
        assert (found["file"], found["line"]) == ("SKILL.md", 4)
        assert ("/dev/tcp/" in found["evidence"]) == (person is mona)
        assert (found["message"] == "reverse-shell") == (person is alice)


@pytest.mark.django_db
def test_the_security_tab_names_the_line(client, publish):
    publish("notes", SUSPICIOUS)
    scan_all()

    page = client.get("/skills/alice/notes/?tab=security").content.decode()

    assert "/skills/alice/notes/versions/1.0.0/files/SKILL.md#L3" in page
    assert "What was found" in page


@pytest.mark.django_db
def test_the_security_tab_of_a_blocked_version_shows_the_words_to_those_who_decide(
    client, publish, mona
):
    publish("notes", CLEAN, version="1.0.0")
    publish("notes", MALICIOUS, version="1.1.0")
    scan_all()
    tab = "/skills/alice/notes/versions/1.1.0/?tab=security"

    seen = client.get(tab).content.decode()
    told = sign_in(client, mona).get(tab).content.decode()

    for page in (seen, told):
        assert "is blocked: a scan found malware" in page
        assert "files/SKILL.md#L4" not in page
        assert "reverse shell" in page
    assert "<code>SKILL.md:4</code>" in told
    assert "<code>SKILL.md:4</code>" not in seen
    assert "/dev/tcp/" in told
    assert "/dev/tcp/" not in seen


@pytest.mark.django_db
def test_words_of_a_finding_are_escaped(client, publish, mona):
    publish("notes", {"SKILL.md": MALICIOUS["SKILL.md"].replace("4444", "4444 <img src=x>\u202e")})
    scan_all()

    page = sign_in(client, mona).get("/skills/alice/notes/?tab=security").content.decode()

    assert "4444 &lt;img src=x&gt;" in page
    assert "\u202e" not in page

"""Whether a version passes, and why not (contract 5.15)."""

from __future__ import annotations

import hashlib

import pytest
from django.utils import timezone

from accounts.services import create_token
from skills.fingerprint import fingerprint
from skills.models import Skill, SkillVersion
from skills.standing import settle
from tests.factories.scans import CLEAN, MALICIOUS, SUSPICIOUS, scan_all
from tests.factories.skills import hold
from tests.skills import contract

pytestmark = pytest.mark.django_db

URL = "/api/v1/skills/notes/verify"


def told(client, query: str = ""):
    response = client.get(f"{URL}{query}")
    assert response.status_code == 200, response.content
    assert contract.faults(response.json(), contract.VERIFY) == []
    return response.json()


def decision(client, query: str = "") -> tuple[bool, str, list[str], str]:
    said = told(client, query)
    return said["ok"], said["decision"], said["reasons"], said["security"]["word"]


def decide(**columns) -> None:
    """Let staff have said this of every version."""
    SkillVersion.objects.update(**columns)
    settle(Skill.objects.values_list("pk", flat=True))


def test_a_clean_version_passes(client, publish):
    publish("notes", CLEAN)
    assert decision(client) == (False, "fail", ["not_scanned"], "Not scanned")

    scan_all()

    assert decision(client) == (True, "pass", [], "Clean")


def test_a_scan_that_failed_is_no_scan(client, publish):
    publish("notes", CLEAN)
    decide(scan_state="failed")

    assert decision(client) == (False, "fail", ["not_scanned"], "Not scanned")
    assert told(client)["security"]["status"] == "error"


@pytest.mark.parametrize(
    ("decision", "wanted"),
    [("", ["suspicious"]), ("caution", ["caution"]), ("approved", [])],
)
def test_a_decision_of_staff_outranks_the_scan(client, publish, decision, wanted):
    publish("notes", SUSPICIOUS)
    scan_all()
    decide(decision=decision)

    assert told(client)["reasons"] == wanted
    assert told(client)["ok"] is (wanted == [])


@pytest.mark.parametrize("decision", ["changes", "hidden"])
def test_a_version_that_staff_hold_fails_beside_one_that_passes(client, publish, decision):
    publish("notes", CLEAN, version="1.0.0")
    publish("notes", CLEAN | {"more.txt": "more\n"}, version="2.0.0")
    scan_all()
    SkillVersion.objects.filter(version="1.0.0").update(decision=decision)

    assert told(client)["ok"] is True
    said = told(client, "?version=1.0.0")
    assert (said["reasons"], said["card"]["available"]) == (["hidden"], False)


def test_the_version_that_is_asked_for_is_judged(client, publish):
    publish("notes", SUSPICIOUS, version="1.0.0", tags=["old"])
    publish("notes", CLEAN, version="2.0.0")
    publish("notes", MALICIOUS, version="3.0.0", tags=["next"])
    scan_all()

    said = {q: told(client, q) for q in ("", "?version=v1.0.0", "?tag=old", "?version=3.0.0")}

    assert [(s["version"], s["resolvedFrom"], s["tag"], s["reasons"]) for s in said.values()] == [
        ("2.0.0", "latest", None, []),
        ("1.0.0", "version", None, ["suspicious"]),
        ("1.0.0", "tag", "old", ["suspicious"]),
        ("3.0.0", "version", None, ["malicious"]),
    ]
    assert [s["pageUrl"].split("/skills/")[1] for s in said.values()] == [
        "alice/notes/",
        "alice/notes/versions/1.0.0/",
        "alice/notes/versions/1.0.0/",
        "alice/notes/versions/3.0.0/",
    ]


def test_what_is_handed_out_no_more_fails_but_can_be_recognised(client, publish):
    publish("notes", CLEAN, version="1.0.0")
    publish("notes", CLEAN | {"more.txt": "more\n"}, version="2.0.0")
    scan_all()
    SkillVersion.objects.filter(version="1.0.0").update(withdrawn_at=timezone.now())

    said = told(client, "?version=1.0.0")

    assert (said["ok"], said["reasons"]) == (False, ["withdrawn"])
    assert said["card"] == {"available": False, "url": None}
    assert said["artifact"]["downloadUrl"] is None
    assert len(said["artifact"]["sha256"]) == 64


def test_the_hashes_are_those_of_what_is_served(client, publish):
    files = CLEAN | {"a.json": "{}\n", "LICENSE": "p\n"}
    publish("notes", files)
    scan_all()

    artifact = told(client)["artifact"]

    archive = b"".join(client.get("/api/v1/download?slug=notes").streaming_content)
    assert artifact["sha256"] == hashlib.sha256(archive).hexdigest()
    assert (artifact["size"], artifact["fileCount"]) == (len(archive), 3)
    assert artifact["fingerprint"] == fingerprint(
        (path, hashlib.sha256(text.encode()).hexdigest()) for path, text in files.items()
    )
    hashed = artifact["fingerprint"]
    resolved = client.get(f"/api/v1/resolve?slug=notes&hash={hashed}").json()
    assert resolved["match"] == {"version": "1.0.0"}


def test_the_card_is_the_text_about_the_version(client, publish):
    publish("notes", CLEAN)

    card = told(client)["card"]

    assert card["available"] is True
    path = card["url"].split("://", 1)[1].split("/", 1)[1]
    served = b"".join(client.get(f"/{path}").streaming_content).decode()
    assert served == CLEAN["SKILL.md"]


def test_who_published_it_and_how(client, publish, alice):
    publish("notes", CLEAN, actor=alice, source="cli")
    assert told(client)["provenance"] == {"source": "cli", "publishedBy": "alice"}

    SkillVersion.objects.update(source="import", published_by=None)
    assert told(client)["provenance"] == {"source": "import", "publishedBy": None}


def test_unknown_versions_and_hidden_skills_are_answered_as_everywhere(client, publish, alice):
    skill = publish("notes", CLEAN).skill
    for query in ("?version=9.9.9", "?tag=nothing"):
        response = client.get(URL + query)
        assert (response.status_code, response.content) == (404, b"Version not found")
    hold(skill, "hidden")
    _token, text = create_token(user=alice, label="laptop")

    stranger = client.get(URL)
    owner = client.get(URL, headers={"authorization": f"Bearer {text}"})

    assert (stranger.status_code, stranger.content) == (404, b"Skill not found")
    assert (owner.status_code, owner.headers["X-Error-Code"]) == (403, "hidden")

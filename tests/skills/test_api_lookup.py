"""From what a client types to the skill: owners, old names, and who is told what is withheld."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from accounts.services import create_token
from skills.models import Skill, SkillAlias
from tests.factories.skills import publish_skill
from tests.skills import contract

pytestmark = pytest.mark.django_db

HASH = "0" * 64
# Every call that names a skill; `{}` takes the percent-encoded name.
CALLS = {
    "detail": "/skills/{}",
    "versions": "/skills/{}/versions",
    "version": "/skills/{}/versions/1.0.0",
    "file": "/skills/{}/file?path=SKILL.md",
    "install": "/skills/{}/install",
    "verify": "/skills/{}/verify",
    "resolve": f"/resolve?slug={{}}&hash={HASH}",
    "download": "/download?slug={}",
}


def address(call: str, name: str, **query: str) -> str:
    path = "/api/v1" + call.format(quote(name, safe=""))
    extra = "&".join(f"{key}={quote(value, safe='')}" for key, value in query.items())
    return path if not extra else f"{path}{'&' if '?' in path else '?'}{extra}"


def bearer(user, **said) -> dict[str, str]:
    _row, text = create_token(user=user, label="test", **said)
    return {"Authorization": f"Bearer {text}"}


def test_an_unknown_skill_is_a_plain_404_in_the_clients_words(client, db):
    for call in CALLS.values():
        response = client.get(address(call, "nobody-has-this"))

        assert response.status_code == 404
        assert response.content == b"Skill not found"
        assert response.headers["Content-Type"].startswith("text/plain")
        assert response.headers["X-Error-Code"] == "skill_not_found"


def test_the_owner_may_stand_in_the_name_and_case_does_not_matter(client, publish):
    publish("pdf-tools")

    for call in CALLS.values():
        for name in ("@alice/pdf-tools", "@Alice/pdf-tools", "alice/pdf-tools", "PDF-Tools"):
            # A bare owner/slug needs no path of its own: no client sends one.
            if name.startswith("alice/") and "/skills/" in call:
                continue
            assert client.get(address(call, name)).status_code == 200, (call, name)


def test_the_owner_may_stand_beside_the_name(client, publish, charlie):
    publish("pdf-tools")
    publish_skill(namespace=charlie.namespace, slug="pdf-tools")

    for call in CALLS.values():
        assert client.get(address(call, "pdf-tools")).status_code == 409
        for parameter in ("ownerHandle", "owner"):
            for owner in ("alice", "@Alice", "  @ALICE  "):
                path = address(call, "pdf-tools", **{parameter: owner})
                assert client.get(path).status_code == 200, path


def test_another_owner_than_the_named_one_is_not_found(client, publish, charlie):
    publish("pdf-tools")

    for call in CALLS.values():
        for path in (
            address(call, "pdf-tools", ownerHandle="charlie"),
            address(call, "@charlie/pdf-tools"),
        ):
            response = client.get(path)
            assert (response.status_code, response.content) == (404, b"Skill not found"), path


def test_an_old_name_leads_to_the_new_skill(client, publish):
    skill = publish("pdf-tools").skill
    SkillAlias.objects.create(namespace=skill.namespace, slug="old-name", skill=skill)

    for call in CALLS.values():
        for name in ("old-name", "@alice/old-name", "OLD-name"):
            response = client.get(address(call, name))

            assert response.status_code == 200, (call, name)
            if response.headers["Content-Type"] == "application/json":
                answer = response.json()
                told = answer.get("slug") or answer.get("skill", {}).get("slug") or "pdf-tools"
                assert told == "pdf-tools"


def test_a_hidden_namesake_does_not_make_a_name_ambiguous(client, publish, charlie):
    publish("pdf-tools")
    other = publish_skill(namespace=charlie.namespace, slug="pdf-tools").skill
    hold(other, "hidden")

    response = client.get("/api/v1/skills/pdf-tools")

    assert response.status_code == 200
    assert response.json()["owner"]["handle"] == "alice"


# --- Withheld skills ------------------------------------------------------------------------------


def hold(skill: Skill, situation: str) -> None:
    """Bring a skill into a situation of the truth table."""
    now = datetime.now(UTC)
    if situation == "deleted":
        skill.soft_deleted_at = now
    elif situation == "removed":
        skill.moderation_status, skill.moderation_reason = "removed", "manual.removed"
    elif situation == "malicious":
        skill.moderation_status, skill.moderation_reason = "hidden", "scanner.static.malicious"
        skill.moderation_flags = ["blocked.malware"]
    elif situation == "withdrawn":
        for version in skill.versions.all():
            version.withdrawn_at = now
            version.save()
        return
    else:
        skill.moderation_status = "hidden"
        skill.moderation_reason = {"hidden": "manual.hidden", "held": "quality.low"}[situation]
    skill.save()


# Situation: what a stranger's install and download say, and what the owner is told everywhere.
TRUTH = {
    "hidden": (403, 403, "hidden"),
    "held": (403, 403, "hidden"),
    "malicious": (403, 403, "malicious"),
    "removed": (410, 410, "removed"),
    "withdrawn": (410, 410, "withdrawn"),
    "deleted": (404, 410, "deleted"),
}
every_situation = pytest.mark.parametrize("situation", TRUTH)


@every_situation
def test_a_stranger_reads_nothing_of_a_withheld_skill(client, publish, charlie, situation):
    hold(publish("pdf-tools").skill, situation)
    asked = [CALLS[call] for call in ("detail", "versions", "version", "file", "resolve")]

    for headers in ({}, bearer(charlie)):
        for call in asked:
            response = client.get(address(call, "pdf-tools"), headers=headers)
            assert (response.status_code, response.content) == (404, b"Skill not found"), call


@every_situation
def test_install_and_download_follow_the_truth_table_for_everybody(client, publish, situation):
    hold(publish("pdf-tools").skill, situation)
    status, _owner, code = TRUTH[situation]

    download = client.get("/api/v1/download?slug=pdf-tools&version=1.0.0")
    install = client.get("/api/v1/skills/pdf-tools/install")

    assert (download.status_code, install.status_code) == (status, status)
    assert download.headers["Content-Type"].startswith("text/plain")
    if status == 404:
        assert download.content == install.content == b"Skill not found"
        return
    assert download.headers["X-Error-Code"] == install.headers["X-Error-Code"] == code
    told = install.json()
    assert contract.faults(told, contract.INSTALL_REFUSED) == []
    assert (told["slug"], told["status"]) == ("pdf-tools", status)
    assert told["message"] == download.content.decode()


@every_situation
def test_its_owner_and_staff_are_told_why(client, publish, alice, mona, situation):
    hold(publish("pdf-tools").skill, situation)
    _stranger, status, code = TRUTH[situation]

    for headers in (bearer(alice), bearer(mona)):
        for call in CALLS.values():
            response = client.get(address(call, "pdf-tools"), headers=headers)
            assert response.status_code == status, call
            assert response.headers["X-Error-Code"] == code
            assert b"pdf-tools" in response.content


def test_the_owner_of_a_deleted_skill_is_told_how_to_bring_it_back(client, publish, alice):
    hold(publish("pdf-tools").skill, "deleted")

    response = client.get("/api/v1/skills/pdf-tools", headers=bearer(alice))

    assert b"undelete" in response.content


def test_a_token_without_the_right_to_read_skills_is_a_stranger(client, publish, alice):
    hold(publish("pdf-tools").skill, "hidden")

    response = client.get("/api/v1/skills/pdf-tools", headers=bearer(alice, scopes=["traces:read"]))

    assert response.status_code == 404


def test_a_public_skill_that_carries_malware_is_never_handed_out(client, publish):
    skill = publish("pdf-tools").skill
    skill.moderation_flags = ["blocked.malware"]
    skill.save()

    detail = client.get("/api/v1/skills/pdf-tools").json()

    assert detail["moderation"]["isMalwareBlocked"] is True
    assert client.get("/api/v1/download?slug=pdf-tools").status_code == 403
    assert client.get("/api/v1/skills/pdf-tools/install").status_code == 403


def test_a_strangers_hidden_skill_does_not_block_the_old_name_of_a_public_one(
    client, publish, charlie
):
    renamed = publish("new-name").skill
    SkillAlias.objects.create(namespace=renamed.namespace, slug="old-name", skill=renamed)
    hidden = publish("old-name", namespace=charlie.namespace).skill
    Skill.objects.filter(pk=hidden.pk).update(moderation_status="hidden")

    answer = client.get("/api/v1/skills/old-name")

    assert answer.status_code == 200
    assert answer.json()["skill"]["slug"] == "new-name"

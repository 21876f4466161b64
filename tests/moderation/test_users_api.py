"""Bans as the contract spells them (5.19)."""

from __future__ import annotations

import json

import pytest

from accounts.models import AuditEvent, Scope, User
from accounts.services import create_token
from tests.skills import contract

pytestmark = pytest.mark.django_db

BAN = {"ok": {True}, "alreadyBanned": bool, "deletedSkills": int}
UNBAN = {"ok": {True}, "alreadyUnbanned": bool, "restoredSkills?": int}
RECLASSIFY = {
    "ok": {True},
    "dryRun": bool,
    "userId": str,
    "handle": (str, None),
    "previousReason": (str, None),
    "nextReason": str,
    "changed": bool,
}


@pytest.fixture
def api(client):
    """Post as this person: `api(mona, "ban", handle="alice")`; with the token of these scopes."""

    def ask(person, call: str, scopes=None, **body):
        _token, text = create_token(user=person, label="desk", scopes=scopes)
        return client.post(
            f"/api/v1/users/{call}",
            json.dumps(body),
            content_type="application/json",
            headers={"authorization": f"Bearer {text}"},
        )

    return ask


def read(response, shape):
    assert response.status_code == 200, response.content
    assert contract.faults(response.json(), shape) == []
    return response.json()


def refusal(response) -> tuple[int, str]:
    return response.status_code, response.headers["X-Error-Code"]


def test_a_moderator_bans_and_an_admin_unbans(api, publish, alice, mona, ada):
    publish("one-skill")
    publish("two-skills")

    said = read(api(mona, "ban", handle="@Alice", reason="Spam."), BAN)
    assert said == {"ok": True, "alreadyBanned": False, "deletedSkills": 2, "isUnderWay": False}
    assert read(api(mona, "ban", handle="alice"), BAN)["alreadyBanned"] is True
    assert User.objects.get(pk=alice.pk).ban_reason == "Spam."

    said = read(api(ada, "unban", userId=str(alice.pk), reason="Wrong person."), UNBAN)
    assert (said["alreadyUnbanned"], said["restoredSkills"]) == (False, 2)
    assert read(api(ada, "unban", handle="alice"), UNBAN)["alreadyUnbanned"] is True
    assert AuditEvent.objects.get(verb="user.unban").reason == "Wrong person."


def test_an_old_client_bans_without_a_reason(api, alice, mona):
    read(api(mona, "ban", handle="alice"), BAN)

    assert User.objects.get(pk=alice.pk).banned_at is not None


def test_a_reason_is_rehearsed_unless_it_says_otherwise(api, alice, mona, ada):
    asked = {"handle": "alice", "reason": "Spam."}
    assert refusal(api(ada, "reclassify-ban", **asked)) == (409, "not_banned")
    api(mona, "ban", handle="alice", reason="Other.")

    said = read(api(ada, "reclassify-ban", **asked), RECLASSIFY)
    assert (said["dryRun"], said["changed"], said["previousReason"]) == (True, True, "Other.")
    assert User.objects.get(pk=alice.pk).ban_reason == "Other."

    said = read(api(ada, "reclassify-ban", **asked, dryRun=False), RECLASSIFY)
    assert (said["dryRun"], said["changed"], said["nextReason"]) == (False, True, "Spam.")
    assert User.objects.get(pk=alice.pk).ban_reason == "Spam."
    assert refusal(api(ada, "reclassify-ban", **asked, dryRun="no")) == (400, "body_invalid")
    assert refusal(api(ada, "reclassify-ban", handle="alice")) == (400, "body_invalid")


def test_who_may_not_is_told_so(api, alice, charlie, mona, ada):
    assert refusal(api(charlie, "ban", handle="alice")) == (403, "scope_missing")
    narrow = api(mona, "ban", [Scope.SKILLS_WRITE], handle="alice")
    assert refusal(narrow) == (403, "scope_missing")
    assert refusal(api(mona, "ban", handle="ada")) == (403, "ban_refused")
    assert refusal(api(mona, "ban", handle="mona")) == (403, "ban_refused")
    assert refusal(api(mona, "unban", handle="alice")) == (403, "scope_missing")
    assert refusal(api(mona, "reclassify-ban", handle="alice")) == (403, "scope_missing")
    assert refusal(api(ada, "unban", [Scope.MODERATE], handle="alice")) == (403, "scope_missing")
    assert not User.objects.filter(banned_at__isnull=False).exists()


def test_what_is_not_understood_bans_nobody(api, alice, mona):
    assert refusal(api(mona, "ban")) == (400, "body_invalid")
    assert refusal(api(mona, "ban", handle="nobody")) == (404, "person_not_found")
    assert refusal(api(mona, "ban", handle="alice", reason="x" * 501)) == (400, "body_invalid")
    assert refusal(api(mona, "ban", handle="alice", reason="a\0b")) == (400, "unstorable_text")
    assert not User.objects.filter(banned_at__isnull=False).exists()

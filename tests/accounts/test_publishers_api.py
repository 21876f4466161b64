"""`POST /api/v1/publishers`: an organisation made by client, who may, and what is refused."""

from __future__ import annotations

import pytest

from accounts import organisations
from accounts.models import Membership, Namespace, Scope
from accounts.services import create_token
from skills.models import Skill
from tests.factories.skills import publish_skill

pytestmark = pytest.mark.django_db

URL = "/api/v1/publishers"


def ask(client, user, *scopes: Scope, **body):
    _token, text = create_token(user=user, label="cli", scopes=[*scopes] or None)
    return client.post(
        URL, body, content_type="application/json", headers={"authorization": f"Bearer {text}"}
    )


def refusal(response) -> tuple[int, str]:
    return response.status_code, response.headers["X-Error-Code"]


def test_whoever_makes_one_owns_it_and_publishes_in_its_name(client, alice):
    answer = ask(client, alice, handle="acme", displayName="Acme Tools")

    made = Namespace.objects.get(handle="acme")
    assert (answer.status_code, answer.json()) == (
        201,
        {
            "ok": True,
            "publisherId": str(made.pk),
            "handle": "acme",
            "created": True,
            "trusted": False,
        },
    )
    assert made.display_name == "Acme Tools"
    assert Membership.objects.get(namespace=made).role == "owner"
    publish_skill(namespace=made, slug="notes", actor=alice)
    assert Skill.objects.get().owner_handle == "acme"


def test_a_name_that_is_taken_or_none_is_refused(client, alice, charlie, monkeypatch):
    ask(client, alice, handle="acme")

    assert refusal(ask(client, charlie, handle="Acme")) == (409, "handle_taken")
    assert refusal(ask(client, alice, handle="acme")) == (409, "handle_taken")
    assert refusal(ask(client, alice, handle="charlie")) == (409, "handle_taken")
    assert ask(client, alice, handle="").status_code == 400
    assert ask(client, alice, handle="api").status_code == 400
    assert ask(client, alice, handle=["acme"]).status_code == 400
    assert ask(client, alice, handle="a\0b").status_code == 400
    monkeypatch.setattr(organisations, "NAMESPACES_PER_USER", 1)
    assert refusal(ask(client, alice, handle="beta")) == (409, "too_many_namespaces")
    assert Namespace.objects.filter(kind="org").count() == 1


def test_a_token_that_only_reads_makes_none(client, alice):
    answer = ask(client, alice, Scope.SKILLS_READ, handle="acme")

    assert refusal(answer) == (403, "scope_missing")
    assert refusal(client.post(URL, {}, content_type="application/json")) == (401, "token_missing")
    assert not Namespace.objects.filter(handle="acme").exists()

"""`whoami`: a sentence of its own for each token that opens nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import ApiToken
from accounts.services import create_token, revoke_token
from tests.skills import contract

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(alice):
    return create_token(user=alice, label="laptop")


def whoami(client, text: object):
    return client.get("/api/v1/whoami", headers={"Authorization": f"Bearer {text}"})


def test_a_token_says_who_its_holder_is(client, alice, key):
    alice.display_name = "Alice A."
    alice.save()

    response = whoami(client, key[1])

    assert response.status_code == 200
    assert contract.faults(response.json(), contract.WHOAMI) == []
    assert response.json()["user"] == {
        "handle": "alice",
        "displayName": "Alice A.",
        "image": None,
        "role": "user",
    }


@pytest.mark.parametrize(
    ("scopes", "role"), [(None, "admin"), (["moderate"], "moderator"), (["skills:read"], "user")]
)
def test_the_role_is_what_the_token_may_use(client, ada, scopes, role):
    _token, text = create_token(user=ada, label="laptop", scopes=scopes)

    assert whoami(client, text).json()["user"]["role"] == role


def test_each_reason_has_a_sentence_of_its_own(client, alice):
    told = {}
    told["token_missing"] = client.get("/api/v1/whoami")
    told["token_invalid"] = whoami(client, "skb_nonsense")
    token, text = create_token(user=alice, label="revoked")
    revoke_token(token=token, actor=alice)
    told["token_revoked"] = whoami(client, text)
    token, text = create_token(user=alice, label="expired")
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    told["token_expired"] = whoami(client, text)
    _token, text = create_token(user=alice, label="banned")
    alice.banned_at, alice.ban_reason = timezone.now(), "spam in ten skills"
    alice.save()
    told["account_banned"] = whoami(client, text)

    for code, response in told.items():
        assert response.status_code == 401
        assert response.headers["X-Error-Code"] == code
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        # The client replaces this word by a hint of its own.
        assert response.content.lower() != b"unauthorized"
    assert len({response.content for response in told.values()}) == len(told)
    assert b"spam in ten skills" in told["account_banned"].content


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer  ", "bearer\tx", ""])
def test_a_header_of_another_kind_is_refused_with_advice(client, db, header):
    response = client.get("/api/v1/whoami", headers={"Authorization": header})

    assert response.status_code == 401
    assert b"token" in response.content.lower()


def test_half_a_token_opens_nothing(client, key):
    text = str(key[1])
    changed = text[:-1] + ("0" if text[-1] != "0" else "1")

    for guess in (text[:-1], changed, text.upper(), text + "0"):
        assert whoami(client, guess).status_code == 401

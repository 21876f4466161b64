"""Signing in with a token, as the client's user sees it."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from accounts.services import create_token, revoke_token

pytestmark = pytest.mark.client


def test_a_good_token_signs_in_and_out(clawhub, alice):
    _token, text = create_token(user=alice, label="laptop")

    login = clawhub.run("login", "--token", str(text))
    assert (login.code, "Logged in as @alice" in login.text) == (0, True), login.text
    assert json.loads(clawhub.config.read_text())["token"] == str(text)
    whoami = clawhub.run("whoami")
    assert (whoami.code, "alice" in whoami.text) == (0, True), whoami.text

    assert clawhub.run("logout").code == 0
    assert "token" not in json.loads(clawhub.config.read_text())
    assert clawhub.run("whoami").code == 1


def test_each_bad_token_is_refused_with_our_sentence(clawhub, alice, charlie):
    revoked, revoked_text = create_token(user=alice, label="laptop")
    revoke_token(token=revoked, actor=alice)
    _token, banned_text = create_token(user=charlie, label="laptop")
    charlie.banned_at, charlie.ban_reason = timezone.now(), "spam in ten skills"
    charlie.save()

    for token, sentence in (
        ("skb_nonsense", "This token is not known here"),
        (str(revoked_text), "This token was revoked"),
        (str(banned_text), "This account is banned: spam in ten skills"),
    ):
        login = clawhub.run("login", "--token", token)

        assert login.code == 1
        assert sentence in login.text
        assert "token" not in json.loads(clawhub.config.read_text())

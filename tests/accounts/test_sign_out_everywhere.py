"""Signing out everywhere: browsers, half sign-ins and command lines end, tokens stay."""

from __future__ import annotations

from functools import partial

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import AuditEvent
from accounts.services import authenticate_token, create_token
from accounts.sessions import (
    LoginRefused,
    answer_login,
    complete_login,
    exchange_code,
    sign_out_everywhere,
    start_login,
)
from tests.config.rivals import meet
from tests.factories.accounts import code_at, session_of, sign_in, sign_in_with_app, with_app

pytestmark = pytest.mark.django_db


def is_signed_in(client: Client) -> bool:
    return client.get("/me/tokens/").status_code == 200


def test_signing_out_everywhere_ends_browsers_and_command_lines_but_no_token(client, alice):
    sign_in(client, alice)
    other = sign_in(Client(), alice)
    session, _text = session_of(alice)
    token, token_text = create_token(user=alice, label="laptop")
    assert client.get("/me/security/sign-out/").status_code == 200
    assert is_signed_in(other)

    assert client.post("/me/security/sign-out/").headers["Location"] == "/login/"

    assert not is_signed_in(client)
    assert not is_signed_in(other)
    session.refresh_from_db()
    assert session.revoked_at is not None
    assert authenticate_token(str(token_text)) == token
    assert AuditEvent.objects.get(verb="session.end_everywhere").actor == alice
    again = sign_in(Client(), alice)
    assert is_signed_in(again)
    again.post("/me/security/sign-out/")
    assert not is_signed_in(again)


def test_nobody_else_is_signed_out(client, alice, charlie):
    sign_in(client, charlie)
    sign_out_everywhere(user=alice, actor=alice)

    assert is_signed_in(client)


def test_a_session_outlives_a_change_of_the_sites_key(client, alice, settings):
    sign_out_everywhere(user=alice, actor=alice)
    sign_in(client, alice)
    late = sign_in(Client(), alice)
    settings.SECRET_KEY, former = "another" * 10, settings.SECRET_KEY
    settings.SECRET_KEY_FALLBACKS = [former]

    assert is_signed_in(client)
    settings.SECRET_KEY_FALLBACKS = []
    assert is_signed_in(client)
    assert not is_signed_in(late)


def test_half_a_sign_in_ends_too(client, alice):
    secret = with_app(alice)
    sign_in(client, alice)
    sign_out_everywhere(user=alice, actor=alice)

    assert client.post("/login/code/", {"code": code_at(secret)}).headers["Location"] == "/login/"
    assert not is_signed_in(client)


def test_a_login_that_was_approved_and_not_fetched_ends_too(alice, charlie):
    login, state = start_login(device_id="laptop")
    answer_login(login=login, user=alice, approve=True)
    other, other_state = start_login(device_id="tablet")
    answer_login(login=other, user=charlie, approve=True)

    sign_out_everywhere(user=alice, actor=alice)

    with pytest.raises(LoginRefused) as refused:
        complete_login(state=state, code=exchange_code(state))
    assert refused.value.code == "login_denied"
    assert AuditEvent.objects.get(verb="login.deny").object_label == "laptop"
    assert complete_login(state=other_state, code=exchange_code(other_state))


@pytest.mark.django_db(transaction=True)
def test_a_login_that_is_fetched_or_approved_meanwhile_opens_nothing_after(alice):
    login, state = start_login(device_id="laptop")
    answer_login(login=login, user=alice, approve=True)
    everywhere = partial(sign_out_everywhere, user=alice, actor=alice)
    fetch = partial(complete_login, state=state, code=exchange_code(state))

    _ended, fetched = meet(everywhere, fetch)
    assert fetched.code == "login_denied"

    login, state = start_login(device_id="laptop")
    approve = partial(answer_login, login=login, user=alice, approve=True)
    fetch = partial(complete_login, state=state, code=exchange_code(state))
    meet(approve, everywhere)
    with pytest.raises(LoginRefused):
        fetch()

    login, state = start_login(device_id="laptop")
    answer_login(login=login, user=alice, approve=True)
    fetch = partial(complete_login, state=state, code=exchange_code(state))
    meet(fetch, everywhere)
    assert not alice.device_sessions.usable().exists()


def test_an_operator_takes_lost_factors_away(client, alice, capsys):
    sign_in_with_app(client, alice, with_app(alice))
    session_of(alice)
    login, _state = start_login(device_id="tablet")
    answer_login(login=login, user=alice, approve=True)

    call_command("drop_factors", "Alice")

    assert "Taken away: 1." in capsys.readouterr().out
    assert not Authenticator.objects.filter(user=alice).exists()
    assert not is_signed_in(client)
    assert AuditEvent.objects.get(verb="factor.drop").before == {"kinds": ["totp"]}
    for verb in ("factor.drop", "session.end_everywhere", "session.end", "login.deny"):
        assert AuditEvent.objects.get(verb=verb).actor is None, verb
    with pytest.raises(CommandError):
        call_command("drop_factors", "nobody")

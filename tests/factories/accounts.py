"""Signing in as the cast of tests/conftest.py, on pages and on command lines."""

from __future__ import annotations

import time
from typing import Any

from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value
from django.test import Client

from accounts.factors import add_app
from accounts.models import DeviceSession, MemberRole, Membership, Namespace, User
from accounts.sessions import answer_login, complete_login, exchange_code, start_login
from accounts.tokens import TokenText


def password_of(person: User) -> str:
    """The password that tests/conftest.py gives everybody."""
    return f"{person.handle}-keeps-a-secret"


def sign_in(client: Client, person: User, **headers: Any) -> Client:
    """Sign in as a browser does, through the form; returns the client."""
    typed = {"username": person.handle, "password": password_of(person)}
    response = client.post("/login/", typed, **headers)
    assert response.status_code == 302, response.content.decode()
    return client


def code_at(secret: str, step: int = 0) -> str:
    """The code an authenticator app shows now, or so many half minutes later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + step))


def with_app(person: User) -> str:
    """Give a person an authenticator app, set up a moment ago; returns its secret."""
    secret = generate_totp_secret()
    # With the code of the moment before, so that the one of now can be used.
    add_app(user=person, secret=secret, code=code_at(secret, -1))
    return secret


def sign_in_with_app(client: Client, person: User, secret: str, **headers: Any) -> Client:
    """Sign in by password and by the code of this moment; returns the client."""
    sign_in(client, person, **headers)
    response = client.post("/login/code/", {"code": code_at(secret)}, **headers)
    assert response.status_code == 302, response.content.decode()
    return client


def session_of(person: User, device_id: str = "laptop") -> tuple[DeviceSession, TokenText]:
    """A command line that this person signed in, and its token."""
    login, state = start_login(device_id=device_id)
    answer_login(login=login, user=person, approve=True)
    return complete_login(state=state, code=exchange_code(state))


def organisation(handle: str, **members: User) -> Namespace:
    """An organisation and who is in it: `organisation("acme", owner=alice, member=bob)`."""
    made = Namespace.objects.create(handle=handle, kind="org", display_name=handle.title())
    for role, person in members.items():
        Membership.objects.create(namespace=made, user=person, role=MemberRole(role))
    return made

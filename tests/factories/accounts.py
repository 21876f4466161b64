"""Signing in as the cast of tests/conftest.py, on pages and on command lines."""

from __future__ import annotations

from typing import Any

from django.test import Client

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

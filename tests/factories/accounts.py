"""Signing in as the cast of tests/conftest.py."""

from __future__ import annotations

from typing import Any

from django.test import Client

from accounts.models import User


def password_of(person: User) -> str:
    """The password that tests/conftest.py gives everybody."""
    return f"{person.handle}-keeps-a-secret"


def sign_in(client: Client, person: User, **headers: Any) -> Client:
    """Sign in as a browser does, through the form; returns the client."""
    typed = {"username": person.handle, "password": password_of(person)}
    response = client.post("/login/", typed, **headers)
    assert response.status_code == 302, response.content.decode()
    return client

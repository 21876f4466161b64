"""Calling the API as somebody: a token in the header, JSON in the body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from django.test import Client

from accounts.models import User
from accounts.services import create_token


class Caller:
    """A program with a token of `person`: `Caller(mona).post(address, note="…")`."""

    def __init__(self, person: User, scopes: Sequence[str] | None = None, **told: Any) -> None:
        _token, text = create_token(user=person, label="program", scopes=scopes, **told)
        self.headers = {"authorization": f"Bearer {text}"}
        self.client = Client()

    def get(self, address: str) -> Any:
        return self.client.get(address, headers=self.headers)

    def post(self, address: str, raw: bytes | None = None, **body: Any) -> Any:
        sent = orjson.dumps(body) if raw is None else raw
        return self.client.post(
            address, sent, content_type="application/json", headers=self.headers
        )

    def delete(self, address: str, **body: Any) -> Any:
        sent = orjson.dumps(body) if body else b""
        return self.client.delete(
            address, sent, content_type="application/json", headers=self.headers
        )


def refusal(response: Any) -> tuple[int, str]:
    """Status and stable code of a refused call."""
    return response.status_code, response.headers["X-Error-Code"]

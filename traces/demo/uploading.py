"""Sends the demo's sessions through the API, with a key, as the traces client does."""

from __future__ import annotations

from typing import Any, Final

import orjson
from django.test import Client

from accounts.models import Namespace, Scope, User
from accounts.services import create_token, revoke_token
from traces.batch import milliseconds_now
from traces.demo.sessions import DemoSession
from traces.models import Trace

BATCH: Final = 50


def upload_demo_session(session: DemoSession) -> bool:
    """Share a session; False where it stands, or where nobody is there who could.

    One that was taken back or moved stays so.
    """
    person = User.objects.filter(handle=session.person).first()
    namespace = Namespace.objects.filter(handle=session.namespace).first()
    if person is None or namespace is None or _stands(session):
        return False
    token, key = create_token(
        user=person, label="demo upload", namespace=namespace, scopes=[Scope.TRACES_WRITE]
    )
    try:
        address = f"/v1/traces/{session.external_id}"
        _send(str(key), "PUT", address, session.trace)
        messages = session.messages(milliseconds_now())
        for start in range(0, len(messages), BATCH):
            body = {"messages": messages[start : start + BATCH]}
            _send(str(key), "POST", f"{address}/messages/batch", body)
    finally:
        revoke_token(token=token, actor=person)
    return True


def _stands(session: DemoSession) -> bool:
    """Say whether the whole session was shared before; a start that was killed is gone on with."""
    rows = Trace.objects.filter(external_id=session.external_id).order_by("-pk")
    shared: Trace | None = rows.first()
    if shared is None:
        return False
    return shared.generation > 1 or shared.message_count >= len(session.messages(0))


def _send(key: str, method: str, address: str, body: dict[str, Any]) -> None:
    client = Client(headers={"authorization": f"Bearer {key}"}, SERVER_NAME="localhost")
    answer = client.generic(method, address, orjson.dumps(body), content_type="application/json")
    if answer.status_code != 200:  # noqa: PLR2004
        raise RuntimeError(f"{method} {address}: {answer.status_code} {answer.content[:200]!r}")

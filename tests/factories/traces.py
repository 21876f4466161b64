"""Sessions as the traces client sends them, and the calls it sends them with."""

from __future__ import annotations

from typing import Any

import orjson
from django.db import connection
from django.test import Client

from accounts.models import Namespace, User
from accounts.services import create_token
from traces.models import Trace

BASE_TIME = 1_795_307_684_000


def said(n: int, text: str = "Fix the rounding in totals.py", role: str = "user") -> dict[str, Any]:
    """A text message of a person or of the agent."""
    parts = [{"type": "text", "content": {"text": text}}]
    return _message(n, role, parts, textContent=text)


def called(n: int, tool: str = "Bash", **args: Any) -> dict[str, Any]:
    """The call of a tool."""
    content = {"callId": f"call-{n}", "toolName": tool, "args": args or {"command": "ls"}}
    return _message(n, "assistant", [{"type": "tool_call", "content": content}])


def answered(
    n: int, output: str = "ok", status: str = "success", tool: str = "Bash"
) -> dict[str, Any]:
    """What a tool answered to the call before."""
    content = {"callId": f"call-{n - 1}", "toolName": tool, "output": output, "status": status}
    return _message(n, "assistant", [{"type": "tool_result", "content": content}])


def thought(n: int, text: str = "The sum is off by one cent.") -> dict[str, Any]:
    """Reasoning of the agent."""
    return _message(n, "assistant", [{"type": "thinking", "content": {"text": text}}])


def failed(n: int, text: str = "The connection was lost.") -> dict[str, Any]:
    """An error of the agent."""
    return _message(
        n, "system", [{"type": "error", "content": {"message": text}}], textContent=text
    )


def _message(n: int, role: str, parts: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "externalId": f"event-{n}",
        "role": role,
        "order": n,
        "timestamp": BASE_TIME + n,
        "parts": parts,
        **more,
    }


def session(length: int = 6, seed: str = "") -> list[dict[str, Any]]:
    """A session of this many messages: a person, thinking, text, a call, its result, and again."""
    turns = (
        said,
        thought,
        lambda n: said(n, f"I look at it {seed}{n}.", "assistant"),
        called,
        answered,
    )
    return [turns[(n - 1) % len(turns)](n) for n in range(1, length + 1)]


class Uploader:
    """The calls of a client that holds a key: of `person`'s own namespace, or of another."""

    def __init__(
        self,
        person: User,
        namespace: Namespace | None = None,
        scopes: list[str] | None = None,
    ) -> None:
        namespace = namespace or person.namespace
        _token, text = create_token(user=person, label="key", namespace=namespace, scopes=scopes)
        self.headers = {"authorization": f"Bearer {text}"}
        self.client = Client()

    def put(self, external_id: str, **fields: Any) -> Any:
        """Create or change a trace."""
        body = {
            "agentId": "claude-code",
            "title": "Fix the rounding bug",
            "visibility": "direct",
            **fields,
        }
        return self.send("PUT", f"/v1/traces/{external_id}", body)

    def post(self, external_id: str, messages: list[dict[str, Any]]) -> Any:
        """Send a batch."""
        return self.send("POST", f"/v1/traces/{external_id}/messages/batch", {"messages": messages})

    def put_message(self, external_id: str, message: dict[str, Any]) -> Any:
        """Send one message, as a client does that follows a session."""
        body = {key: value for key, value in message.items() if key != "externalId"}
        return self.send("PUT", f"/v1/traces/{external_id}/messages/{message['externalId']}", body)

    def get(self, address: str) -> Any:
        """Read."""
        return self.client.get(address, headers=self.headers)

    def messages(self, external_id: str) -> list[dict[str, Any]]:
        """Read every message, as the client does."""
        response = self.get(f"/v1/traces/{external_id}/messages?includeParts=true")
        assert response.status_code == 200, response.getvalue()
        return orjson.loads(response.getvalue())["data"]["messages"]

    def send(self, method: str, address: str, body: Any) -> Any:
        """Send JSON, or these very bytes."""
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        return self.client.generic(
            method, address, raw, content_type="application/json", headers=self.headers
        )

    def share(self, external_id: str, messages: list[dict[str, Any]], **fields: Any) -> Trace:
        """Share as `traces share` does: the trace, then batches of 50."""
        response = self.put(external_id, **fields)
        assert response.status_code == 200, response.content
        for start in range(0, len(messages), 50):
            answer = self.post(external_id, messages[start : start + 50])
            assert answer.status_code == 200, answer.content
        return Trace.objects.get(public_id=response.json()["data"]["trace"]["id"])


def refusal(response: Any) -> tuple[int, str]:
    """Status and code of a refused call."""
    return response.status_code, response.json()["error"]["code"]


def row_versions() -> list[tuple[int, str]]:
    """Which version of each row stands in the table: a row that is written anew gets another."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1, id, xmin::text, ctid::text FROM traces_trace UNION ALL"
            " SELECT 2, id, xmin::text, ctid::text FROM traces_message ORDER BY 1, 2"
        )
        return cursor.fetchall()

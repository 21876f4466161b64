"""Reads the demo's sessions from their files, as the messages that a client sends. No database.

[[message]]
says = "user"                     # or assistant, thinking, error
text = "Why are the totals off?"

[[message]]
calls = "Bash"                    # a tool, with its arguments; the answer comes with it
args = { command = "pytest -q" }
output = "2 passed"
failed = false
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from config.errors import DomainError

ROOT: Final = Path(__file__).parent
# Between two messages.
SECONDS_APART: Final = 20


class SessionInvalid(DomainError):
    """A session's file cannot be read; the message names it."""

    code = "demo_session_invalid"


@dataclass(frozen=True)
class DemoSession:
    """What a file tells: who shares the session where, and what their client sends."""

    external_id: str
    person: str
    namespace: str
    days_ago: float
    trace: dict[str, Any]
    """The body of the trace, as the client writes it."""
    told: tuple[dict[str, Any], ...]

    def messages(self, now_ms: int) -> list[dict[str, Any]]:
        """Return the messages, dated back from `now_ms`."""
        began = now_ms - int(self.days_ago * 86_400_000)
        contents = [content for one in self.told for content in _contents(one)]
        return [
            {
                "externalId": f"event-{number}",
                "order": number,
                "timestamp": began + number * SECONDS_APART * 1_000,
                **_numbered(content, number),
            }
            for number, content in enumerate(contents, start=1)
        ]


def read_sessions(root: Path = ROOT) -> list[DemoSession]:
    """Return all demo sessions, by the name of their files. Raises `SessionInvalid`."""
    return [_read(file) for file in sorted(root.glob("*.toml"))]


def _read(file: Path) -> DemoSession:
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
        once = list(told.pop("message"))
        chapters = told.pop("chapter", [{}])
        every = list(told.pop("every", []))
        filled = [_filled(one, words) for words in chapters for one in every]
        return DemoSession(**told, told=(*once, *filled))
    except (KeyError, TypeError, ValueError) as error:
        raise SessionInvalid(f"{file.name}: {error}") from error


def _filled(value: Any, words: dict[str, str]) -> Any:
    if isinstance(value, str):
        return value.format(**words)
    if isinstance(value, dict):
        return {key: _filled(one, words) for key, one in value.items()}
    return value


def _contents(one: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the messages of one entry: a call and its answer are two."""
    if "calls" in one:
        call = {"toolName": one["calls"], "args": one.get("args", {})}
        yield {"role": "assistant", "parts": [{"type": "tool_call", "content": call}]}
        status = "error" if one.get("failed") else "success"
        answer = {"toolName": one["calls"], "output": one["output"].strip(), "status": status}
        yield {"role": "assistant", "parts": [{"type": "tool_result", "content": answer}]}
        return
    says, text = one["says"], one["text"].strip()
    if says == "thinking":
        yield {"role": "assistant", "parts": [{"type": "thinking", "content": {"text": text}}]}
    elif says == "error":
        error = {"type": "error", "content": {"message": text}}
        yield {"role": "system", "parts": [error], "textContent": text}
    else:
        part = {"type": "text", "content": {"text": text}}
        yield {"role": says, "parts": [part], "textContent": text}


def _numbered(content: dict[str, Any], number: int) -> dict[str, Any]:
    """Give a call and its answer the id that they share."""
    part = content["parts"][0]
    if not part["type"].startswith("tool_"):
        return content
    asked = number if part["type"] == "tool_call" else number - 1
    return {**content, "parts": [{**part, "content": {"callId": f"c{asked}", **part["content"]}}]}

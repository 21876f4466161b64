"""Invented Claude Code sessions in the home of a traces client."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any, Final

from tests.clients.runner import Traces

PROJECT: Final = "-home-alice-app"
SESSION: Final = "7a1f0c52-0c6e-4a57-9d0e-3b1d7c1f2a10"


def claude_file(traces: Traces, wanted: str) -> Path:
    """Return the file of the session of this id; its folder exists."""
    folder = traces.home / ".claude" / "projects" / PROJECT
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{wanted}.jsonl"


def claude_lines(wanted: str, turns: int, first: int = 1) -> list[str]:
    """A person asks, the agent calls a tool and answers: four messages a turn."""
    lines = []
    for n in range(first, first + turns):
        at = {
            "sessionId": wanted,
            "cwd": "/home/alice/app",
            "timestamp": f"2026-02-01T10:00:{n % 60:02}.000Z",
        }
        asked = {"role": "user", "content": f"Please round total number {n} to cents."}
        call = {
            "type": "tool_use",
            "id": f"toolu_{n}",
            "name": "Bash",
            "input": {"command": f"pytest -k total_{n}"},
        }
        said = {"type": "text", "text": f"Total {n} is rounded now."}
        answer = {"type": "tool_result", "tool_use_id": f"toolu_{n}", "content": f"{n} passed"}
        agent = {"role": "assistant", "model": "claude-sonnet-4-5-20250929"}
        entries: list[dict[str, Any]] = [
            {"type": "user", "message": asked},
            {"type": "assistant", "message": agent | {"content": [call]}},
            {"type": "user", "message": {"role": "user", "content": [answer]}},
            {"type": "assistant", "message": agent | {"content": [said]}},
        ]
        lines += [json.dumps({"uuid": str(uuid.uuid4()), **at, **entry}) for entry in entries]
    return lines


def write_claude(traces: Traces, wanted: str, turns: int) -> None:
    """Write a session of so many turns."""
    claude_file(traces, wanted).write_text("\n".join(claude_lines(wanted, turns)) + "\n")


def append_claude(traces: Traces, wanted: str, turns: int, first: int) -> None:
    """Go on with a session by so many turns, the first with this number."""
    with claude_file(traces, wanted).open("a") as log:
        log.write("\n".join(claude_lines(wanted, turns, first)) + "\n")

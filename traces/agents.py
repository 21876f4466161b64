"""Agents by the names that people know them by. Pure."""

from __future__ import annotations

from typing import Final

AGENT_NAMES: Final = {
    "claude-code": "Claude Code",
    "cursor": "Cursor",
    "opencode": "OpenCode",
    "codex": "Codex",
    "gemini-cli": "Gemini CLI",
    "pi": "Pi",
    "amp": "Amp",
    "cline": "Cline",
    "openclaw": "OpenClaw",
    "copilot": "Copilot",
    "hermes": "Hermes",
    "droid": "Droid",
}


def agent_name(agent_id: str) -> str:
    """Return the name of an agent as people know it."""
    return AGENT_NAMES.get(agent_id, agent_id)

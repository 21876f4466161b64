"""The client's hooks, run as the agent and git run them.

The client shares from a hook only what it knows: a session in a git repository whose
`session-start` has run there before. To all else it says nothing and ends with 0, so a lone
`traces hook agent prompt-submitted` looks like a success and shares nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.clients.claude_sessions import SESSION, append_claude, write_claude
from tests.clients.runner import Server, Traces, wait_for
from tests.factories.traces import row_versions
from traces.models import Message, Trace

pytestmark = [pytest.mark.client, pytest.mark.django_db(transaction=True)]


def claude_code(traces: Traces, event: str, **told: str) -> None:
    """Run every hook of this event that stands in the project's settings, as Claude Code does."""
    settings = json.loads((traces.workdir / ".claude" / "settings.json").read_text())
    given = json.dumps({"session_id": SESSION, "hook_event_name": event, **told})
    hooks = [hook for entry in settings["hooks"][event] for hook in entry["hooks"]]
    assert any("traces hook agent" in hook["command"] for hook in hooks), hooks
    for hook in hooks:
        traces.beside("sh", "-c", hook["command"], given=given)


def uploads(server: Server) -> int:
    """How many batches of the session the server has stored and answered."""
    asked = f"/v1/traces/{SESSION}/messages/batch"
    return sum(line.startswith("200 ") and asked in line for line in server.requests())


@pytest.fixture
def hooked(in_repository) -> Traces:
    """The client in a git repository, with its hooks for Claude Code and for git."""
    for name, value in (("user.name", "Alice"), ("user.email", "alice@example.org")):
        in_repository.beside("git", "config", name, value)
    ran = in_repository.run("setup", "--yes", "--agent", "claude-code")
    assert ran.code == 0, ran.text
    return in_repository


def test_a_session_is_shared_by_its_hooks_from_start_to_end(hooked, server):
    def shared_by(what: Callable[[], object]) -> Trace:
        """Do this, and wait for the one upload that it starts in the background."""
        before = uploads(server)
        what()
        wait_for(lambda: uploads(server) > before or None)
        return Trace.objects.get(external_id=SESSION)

    write_claude(hooked, SESSION, 2)
    claude_code(hooked, "SessionStart", source="startup")
    assert not Trace.objects.exists()

    trace = shared_by(lambda: claude_code(hooked, "UserPromptSubmit", prompt="Please round."))
    assert (trace.agent_id, trace.visibility, trace.message_count) == ("claude-code", "direct", 8)

    append_claude(hooked, SESSION, 1, first=3)
    trace = shared_by(lambda: claude_code(hooked, "Stop"))
    assert (trace.message_count, trace.git_ref) == (12, "")

    # Git's hook works in the background, too, but holds on to the output that is read to its end.
    trace = shared_by(lambda: hooked.beside("git", "commit", "--allow-empty", "-m", "Round totals"))
    assert trace.git_ref == hooked.beside("git", "rev-parse", "HEAD").strip()
    note = hooked.beside("git", "log", "-1", "--format=%N", "--notes=traces").strip()
    assert note == f"traces:{SESSION} {hooked.address}/s/{trace.public_id}"

    versions = row_versions()
    trace = shared_by(lambda: claude_code(hooked, "SessionEnd", reason="exit"))
    assert row_versions() == versions
    assert Message.objects.live(trace).count() == trace.message_count == 12

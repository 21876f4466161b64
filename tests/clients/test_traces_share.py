"""Sharing, following, reading back and moving sessions, with the unmodified traces client.

Real Claude Code sessions beside the project are read only; Codex and long sessions are invented.
"""

from __future__ import annotations

import json
import shutil
import uuid
from typing import Any

import pytest
from django_q.models import OrmQ

from accounts.models import DeviceLogin, Membership, Namespace, NamespaceKind, User
from accounts.policy import Actor
from accounts.sessions import answer_login
from tests.clients.claude_sessions import SESSION, append_claude, claude_file, write_claude
from tests.clients.runner import Traces, wait_for
from tests.conftest import SHARED, missing
from tests.factories.traces import row_versions
from traces.models import Message, Trace
from traces.services.publishing import transfer, unpublish

pytestmark = [pytest.mark.client, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def acme(alice) -> Namespace:
    namespace = Namespace.objects.create(handle="acme", kind=NamespaceKind.ORG)
    Membership.objects.create(namespace=namespace, user=alice, role="owner")
    return namespace


def sign_in_by_browser(traces: Traces, person: User) -> None:
    """Run `login`, and approve it as this person meanwhile."""
    with traces.started("login", "--no-browser") as running:
        login = wait_for(DeviceLogin.objects.filter(status="pending").first)
        answer_login(login=login, user=person, approve=True)
        ran = running.finish()
    assert ran.code == 0, ran.text


def share(traces: Traces, wanted: str, *args: str) -> Trace:
    ran = traces.run("share", "--trace-id", wanted, "--json", *args)
    assert ran.code == 0, ran.text
    return Trace.objects.get(external_id=wanted)


def counted(trace: Trace) -> int:
    """The stored count, after it was compared with the rows."""
    trace.refresh_from_db()
    assert trace.message_count == Message.objects.live(trace).count()
    return trace.message_count


def has_come(trace: Trace, messages: int) -> bool | None:
    """Say whether so many are stored; None, not yet."""
    return Trace.objects.filter(pk=trace.pk, message_count=messages).exists() or None


def test_the_real_sessions_are_shared_whole_and_again_without_a_write(keyed):
    folder = SHARED / "data" / "claude-sessions"
    if not folder.is_dir():
        missing("the real sessions", f"expected at {folder}")
    shared = []
    for n, path in enumerate(sorted(folder.glob("*.jsonl"))):
        wanted = str(uuid.UUID(int=n + 1))
        shutil.copy(path, claude_file(keyed, wanted))
        shared.append(share(keyed, wanted))
    assert sum(counted(trace) for trace in shared) == 731
    before, times = row_versions(), {trace.pk: trace.updated_at for trace in shared}

    again = [share(keyed, trace.external_id) for trace in shared]

    assert row_versions() == before
    assert {trace.pk: trace.updated_at for trace in again} == times
    assert OrmQ.objects.count() == 0


def test_what_is_appended_is_refreshed_and_read_back_in_an_empty_home(keyed, tmp_path):
    write_claude(keyed, SESSION, 20)
    trace = share(keyed, SESSION)
    first = counted(trace)
    append_claude(keyed, SESSION, 2, first=21)

    ran = keyed.run("refresh", "--trace-id", SESSION, "--json")

    assert ran.code == 0, ran.text
    assert counted(trace) == first + 8
    elsewhere = Traces(keyed.address, tmp_path / "other-home", env=dict(keyed.env))
    synced = elsewhere.run("sync", SESSION, "--json")
    assert synced.code == 0, synced.text
    shown = elsewhere.run("show", SESSION, "--remote", "--json")
    assert shown.code == 0, shown.text
    assert "Total 22 is rounded now." in shown.out
    assert "Please round total number 1 to cents." in shown.out


def test_nothing_new_is_refreshed_and_what_is_not_shared_says_so(keyed):
    write_claude(keyed, SESSION, 2)

    ran = keyed.run("refresh", "--trace-id", SESSION)
    assert ran.code == 1
    assert "share" in ran.text.lower()

    share(keyed, SESSION)
    before = row_versions()
    assert keyed.run("refresh", "--trace-id", SESSION, "--json").code == 0
    assert row_versions() == before


def test_a_session_is_followed_line_by_line(keyed):
    write_claude(keyed, SESSION, 5)
    with keyed.started("share", "--trace-id", SESSION, "--follow") as running:
        # What is appended before it looks is seen with the line after that, or never.
        running.wait_until_it_says("Following trace updates")
        trace = wait_for(Trace.objects.filter(external_id=SESSION).first)
        wait_for(lambda: has_come(trace, 20))
        append_claude(keyed, SESSION, 3, first=6)
        wait_for(lambda: has_come(trace, 32))
        running.process.terminate()

    assert counted(share(keyed, SESSION)) == 32


def test_a_codex_session_and_its_wrapper(keyed):
    wanted = "0199aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee"
    folder = keyed.home / ".codex" / "sessions" / "2026" / "02" / "01"
    folder.mkdir(parents=True)
    at = "2026-02-01T10:00:00.000Z"

    def line(kind: str, **payload: Any) -> str:
        return json.dumps({"timestamp": at, "type": kind, "payload": payload})

    def message(role: str, text: str) -> str:
        part = "input_text" if role == "user" else "output_text"
        return line(
            "response_item", type="message", role=role, content=[{"type": part, "text": text}]
        )

    lines = [
        line("session_meta", id=wanted, cwd="/home/alice/app", timestamp=at, originator="codex"),
        message(
            "user", "<environment_context>\n<cwd>/home/alice/app</cwd>\n</environment_context>"
        ),
        message("user", "Add a CSV export command"),
        line(
            "response_item",
            type="function_call",
            name="shell",
            call_id="c1",
            arguments='{"command":["ls"]}',
        ),
        line("response_item", type="function_call_output", call_id="c1", output="main.py"),
        message("assistant", "The command writes CSV now."),
    ]
    (folder / f"rollout-2026-02-01T10-00-00-{wanted}.jsonl").write_text("\n".join(lines) + "\n")

    trace = share(keyed, wanted, "--visibility", "public")

    assert (trace.agent_id, trace.visibility) == ("codex", "public")
    assert counted(trace) == 5
    assert (trace.user_count, trace.tool_count) == (1, 2)
    assert Message.objects.live(trace).filter(kind="wrapper").count() == 1
    assert "environment_context" not in trace.title


def test_ten_thousand_messages_are_shared(keyed):
    write_claude(keyed, SESSION, 2_500)

    assert counted(share(keyed, SESSION)) == 10_000


def test_a_trace_is_listed_moved_and_conflicts(keyed, alice, acme):
    write_claude(keyed, SESSION, 2)
    trace = share(keyed, SESSION, "--visibility", "public")
    listed = keyed.run("list", "@alice", "--all", "--json")
    assert SESSION in listed.out, listed.text

    refused = keyed.run("transfer", SESSION, "--to", "acme")
    assert refused.code == 1, refused.text
    transfer(actor=Actor(user=alice), trace=trace, target=acme)
    conflict = keyed.run("share", "--trace-id", SESSION, "--json")
    assert conflict.code == 1
    assert "published to a different namespace" in conflict.text


def test_what_is_taken_back_and_shared_again_keeps_its_link(keyed, alice):
    write_claude(keyed, SESSION, 3)
    trace = share(keyed, SESSION)
    unpublish(actor=Actor(user=alice), trace=trace)
    assert counted(trace) == 0
    gone = keyed.run("refresh", "--trace-id", SESSION)
    assert gone.code == 1, gone.text

    again = share(keyed, SESSION)

    assert again.public_id == trace.public_id
    assert counted(again) == 12


def test_somebody_signed_in_moves_a_trace_by_the_command(traces, alice, acme):
    sign_in_by_browser(traces, alice)
    write_claude(traces, SESSION, 2)
    trace = share(traces, SESSION)
    assert trace.namespace == alice.namespace

    moved = traces.run("transfer", SESSION, "--to", "acme")

    assert moved.code == 0, moved.text
    trace.refresh_from_db()
    assert trace.namespace == acme
    used = traces.run("namespace", "use", "acme")
    assert used.code == 0, used.text
    assert counted(share(traces, SESSION)) == 8
    assert Trace.objects.count() == 1

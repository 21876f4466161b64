"""What the traces client prints where the server refuses: our own sentences.

Where the client has words of its own (not signed in, a trace that is not there, no server), they
are what stands here. Names that are taken, sessions that were ended and conflicts of namespaces
stand with what leads to them.
"""

from __future__ import annotations

import json
import time

import pytest
from django.db import connection

from accounts.models import ApiToken, User
from accounts.services import create_token, revoke_token
from config.ratelimit import take_exact
from tests.clients import runner
from tests.clients.claude_sessions import SESSION, claude_file, claude_lines, write_claude
from tests.clients.runner import Traces
from tests.factories.traces import Uploader, session
from traces.models import Message, Trace

pytestmark = [pytest.mark.client, pytest.mark.django_db(transaction=True)]


def refused(traces: Traces, *args: str) -> str:
    """Run a command that fails; returns what it printed."""
    ran = traces.run(*args)
    assert ran.code == 1, ran.text
    return ran.text


def share(traces: Traces, *args: str) -> str:
    return refused(traces, "share", "--trace-id", SESSION, "--json", *args)


def with_scopes(person: User, *scopes: str) -> str:
    _key, text = create_token(
        user=person, label="narrow", namespace=person.namespace, scopes=list(scopes)
    )
    return str(text)


def share_over_the_limit(traces: Traces, person: User) -> str:
    """Share when this person's uploads of the minute are used up, and within that minute."""
    while True:
        quota = take_exact("upload", f"user:{person.pk}", limit=1)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE config_rate_limit SET hits = 1000000")
        began = time.monotonic()
        text = share(traces)
        if time.monotonic() - began < quota.reset_seconds - 1:
            return text


def test_who_asks_is_told_what_is_wrong_with_the_key(keyed, alice):
    write_claude(keyed, SESSION, 2)

    assert "lacks the scope traces:write" in share(
        keyed, "--key", with_scopes(alice, "traces:read")
    )
    keyed.env["TRACES_API_KEY"] = with_scopes(alice, "traces:write")
    assert "lacks the scope traces:read" in refused(keyed, "list", "@alice")
    for key in ApiToken.objects.all():
        revoke_token(token=key, actor=alice)
    for command in (("share", "--trace-id", SESSION), ("sync", SESSION)):
        assert "This token was revoked; make a new one." in refused(keyed, *command)
    keyed.env["TRACES_API_KEY"] = "trk_nobody"
    assert "This token is not known here; make a new one" in share(keyed)
    del keyed.env["TRACES_API_KEY"]
    assert "Not logged in." in share(keyed)
    assert not Trace.objects.exists()


def test_what_is_asked_is_refused_in_our_words(keyed, alice, charlie):
    write_claude(keyed, SESSION, 2)
    namespace = alice.namespace
    namespace.trace_visibilities, namespace.trace_policy = ["private"], "reject"
    namespace.save()
    assert "does not allow public traces" in share(keyed, "--visibility", "public")

    Uploader(charlie).share("theirs", session(3), title="Weigh the cart", visibility="private")
    told = {refused(keyed, "sync", name).replace(name, "it") for name in ("theirs", "nowhere")}
    assert [text.strip() for text in told] == [
        "Sync failed (TRACE_NOT_FOUND): Trace 'it' not found."
    ]
    assert "not found" in refused(keyed, "show", "theirs", "--remote")


def test_what_is_too_large_or_too_often_is_told_so(keyed, alice):
    def write(text: str) -> None:
        first, *rest = claude_lines(SESSION, 1)
        asked = first.replace("Please round", json.dumps(text)[1:-1])
        claude_file(keyed, SESSION).write_text("\n".join([asked, *rest]) + "\n")

    write("round it\n" * 52_000)
    ran = keyed.run("share", "--trace-id", SESSION)
    assert ran.code == 0, ran.text
    assert Message.objects.get(external_id="event-1").text.startswith("round it\nround it")
    # What the client takes out of a message makes it longer than when it was measured.
    write("a@b.cc " * 60_000)
    assert "is larger than 512 KiB; shorten it and share again." in share(keyed)

    assert "Too many requests; wait a moment and try again." in share_over_the_limit(keyed, alice)

    keyed.env["TRACES_HTTP_URL"] = runner.DEAD_PROXY
    assert "Unable to connect" in share(keyed)

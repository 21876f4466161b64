"""Publishing, taking back and finding sessions in the pages of the traces client.

They are drawn in a terminal: keys go in, and the test waits for words on the screen.
"""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Namespace
from tests.clients.claude_sessions import SESSION, write_claude
from tests.clients.runner import wait_for
from tests.clients.terminal import DOWN, ENTER, ESCAPE, SPACE
from tests.factories.accounts import organisation, session_of
from tests.factories.traces import Uploader, said, session
from traces.models import Message, Trace

pytestmark = [pytest.mark.client, pytest.mark.django_db(transaction=True)]

TITLE = "Please round total number 1"
REPOSITORY = "https://git.example/acme/app"


def stored(generation: int, messages: int) -> Trace:
    """The trace, as soon as it stands in this generation with so many messages."""
    found = Trace.objects.filter(external_id=SESSION, generation=generation)
    return wait_for(found.filter(message_count=messages).first)


def test_a_session_is_published_taken_back_and_published_again(keyed, alice):
    write_claude(keyed, SESSION, 2)
    namespace = Namespace.objects.filter(pk=alice.namespace.pk)
    with keyed.drawn() as pages:
        pages.wait_for(TITLE, "Publish")
        pages.press(SPACE)
        pages.wait_for("Trace Published!")
        first = stored(generation=1, messages=8)
        link = f"/s/{first.public_id}"
        pages.wait_for(keyed.address + link)
        pages.press(ESCAPE)
        pages.wait_for("Unpublish", without="Trace Published!")

        pages.press(SPACE)
        pages.wait_for("Unpublish this trace?")
        pages.press(ENTER)
        pages.wait_for("Publish", without="Unpublish")
        taken_back = stored(generation=2, messages=0)
        assert taken_back.unpublished_at is not None
        assert not Message.objects.live(taken_back).exists()
        assert Client().get(link).status_code == 404

        namespace.update(trace_visibilities=["private"], trace_policy="reject")
        pages.press(SPACE)
        pages.wait_for("does not allow direct traces")
        namespace.update(trace_visibilities=["direct", "private"])
        pages.press(ESCAPE)
        pages.wait_for("Publish", without="does not allow")

        pages.press(SPACE)
        pages.wait_for("Trace Published!", keyed.address + link)
        again = stored(generation=2, messages=8)
        assert (again.pk, again.unpublished_at) == (first.pk, None)
        assert Message.objects.live(again).count() == 8
        assert Client().get(link).status_code == 200
        pages.press("q")
        assert pages.finish() == 0


def test_what_others_share_of_the_repository_is_found(in_repository, charlie):
    in_repository.beside("git", "remote", "add", "origin", "git@git.example:acme/app.git")
    others = Uploader(charlie)
    for name, visibility, remote in (
        ("cart", "public", REPOSITORY),
        ("secret", "private", REPOSITORY),
        ("link", "direct", REPOSITORY),
        ("other", "public", "https://git.example/acme/other"),
    ):
        messages = [said(1, f"Weigh the {name}."), said(2, f"So I weigh the {name}.", "assistant")]
        others.share(name, messages, visibility=visibility, gitRemoteUrl=remote)
    in_repository.env["TRACES_DISCOVERY"] = "1"
    write_claude(in_repository, SESSION, 2)

    with in_repository.drawn() as pages:
        pages.wait_for(TITLE, "Weigh the cart.")
        shown = str(pages.screen)
        assert shown.count("Weigh") == 1, shown

    # The pages show only what an agent's own files say; the messages came, too.
    kept = in_repository.run("show", "cart", "--json")
    assert "So I weigh the cart." in kept.out, kept.text


def test_a_conflict_offers_to_move_the_trace(traces, alice):
    acme = organisation("acme", admin=alice)
    write_claude(traces, SESSION, 2)
    trace = Uploader(alice).share(SESSION, session(6))
    login, text = session_of(alice)
    login.active_namespace = acme
    login.save()
    traces.env["TRACES_API_KEY"] = str(text)

    with traces.drawn() as pages:
        pages.wait_for(TITLE, "Publish")
        pages.press(SPACE)
        pages.wait_for("Transfer Trace", "> @alice", "@acme")
        pages.press(DOWN)
        pages.wait_for("> @acme")
        pages.press(ENTER)
        pages.wait_for("Trace Published!")

    trace.refresh_from_db()
    assert (trace.namespace, trace.message_count) == (acme, 8)

"""`/staff/traces/`: admins compare stored counts with a recount and repair them."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from accounts.models import AuditEvent
from config.derived import REGISTRY
from tests.factories.accounts import sign_in
from tests.factories.traces import Uploader, said, session
from traces.models import Message, Trace
from traces.services import publishing
from traces.services.repair import recount

pytestmark = pytest.mark.django_db
ID = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def shared(alice) -> Trace:
    return Uploader(alice).share(ID, session(5), visibility="private", title="A private matter")


@pytest.fixture
def as_ada(ada, client) -> Client:
    return sign_in(client, ada)


def plant(trace: Trace, count: int) -> None:
    """Make a stored count wrong, as a writer with a fault would."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE traces_trace SET message_count = %s WHERE id = %s", [count, trace.pk]
        )


def address(trace: Trace, end: str = "") -> str:
    return f"/staff/traces/{trace.public_id}/{end}"


def text(response) -> str:
    return response.content.decode()


def test_drift_is_found_by_the_check_and_repaired(shared):
    (count,) = (d for d in REGISTRY if d.label == "traces.Trace.message_count")
    plant(shared, 7)
    assert count.drifted_keys() == [shared.pk]

    with pytest.raises(CommandError, match="repair"):
        call_command("derived_fields", "check", "traces.Trace.message_count")
    call_command("derived_fields", "refresh", "traces.Trace.message_count")

    assert Trace.objects.get().message_count == 5
    call_command("derived_fields", "check", "traces.Trace.message_count")


def test_an_admin_sees_both_counts_and_repairs_them(as_ada, ada, shared):
    plant(shared, 7)

    page = text(as_ada.get(address(shared)))
    assert "They differ." in page
    assert page.count("differs</strong>") == 1
    done = as_ada.post(address(shared, "recount/"), follow=True)

    assert "were wrong and are right now" in text(done)
    assert "They differ." not in text(done)
    assert Trace.objects.get().message_count == 5
    event = AuditEvent.objects.get(verb="trace.recount")
    assert (event.actor, event.before["message_count"], event.after["message_count"]) == (ada, 7, 5)
    assert "nothing was written" in text(as_ada.post(address(shared, "recount/"), follow=True))
    assert AuditEvent.objects.filter(verb="trace.recount").count() == 1


def test_a_recount_counts_the_live_generation_alone(alice, ada, shared):
    Uploader(alice).send("DELETE", f"/v1/traces/{ID}", b"")
    plant(shared, 5)

    assert recount(actor=ada, trace=shared)

    assert Trace.objects.get().message_count == 0
    assert Message.objects.count() == 5


def test_the_page_tells_generations_and_what_waits_for_the_purge(as_ada, alice, shared):
    Uploader(alice).send("DELETE", f"/v1/traces/{ID}", b"")
    Uploader(alice).share(ID, session(2), visibility="private")

    page = as_ada.get(address(shared))

    assert [(row["generation"], row["messages"]) for row in page.context["generations"]] == [
        (2, 2),
        (1, 5),
    ]
    assert "to be purged" in text(page)


def test_nothing_of_a_private_trace_is_shown(as_ada, alice):
    key = "AKIA" + "QRSTUVWXYZ234567"
    trace = Uploader(alice).share(
        ID, [said(1, f"My diary, and {key}")], title="My diary", visibility="private"
    )

    page = text(as_ada.get(address(trace)))

    assert "diary" not in page
    assert key not in page
    assert f"/s/{trace.public_id}" not in page
    assert "message_count" in page
    assert "trace.publish" in page


def test_switches_are_told_with_what_they_come_to(as_ada, alice, model, shared):
    Trace.objects.update(visibility="public")
    assert "Nothing stands in the way" in text(as_ada.get(address(shared)))
    alice.namespace.ai_summary_enabled = False
    alice.namespace.save()
    assert "Summaries are off for @alice." in text(as_ada.get(address(shared)))
    Trace.objects.update(ai_summary_enabled=False)
    assert "Summaries are off for this trace." in text(as_ada.get(address(shared)))
    Trace.objects.update(visibility="private")
    assert "for members only is never summarised" in text(as_ada.get(address(shared)))
    Trace.objects.update(exclude_from_ai=True)
    assert "Its author keeps it from every AI." in text(as_ada.get(address(shared)))


def test_a_trace_is_found_by_id_and_by_link(as_ada, shared):
    for typed in (
        shared.public_id,
        f"  https://skills.example/s/{shared.public_id}?at=3 ",
        f"/t/{shared.public_id}/",
        f"https://skills.example/s/{shared.public_id}.md",
    ):
        found = as_ada.get("/staff/traces/", {"q": typed})
        assert (found.status_code, found.headers["Location"]) == (302, address(shared))
    for typed in ("nobody", "<b>", "/s/", "x" * 9_000):
        assert "No such trace" in text(as_ada.get("/staff/traces/", {"q": typed}))
    assert "No such trace" not in text(as_ada.get("/staff/traces/"))


def test_only_admins_are_told_that_it_is_there(client, alice, mona, shared):
    for person in (alice, mona):
        sign_in(client, person)
        assert client.get(address(shared)).status_code == 404
        assert client.get("/staff/traces/").status_code == 404
        assert client.post(address(shared, "recount/")).status_code == 404
    assert "/staff/traces/" not in text(client.get("/staff/"))


# --- The purge -----------------------------------------------------------------------------------


def test_the_purge_deletes_what_was_taken_back_and_nothing_else(alice, shared):
    uploader = Uploader(alice)
    other = uploader.share("other", session(3))
    uploader.send("DELETE", f"/v1/traces/{ID}", b"")
    uploader.share(ID, session(2))

    call_command("run_job", "purge_messages")
    call_command("run_job", "purge_messages")

    live = Message.objects.filter(trace=shared)
    assert (live.count(), Trace.objects.get(pk=shared.pk).message_count) == (2, 2)
    assert Message.objects.filter(trace=other).count() == 3
    assert not Trace.objects.to_purge().exists()


def test_a_purge_that_is_killed_halfway_goes_on_where_it_stopped(alice, shared, monkeypatch):
    uploader = Uploader(alice)
    uploader.send("DELETE", f"/v1/traces/{ID}", b"")
    monkeypatch.setattr(publishing, "PURGE_BATCH", 2)

    killed = publishing.purge_generations()
    assert next(iter(killed)) == (shared.pk, 2)
    killed.close()
    assert Message.objects.count() == 3
    assert Trace.objects.to_purge().exists()

    call_command("run_job", "purge_messages")

    assert Message.objects.count() == 0
    assert not Trace.objects.to_purge().exists()

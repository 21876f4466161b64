"""Uploads that meet: whatever the order, a trace's count is the rows of its live generation."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from accounts.models import AuditEvent
from accounts.policy import Actor
from tests.config.rivals import PATIENCE_SECONDS, at_once, meet
from tests.factories.accounts import organisation
from tests.factories.traces import Uploader, session
from traces.models import Message, Trace
from traces.services import ingest, publishing
from traces.services.repair import recount

pytestmark = pytest.mark.django_db(transaction=True)
ID = "11111111-2222-4333-8444-555555555555"
ROUNDS = 20


def rows(trace: Trace) -> int:
    """The truth: what stands in the live generation."""
    return Message.objects.filter(trace=trace, generation=trace.generation).count()


def only() -> Trace:
    """The one trace there is, which counts right."""
    trace = Trace.objects.get()
    assert trace.message_count == rows(trace)
    kinds = trace.user_count + trace.assistant_count + trace.tool_count
    assert kinds == trace.message_count
    return trace


def statuses(results: list[Any]) -> set[int]:
    assert not [r for r in results if isinstance(r, BaseException)], results
    return {r.status_code for r in results}


def together(*jobs: Callable[[], Any]) -> list[Any]:
    """Run these jobs with a start that none gets ahead of."""
    start = threading.Barrier(len(jobs))

    def begin(job: Callable[[], Any]) -> Any:
        start.wait(PATIENCE_SECONDS)
        return job()

    return at_once(*(lambda job=job: begin(job) for job in jobs))


def test_two_first_uploads_at_once_make_one_trace(alice):
    for n in range(ROUNDS):
        uploaders = [Uploader(alice) for _ in range(3)]

        results = together(*(lambda u=u, n=n: u.put(f"trace-{n}") for u in uploaders))

        assert statuses(results) == {200}
        assert len({r.json()["data"]["trace"]["id"] for r in results}) == 1
    assert Trace.objects.count() == ROUNDS
    assert AuditEvent.objects.filter(verb="trace.publish").count() == ROUNDS


def test_a_batch_and_single_messages_of_the_same_ids_at_once(alice):
    messages = session(8)
    for n in range(ROUNDS):
        name = f"trace-{n}"
        Uploader(alice).put(name)
        batch, single = Uploader(alice), Uploader(alice)

        def one_by_one(single: Uploader = single, name: str = name) -> Any:
            for message in messages:
                answer = single.put_message(name, message)
            return answer

        results = together(lambda batch=batch, name=name: batch.post(name, messages), one_by_one)

        assert statuses(results) == {200}
        trace = Trace.objects.get(external_id=name)
        assert trace.message_count == rows(trace) == len(messages)


def test_a_message_that_changes_its_kind_beside_its_old_self_is_counted_once(alice):
    Uploader(alice).share(ID, session(5))
    one, other = Uploader(alice), Uploader(alice)
    changed = [m | {"role": "user", "parts": [], "textContent": "Said"} for m in session(5)]

    for _ in range(5):
        assert statuses(
            together(lambda: one.post(ID, changed), lambda: other.post(ID, session(5)))
        ) == {200}
        assert only().message_count == 5


@pytest.mark.parametrize("after", range(4))
def test_an_unpublish_between_any_two_batches_leaves_what_came_after(alice, after):
    uploader, messages = Uploader(alice), session(40)
    uploader.put(ID)

    for n in range(4):
        if n == after:
            uploader.send("DELETE", f"/v1/traces/{ID}", b"")
            assert only().message_count == 0
            # The client goes on with its batches, and shares the whole anew later.
            assert uploader.post(ID, messages[:10]).status_code == 404
            uploader.put(ID)
        assert uploader.post(ID, messages[n * 10 : n * 10 + 10]).status_code == 200

    assert only().message_count == (4 - after) * 10


def test_an_unpublish_and_batches_at_once(alice):
    for _ in range(ROUNDS):
        Uploader(alice).put(ID)
        one, other = Uploader(alice), Uploader(alice)

        results = together(
            lambda one=one: one.post(ID, session(10)),
            lambda other=other: other.send("DELETE", f"/v1/traces/{ID}", b""),
        )

        assert statuses(results) <= {200, 404}
        trace = only()
        # Whoever was first: what was taken back holds nothing.
        assert (trace.unpublished_at is not None, trace.message_count) == (True, 0)


def test_a_batch_waits_for_an_unpublish_and_then_stores_nothing(alice):
    uploader = Uploader(alice)
    trace = uploader.share(ID, session(3))
    actor = Actor(user=alice)

    _done, answer = meet(
        lambda: publishing.unpublish(actor=actor, trace=trace),
        lambda: uploader.post(ID, session(9)),
    )

    assert answer.status_code == 404
    assert only().message_count == 0


def test_an_unpublish_waits_for_a_batch_and_then_counts_it_away(alice):
    uploader = Uploader(alice)
    trace = uploader.share(ID, session(3))

    meet(
        lambda: uploader.post(ID, session(9)),
        lambda: publishing.unpublish(actor=Actor(user=alice), trace=trace),
    )

    assert only().message_count == 0


def test_a_transfer_and_a_batch_at_once(alice):
    acme = organisation("acme", owner=alice)
    for n in range(ROUNDS):
        name = f"trace-{n}"
        trace = Uploader(alice).share(name, session(4))
        uploader = Uploader(alice)

        results = together(
            lambda uploader=uploader, name=name: uploader.post(name, session(12)),
            lambda trace=trace: publishing.transfer(
                actor=Actor(user=alice), trace=trace, target=acme
            ),
        )

        assert results[0].status_code in {200, 404}
        moved = Trace.objects.get(external_id=name)
        assert moved.namespace == acme
        stored = 12 if results[0].status_code == 200 else 4
        assert moved.message_count == rows(moved) == stored


def test_clients_that_follow_one_session_with_shuffled_overlapping_batches(alice):
    messages, dice = session(90), random.Random(7)
    Uploader(alice).put(ID)

    def follow(seed: int) -> Callable[[], Any]:
        uploader, own = Uploader(alice), random.Random(seed)
        starts = [own.randrange(80) for _ in range(12)] + list(range(0, 90, 10))
        own.shuffle(starts)

        def run() -> Any:
            for start in starts:
                batch = messages[start : start + 10]
                own.shuffle(batch)
                answer = uploader.post(ID, batch)
                assert answer.status_code == 200
            return answer

        return run

    assert statuses(together(*(follow(dice.randrange(1000)) for _ in range(3)))) == {200}

    assert only().message_count == 90


def test_a_recount_beside_batches_never_makes_a_count_wrong(alice, ada):
    trace = Uploader(alice).share(ID, [])
    uploader, messages = Uploader(alice), session(60)

    def upload() -> Any:
        for start in range(0, 60, 5):
            answer = uploader.post(ID, messages[start : start + 5])
        return answer

    results = together(
        upload, *(lambda: [recount(actor=ada, trace=trace) for _ in range(10)] for _ in range(2))
    )

    assert not any(isinstance(r, BaseException) for r in results), results
    assert only().message_count == 60
    # Right all the time, so nothing was repaired.
    assert not AuditEvent.objects.filter(verb="trace.recount").exists()


def test_a_worker_killed_in_the_middle_of_a_batch_leaves_nothing_of_it(alice, monkeypatch):
    uploader = Uploader(alice)
    uploader.share(ID, session(3))
    messages = session(50)
    stored = ingest.stored_rows

    def die_after_the_lock(changed: Any) -> Any:
        kill_this_connection()
        return stored(changed)

    monkeypatch.setattr(ingest, "stored_rows", die_after_the_lock)
    (killed,) = at_once(lambda: uploader.post(ID, messages))
    assert isinstance(killed, OperationalError), killed
    monkeypatch.undo()
    assert only().message_count == 3

    assert uploader.post(ID, messages).status_code == 200
    assert only().message_count == 50


def test_a_worker_killed_before_its_commit_leaves_nothing_of_it(alice):
    uploader = Uploader(alice)
    trace = uploader.share(ID, session(3))

    def upload_and_die() -> None:
        with transaction.atomic():
            assert uploader.post(ID, session(50)).status_code == 200
            kill_this_connection()

    (killed,) = at_once(upload_and_die)

    assert isinstance(killed, OperationalError), killed
    assert only().updated_at == trace.updated_at
    assert only().message_count == 3


def kill_this_connection() -> None:
    """End the database's process behind this thread's connection, as a crash of a worker does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    at_once(lambda: _terminate(pid))


def _terminate(pid: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

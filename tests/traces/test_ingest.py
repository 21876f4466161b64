"""Messages arrive: what is stored, what is counted, and what is not written."""

from __future__ import annotations

import io
import random
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.policy import Actor
from tests.factories.traces import (
    Uploader,
    answered,
    called,
    failed,
    refusal,
    row_versions,
    said,
    session,
)
from traces.batch import read_batch
from traces.models import Message, Trace
from traces.services import ingest
from traces.services.publishing import purge_generations

pytestmark = pytest.mark.django_db
ID = "11111111-2222-4333-8444-555555555555"
FIRST_WORD = re.compile(r"^[A-Z]+", re.MULTILINE)


@pytest.fixture
def uploader(alice) -> Uploader:
    return Uploader(alice)


def test_a_session_is_stored_and_counted(uploader):
    trace = uploader.share(ID, [*session(5), answered(6, "no", "error"), failed(7)])

    assert trace.message_count == 7
    counts = (trace.user_count, trace.assistant_count, trace.tool_count, trace.error_count)
    assert counts == (1, 2, 3, 2)
    kinds = Message.objects.live(trace).in_order().values_list("kind", flat=True)
    assert list(kinds) == [
        "user", "thinking", "assistant", "tool_call", "tool_result", "tool_error", "error",
    ]  # fmt: skip
    assert uploader.get(f"/v1/traces/{ID}").json()["data"]["trace"]["messageCount"] == 7


def test_sharing_again_with_other_times_writes_no_row(uploader):
    trace = uploader.share(ID, session(120))
    before, first = row_versions(), uploader.messages(ID)

    for message in (again := session(120)):
        message["timestamp"] += 3_600_000
    after = uploader.share(ID, again)

    assert row_versions() == before
    assert after.updated_at == trace.updated_at
    assert uploader.messages(ID) == first
    answer = uploader.post(ID, again[:50]).json()["data"]
    assert answer["messageCount"] == 120
    assert {message["status"] for message in answer["messages"]} == {"unchanged"}


def test_each_message_is_told_its_fate(uploader):
    uploader.share(ID, session(3))
    changed = said(1, "Fix the rounding and the tests")

    answer = uploader.post(ID, [changed, *session(4)[1:]]).json()["data"]

    assert [m["status"] for m in answer["messages"]] == [
        "updated", "unchanged", "unchanged", "created",
    ]  # fmt: skip
    assert answer["messageCount"] == 4
    stored = dict(Message.objects.values_list("external_id", "pk"))
    assert {m["externalId"]: m["id"] for m in answer["messages"]} == {
        key: str(pk) for key, pk in stored.items()
    }


def test_a_change_keeps_the_first_time_and_moves_the_count_of_its_kind(uploader):
    uploader.share(ID, [said(1), called(2), answered(3)])
    later = answered(3, "boom", "error") | {"timestamp": 1_800_000_000_000}

    uploader.post(ID, [later])

    trace = Trace.objects.get()
    assert (trace.message_count, trace.tool_count, trace.error_count) == (3, 2, 1)
    assert uploader.messages(ID)[2]["timestamp"] == answered(3)["timestamp"]


def test_of_one_id_twice_in_a_batch_the_last_counts(uploader):
    uploader.put(ID)

    answer = uploader.post(ID, [said(1, "first"), said(1, "second")]).json()["data"]

    assert answer["messageCount"] == 1
    assert [message["textContent"] for message in uploader.messages(ID)] == ["second"]


def test_shuffled_and_overlapping_batches_count_each_message_once(uploader):
    messages = session(90)
    uploader.put(ID)
    rng = random.Random(7)
    for _ in range(20):
        uploader.post(ID, rng.sample(messages, rng.randint(1, 50)))
        uploader.put_message(ID, rng.choice(messages))
    uploader.share(ID, messages)

    trace = Trace.objects.get()
    assert trace.message_count == Message.objects.live(trace).count() == 90
    assert [message["order"] for message in uploader.messages(ID)] == list(range(1, 91))


def test_a_batch_is_one_read_one_lock_and_one_write_and_an_unchanged_one_the_read(uploader):
    uploader.share(ID, session(10))

    with CaptureQueriesContext(connection) as new:
        uploader.post(ID, session(50))
    with CaptureQueriesContext(connection) as same:
        uploader.post(ID, session(50))

    def of_traces(captured) -> list[str]:
        return [FIRST_WORD.search(q["sql"])[0] for q in captured if "traces_" in q["sql"]]

    assert of_traces(new) == ["SELECT", "SELECT", "WITH"]
    assert of_traces(same) == ["SELECT"]


def test_messages_of_no_published_trace_are_refused_and_nothing_is_stored(uploader):
    assert refusal(uploader.post(ID, session(3))) == (404, "TRACE_NOT_FOUND")
    assert refusal(uploader.put_message(ID, said(1))) == (404, "TRACE_NOT_FOUND")
    uploader.share(ID, session(3))
    uploader.send("DELETE", f"/v1/traces/{ID}", b"")

    assert refusal(uploader.post(ID, session(5))) == (404, "TRACE_NOT_FOUND")
    assert Message.objects.count() == 3


def test_unpublish_and_publish_keep_the_link_and_count_the_new_messages_alone(uploader):
    first = uploader.share(ID, session(60))
    uploader.send("DELETE", f"/v1/traces/{ID}", b"")
    gone = Trace.objects.get()
    assert (gone.message_count, gone.user_count, gone.generation) == (0, 0, 2)
    assert uploader.get(f"/v1/traces/{ID}").status_code == 404

    again = uploader.share(ID, session(20))

    assert again.public_id == first.public_id
    assert again.message_count == 20
    assert len(uploader.messages(ID)) == 20
    assert Message.objects.count() == 80
    assert sum(n for _trace, n in purge_generations()) == 60
    assert Message.objects.count() == Message.objects.live(again).count() == 20
    assert list(purge_generations()) == []


def test_a_wrapper_is_no_word_of_a_person(uploader):
    trace = uploader.share(
        ID, [said(1, "<environment_context>\n<cwd>/x</cwd>\n</environment_context>")]
    )

    assert Message.objects.get().kind == "wrapper"
    assert trace.user_count == 0


SECRET = "AKIA" + "QWERTYUIOPASDFGH"


def test_secrets_are_taken_out_wherever_they_stand_and_named_by_rule_and_place(uploader):
    trace = uploader.share(
        ID,
        [said(1, f"use {SECRET}"), called(2, command=f"export X={SECRET}")],
        title=f"Use {SECRET} please",
        gitRemoteUrl="https://bob:hunter2-hunter2@git.example/acme/app",
    )

    kept = str(list(Message.objects.values())) + str(Trace.objects.values()[0])
    assert SECRET not in kept
    assert "hunter2" not in kept
    assert "title" in {place for _rule, place, _times in trace.redactions}
    places = {place for m in Message.objects.all() for _rule, place, _times in m.redactions}
    assert "textContent" in places
    assert any(place.startswith("parts[0].content.args") for place in places)


# --- Bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"messages": [', "BODY_INVALID"),
        (b"", "BODY_INVALID"),
        (b"[" * 100_000, "BODY_INVALID"),
        (b'{"messages": {}}', "MESSAGE_INVALID"),
        (b"[]", "MESSAGE_INVALID"),
        (b'{"messages": [1]}', "MESSAGE_INVALID"),
        (b'{"messages": [{"externalId": "", "role": "user", "order": 1}]}', "MESSAGE_INVALID"),
        (b'{"messages": [{"externalId": "a", "role": "user"}]}', "MESSAGE_INVALID"),
        (b'{"messages": [{"externalId": "a", "role": "user", "order": 1e400}]}', "BODY_INVALID"),
        (
            b'{"messages": [{"externalId": "a", "role": "user", "order": 99999999999999999999999}]}',
            "MESSAGE_INVALID",
        ),
        (
            b'{"messages": [{"externalId": "a", "role": "u", "order": 1, "timestamp": -5}]}',
            "MESSAGE_INVALID",
        ),
        (
            b'{"messages": [{"externalId": "a", "role": "u", "order": 1, "parts": [{"content": {}}]}]}',
            "MESSAGE_INVALID",
        ),
        (
            b'{"messages": [{"externalId": "a", "role": "u", "order": 1, "parts": [{"type": "x", "content": {"a": '
            + b"[" * 500 + b"]" * 500 + b"}}]}]}",
            "MESSAGE_INVALID",
        ),
    ],
)  # fmt: skip
def test_a_bad_body_is_refused_and_nothing_of_it_is_stored(uploader, raw, code):
    uploader.share(ID, session(2))

    response = uploader.send("POST", f"/v1/traces/{ID}/messages/batch", raw)

    assert response.json()["error"]["code"] == code
    assert 400 <= response.status_code < 500
    assert Message.objects.count() == 2


def test_a_body_that_was_cut_off_is_refused_even_where_it_reads_well(uploader):
    uploader.share(ID, session(2))
    raw = b'{"messages": []}'

    response = uploader.client.generic(
        "POST",
        f"/v1/traces/{ID}/messages/batch",
        content_type="application/json",
        headers=uploader.headers,
        **{"wsgi.input": io.BytesIO(raw), "CONTENT_LENGTH": str(len(raw) + 1)},
    )

    assert refusal(response) == (400, "BODY_INVALID")


def test_one_bad_message_refuses_its_batch_and_is_named(uploader):
    uploader.put(ID)

    response = uploader.post(ID, [said(1), said(2) | {"role": 7}])

    assert refusal(response) == (422, "MESSAGE_INVALID")
    assert response.json()["error"]["details"] == {"field": "messages[1].role"}
    assert Message.objects.count() == 0


def test_nul_and_lone_surrogates_become_replacement_characters(uploader):
    uploader.put(ID)
    raw = (
        rb'{"messages": [{"externalId": "a", "role": "user", "order": 1, "textContent": "x\u0000y",'
        rb' "parts": [{"type": "tool_call", "content": {"k\ud800": "a\udfffb\u0000", "n": 12345678901234567890123}}]}]}'
    )

    response = uploader.send("POST", f"/v1/traces/{ID}/messages/batch", raw)

    assert response.status_code == 200, response.content
    (message,) = uploader.messages(ID)
    assert message["textContent"] == "x\ufffdy"
    assert message["parts"][0]["content"] == {
        "k\ufffd": "a\ufffdb\ufffd",
        "n": 12345678901234567890123.0,
    }


def test_unknown_roles_and_parts_are_kept(uploader):
    uploader.share(ID, [])
    strange = {
        "externalId": "a:b/c",
        "role": "oracle",
        "order": 1,
        "parts": [{"type": "hologram", "content": None}],
    }

    assert uploader.put_message(ID, strange).status_code == 200

    (message,) = uploader.messages(ID)
    assert (message["externalId"], message["role"]) == ("a:b/c", "oracle")
    assert message["parts"] == [{"type": "hologram", "content": {}}]


def test_what_is_too_large_is_told_so(uploader):
    uploader.put(ID)

    assert refusal(uploader.post(ID, [called(1, text="x" * 530_000)])) == (413, "MESSAGE_TOO_LARGE")
    assert uploader.post(ID, [said(1, "é" * 300_000)]).status_code == 200
    huge = b'{"messages": "' + b"x" * (32 * 1024 * 1024) + b'"}'
    response = uploader.send("POST", f"/v1/traces/{ID}/messages/batch", huge)
    assert refusal(response) == (413, "BODY_TOO_LARGE")


def test_a_text_is_measured_once_as_its_client_does(uploader):
    uploader.put(ID)

    # 510,000 characters of JSON, which the client sends: it shortens what is longer than 524,288.
    assert uploader.post(ID, [said(1, "a\n" * 170_000)]).status_code == 200
    assert uploader.post(ID, [said(2, '"' * 250_000, "assistant")]).status_code == 200
    longer = uploader.post(ID, [said(3, "a\n" * 175_000)])
    assert refusal(longer) == (413, "MESSAGE_TOO_LARGE")


# --- What was read before the lock may be old by then ---------------------------------------------


def written_late(seen: dict, messages: list) -> tuple[list[str], int]:
    """Write as a batch does whose read came before somebody else's commit."""
    received = read_batch({"messages": messages})
    actor = Actor(user=Trace.objects.get().created_by)
    fates, count = ingest._write(actor, Trace.objects.published(), received, seen, wakes=False)
    assert {fate.id for fate in fates} <= set(Message.objects.values_list("pk", flat=True))
    return [fate.status for fate in fates], count


def test_what_a_rival_stored_after_the_read_is_unchanged(uploader):
    trace = uploader.share(ID, session(3))
    before = row_versions()

    assert written_late({}, session(3)) == (["unchanged"] * 3, 3)

    assert row_versions() == before
    trace.refresh_from_db()
    assert trace.message_count == 3


def test_what_was_read_in_a_generation_that_ended_is_written_into_the_new_one(uploader):
    uploader.share(ID, session(3))
    namespace = Trace.objects.get().namespace_id
    seen = ingest._seen(namespace, ID, read_batch({"messages": session(3)}))
    assert len(seen) == 3
    uploader.send("DELETE", f"/v1/traces/{ID}", b"")
    uploader.put(ID)

    assert written_late(seen, session(3)) == (["created"] * 3, 3)
    assert len(uploader.messages(ID)) == 3

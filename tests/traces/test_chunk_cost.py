"""What a page of a trace reads: the same in a long trace as in a short one, at any depth."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories.bulk import analyze, copy_row, explain
from tests.factories.traces import Uploader, answered, session
from traces.models import Kind, Message, Trace
from traces.trace_views import CONVERSATION, TYPES

pytestmark = [pytest.mark.django_db, pytest.mark.allow_drift]
COUNT = 20_000
# Sixty messages by their keys, four blocks each, and sixty keys of each of nine kinds.
BLOCKS = 380
TOOL_BLOCKS = 500


@pytest.fixture
def long(alice) -> Trace:
    """A trace of 20,000 messages: one in a hundred is said, the others are of tools."""
    trace = Uploader(alice).share("long", [*session(5), answered(6)], visibility="public")
    template = Message.objects.get(position=6)
    tools = ("tool_call", "tool_result")
    copy_row(
        template,
        7,
        COUNT,
        {
            "external_id": "'event-' || n",
            "position": "n",
            "kind": f"CASE WHEN n %% 100 = 0 THEN 'user' WHEN n %% 100 = 50 THEN 'assistant'"
            f" WHEN n %% 2 = 0 THEN '{tools[0]}' ELSE '{tools[1]}' END",
            "tool": "CASE WHEN n %% 50 = 0 THEN '' WHEN n %% 9999 = 1 THEN 'Edit' ELSE 'Bash' END",
            "text": "CASE WHEN n %% 50 = 0 THEN 'Said ' || n END",
            "parts": "CASE WHEN n %% 50 = 0 THEN '[]'::jsonb ELSE t.parts END",
        },
    )
    analyze(Message)
    return trace


def blocks(client, address: str) -> list[tuple[int, set[str]]]:
    """Blocks and indexes of each statement of a page that reads messages."""
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)
    assert answer.status_code == 200
    assert len(answer.content) <= 50_000
    read = [query["sql"] for query in queries if "traces_message" in query["sql"]]
    plans = [explain(sql.replace("%", "%%"), []) for sql in read]
    return [(plan.blocks, plan.indexes) for plan in plans]


@pytest.mark.parametrize(
    "query",
    ["", "?from=15000", "/full", "/full?from=15000", "/full?at=event-19000", "/full?type=user",
     "/full?type=tool&from=15000", "/full?type=error", "/full?toolType=edit",
     "/full?type=tool_call&toolType=bash&from=15000", "/messages/event-15000"],
)  # fmt: skip
def test_a_page_of_a_long_trace_reads_few_blocks(client, long, query):
    for most, (read, indexes) in zip(
        (BLOCKS, TOOL_BLOCKS, TOOL_BLOCKS),
        blocks(client, f"/s/{long.public_id}{query}"),
        strict=False,
    ):
        assert read <= most, (query, read, indexes)
        assert "message_in_order" not in indexes


def test_the_kinds_of_a_conversation_and_of_its_tools_are_all_kinds():
    assert {*CONVERSATION, *TYPES["tool"]} == set(Kind)

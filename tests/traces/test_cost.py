"""What lists and search of traces read: the same few blocks, however many traces there are."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.policy import ANONYMOUS, Actor
from accounts.services import create_user
from tests.factories.bulk import analyze, copy_row, explain, rolled_back
from tests.factories.traces import Uploader, said
from traces.models import Message, Trace
from traces.own_list import read_page
from traces.search import PAGE_LIMIT, search
from traces.services import link_ends

pytestmark = [pytest.mark.django_db, pytest.mark.allow_drift]

COUNT = 10_000
VISIBILITY = "(ARRAY['public','direct','private'])[1 + n %% 3]"
# Of what its link opens some has ended, and is private by now; some is to end.
LINK_ENDS = (
    "CASE n %% 30 WHEN 1 THEN now() - interval '1 day' WHEN 4 THEN now() + interval '1 day' END"
)
LIST_BLOCKS = 30
# A batch of links that have ended, a block for each, and a client's id that a stranger names.
ENDED_BLOCKS = link_ends.BATCH + 20
CLAIM_BLOCKS = 6
NO_BLOCKS = 5
# A page of results, and 100 or 10,000 traces whose summary matches.
HEAD_BLOCKS = 700
# 200 messages match; each is read, and its trace looked up.
RARE_BLOCKS = 1_200
# All 20,000 messages match: their table once, then the newest 500 that the asker may see, each with
# its trace, ranked.
COMMON_BLOCKS = 7_000


@pytest.fixture(scope="module")
def crowd(django_db_setup, django_db_blocker):
    """Ten thousand traces of one person with two messages each; rolled back at the end."""
    with rolled_back(django_db_blocker):
        person = create_user(handle="crowd", password="crowd-keeps-a-secret")
        trace = Uploader(person).share("template", [said(1)])
        copy_row(
            trace,
            1,
            COUNT,
            {
                "external_id": "'t' || n",
                "public_id": "'p' || n",
                "client_title": "'Session about ' || n",
                "ai_summary": "'Word' || (n %% 100) || ' and ' || repeat('filler ', 40)",
                "visibility": VISIBILITY,
                "link_ends_at": LINK_ENDS,
            },
        )
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO traces_message (trace_id, generation, external_id, position, role,"
                " kind, tool, model, text, parts, redactions, sent_at, content_hash)"
                " SELECT t.id, 1, 'e' || k, k, 'user', 'user', '', '',"
                " 'common rare' || (t.id * 2 + k) % 100 || repeat(' something else', 30),"
                " '[]', '[]', now(), '' FROM traces_trace t, generate_series(10, 11) k"
            )
        analyze(Trace, Message)
        yield person


def actor(person) -> Actor:
    return Actor(user=person)


def blocks(run) -> int:
    """Blocks that the statements of `run` read, each explained."""
    with CaptureQueriesContext(connection) as caught:
        run()
    return sum(
        explain(q["sql"], []).blocks for q in caught if q["sql"].startswith(('SELECT "', "(SELECT"))
    )


@pytest.mark.parametrize("visibility", ["", "private"])
@pytest.mark.parametrize("by_anybody", [False, True])
def test_a_list_reads_few_blocks_at_any_depth(crowd, db, visibility, by_anybody):
    for after in (None, Trace.objects.order_by("pk")[COUNT // 5].pk):
        asked = {"visibility": visibility, "by_anybody": by_anybody, "after": after}

        assert blocks(lambda asked=asked: read_page(actor(crowd), **asked)) <= LIST_BLOCKS, asked


@pytest.mark.parametrize(
    ("read", "most"),
    [
        (
            lambda: list(Trace.objects.link_ended().values_list("pk")[: link_ends.BATCH]),
            ENDED_BLOCKS,
        ),
        (lambda: Trace.objects.filter(external_id="t1").open_at_some_time().first(), CLAIM_BLOCKS),
    ],
)
def test_ended_links_and_a_claim_are_found_in_their_index(crowd, db, read, most):
    assert read()
    assert blocks(read) <= most


@pytest.mark.parametrize(
    ("query", "most"),
    [
        ("word7", HEAD_BLOCKS),
        ("filler", HEAD_BLOCKS),
        ("rare7", RARE_BLOCKS),
        ("common", COMMON_BLOCKS),
        ("-common", NO_BLOCKS),
        ("the OR -rare7", NO_BLOCKS),
    ],
)
def test_a_search_reads_what_matches_and_no_more(crowd, db, query, most):
    for who in (ANONYMOUS, actor(crowd)):
        assert blocks(lambda who=who: search(who, query)) <= most, (query, who)


def test_a_word_that_every_message_has_takes_its_time_and_no_longer(crowd, db):
    hits = search(actor(crowd), "common")

    assert len(hits) == PAGE_LIMIT
    # Of what matches equally the newest come first.
    assert [hit.trace.pk for hit in hits] == sorted((hit.trace.pk for hit in hits), reverse=True)

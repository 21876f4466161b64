"""What finding due summaries reads and what ingest pays for them, however many traces there are."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services import create_user
from tests.factories.bulk import analyze, copy_row, explain, rolled_back
from tests.factories.traces import Uploader, session
from traces.due import Verdict
from traces.models import Message, Trace
from traces.services import refreshes

pytestmark = [pytest.mark.django_db, pytest.mark.allow_drift]

OFF, DUE, FRESH = 5_000, 500, 5_000
BLOCKS = 250


@pytest.fixture(scope="module")
def due(django_db_setup, django_db_blocker):
    """Thousands of traces that are due longest and switched off, then due ones, then fresh ones."""
    with rolled_back(django_db_blocker):
        person = create_user(handle="crowd", password="crowd-keeps-a-secret")
        trace = Uploader(person).share("template", session(6))
        told = {"external_id": "'t' || n", "public_id": "'p' || n"}
        at = "now() - interval '1 day' + n * interval '1 second'"
        off = {"namespace_summarises": "n %% 2 = 0", "summary_off_by_staff": "n %% 2 = 0"}
        copy_row(trace, 1, OFF, told | off | {"summary_due_at": at})
        copy_row(trace, OFF + 1, DUE, told | {"summary_due_at": at})
        copy_row(
            trace,
            OFF + DUE + 1,
            FRESH,
            told | {"summary_due_at": "NULL", "summary_message_count": "6"},
        )
        analyze(Trace, Message)
        yield person


def test_the_next_hundred_due_are_found_behind_thousands_that_are_off(due, db):
    rows = Trace.objects.summary_timed().values_list("pk", flat=True)[:100]

    plan = explain(*rows.query.sql_with_params())

    assert len(rows) == 100
    assert plan.blocks <= BLOCKS
    assert plan.indexes == {"trace_summary_timed"}


def test_a_dry_run_reads_no_message(due, db, model):
    with CaptureQueriesContext(connection) as queries:
        found = refreshes.preview("stale")

    assert found.traces == DUE + 1
    assert found.others == {
        Verdict.NAMESPACE_OFF: OFF // 2,
        Verdict.STAFF_OFF: OFF // 2,
        Verdict.FRESH: FRESH,
    }
    assert found.tokens > found.traces * 400
    assert not any("traces_message" in query["sql"] for query in queries)


def statements(upload) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        assert upload().status_code == 200
    return [query["sql"] for query in queries]


def test_ingest_pays_at_most_one_insert(model, settings, alice):
    uploader = Uploader(alice)
    for name in ("s1", "s2"):
        uploader.put(name)

    crossing = statements(lambda: uploader.post("s1", session(6)))
    more = statements(lambda: uploader.post("s1", session(12)[6:]))
    settings.OPENAI_API_KEY = ""
    without = statements(lambda: uploader.post("s2", session(6)))

    assert len(more) == len(without)
    assert len(crossing) == len(without) + 1
    added = [sql for sql in crossing if "django_q" in sql]
    assert len(added) == 1
    assert added[0].startswith('INSERT INTO "django_q_ormq"')


def test_most_batches_write_no_indexed_column_of_the_trace(model, alice):
    uploader = Uploader(alice)
    trace = uploader.share("s1", session(6))
    uploader.post("s1", session(7)[6:])
    before = hot_updates()

    for n in range(8, 28):
        uploader.post("s1", session(n)[n - 1 :])

    assert hot_updates() - before >= 15, "a page may be full now and then"
    trace.refresh_from_db()
    assert trace.message_count == 27


def hot_updates() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_stat_get_xact_tuples_hot_updated(c.oid) FROM pg_class c"
            " WHERE c.relname = 'traces_trace'"
        )
        return cursor.fetchone()[0]


def test_a_session_is_summarised_at_most_once_per_hundred_messages(model, alice):
    from traces.tasks import summarize_trace

    uploader = Uploader(alice)
    length = 450
    trace = uploader.share("s1", [])
    for start in range(0, length, 50):
        uploader.post("s1", session(length)[start : start + 50])
        summarize_trace(trace.pk, "sweep")
        summarize_trace(trace.pk, "batch")
    for _ in range(19):
        uploader.share("s1", session(length))
        summarize_trace(trace.pk, "sweep")

    assert 1 <= model.calls <= 1 + (length - 4) // 100
    trace.refresh_from_db()
    assert trace.message_count - trace.summary_message_count < 100

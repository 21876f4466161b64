"""Goals S1 to S4: folding stat events, against the bare statement on the same data in the same run.

100,000 skills by Zipf's law (1.1, a long tail); 85 % downloads, 10 % installs, the rest stars,
queued about as they occur over three days. The product folds through its own job, run and lease included.
"""

from __future__ import annotations

import statistics as middle
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg
from django.db import connection, transaction
from django.db.models import F
from django.test.utils import override_settings

from accounts.models import Namespace
from jobs.services import execute_run, start_run
from skills.models import EventKind, SkillDailyStat, SkillHourlyStat, SkillTotal, StatEvent
from tests.benchmarks import databases
from tests.benchmarks.measurement import Measurement, at_most, share, told
from tests.benchmarks.web import libpq

DATABASE: Final = f"{databases.PREFIX}_events"
SKILLS: Final = 100_000
BATCH: Final = 5_000
ROUND: Final = 300_000
ROUNDS: Final = 3
LOOPED: Final = 1_500
LOOP_BATCH: Final = 500
HELD: Final = 500_000
PAST: Final = (100_000, 1_000_000, 10_000_000)
BARE: Final = Path(__file__).with_name("bare_fold.sql")

FILL: Final = """
INSERT INTO skills_statevent (skill_id, kind, occurred_at)
SELECT (SELECT min(id) FROM skills_skill)
         + least(power(1 - random(), -10), 1e9)::bigint %% %(skills)s,
       CASE WHEN r < 0.85 THEN 0 WHEN r < 0.95 THEN 3 WHEN r < 0.99 THEN 1 ELSE 2 END,
       timestamptz '2026-01-01 00:00+00' + (n + 2000 * random()) / %(events)s * interval '3 days'
  FROM (SELECT n, random() AS r FROM generate_series(1, %(events)s) n) drawn
"""
EMPTY: Final = """
TRUNCATE skills_statevent, skills_skillhourlystat, skills_skilldailystat, skills_skilltotal;
UPDATE skills_sitetotals
  SET downloads = 0, installs_new = 0, installs_all_time = 0, installs_current = 0, stars = 0
"""


def measure() -> Iterator[Measurement]:
    """Measure in a database made for it."""
    databases.ensure(DATABASE, _build, SKILLS)
    with (
        databases.working_in(DATABASE),
        override_settings(STAT_FOLD_BATCH=BATCH, STAT_EVENT_LOG_DAYS=0),
    ):
        yield from _against_the_statement()
        yield _against_the_loop()
        yield _under_a_held_snapshot()
        yield from _flat()


def _build() -> None:
    owner = Namespace.objects.create(handle="bench")
    with connection.cursor() as cursor:
        # The price of a write is what counts here, so skills need no version and no listing.
        cursor.execute(
            "INSERT INTO skills_skill (namespace_id, slug, display_name, summary, categories,"
            " topics, moderation_status, moderation_flags, moderation_reason, downloads, stars,"
            " installs_current, installs_all_time, comment_count, owner_handle, latest_scan_state,"
            " is_suspicious, version_count, tags, badges)"
            " SELECT %s, 'skill-' || n, 'Skill ' || n, repeat(md5(n::text), 9), '{}', '{}',"
            " 'active', '{}', 'manual.approved', 0, 0, 0, 0, 0, 'bench', '', false, 0, '{}', '{}'"
            " FROM generate_series(1, %s) n",
            [owner.pk, SKILLS],
        )


# --- S1, S3: through the job, and by the bare statement -------------------------------------------


def _against_the_statement() -> Iterator[Measurement]:
    rates: dict[str, list[float]] = {"ours": [], "bare": []}
    before = _skill_rows()
    for _ in range(ROUNDS):
        for name, fold in (("ours", _fold_by_job), ("bare", _fold_bare)):
            _fresh(ROUND)
            rates[name].append(ROUND / _seconds(fold))
    _fresh(ROUND)
    wal = _spent(_fold_by_job).wal_bytes / ROUND
    ours, bare = (round(middle.median(rates[name])) for name in ("ours", "bare"))
    yield share("fold through the job", ours, "events/s", bare, at_least=0.75)
    yield at_most("WAL of a fold", round(wal), "bytes/event", 550)
    yield at_most("skill rows written by folds", int(before != _skill_rows()), "tables", 0)


def _fold_by_job() -> None:
    run, _created = start_run(kind="fold_events", enqueue=False)
    done = execute_run(run.pk)
    if done is None or done.error:
        raise RuntimeError(done and done.error)


def _fold_bare() -> None:
    """The claim of the design and the same three upserts, sent by psycopg alone."""
    sql = BARE.read_text()
    with psycopg.connect(**libpq(), autocommit=True) as raw:
        while raw.execute(sql, {"batch": BATCH}).fetchone()[0]:
            pass


def _skill_rows() -> str:
    """A text that differs when any skill row was written or locked."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT md5(string_agg(ctid::text || xmin::text || xmax::text, ',' ORDER BY id))"
            " FROM skills_skill"
        )
        found: str = cursor.fetchone()[0]
    return found


# --- S1: against a loop over skills ---------------------------------------------------------------


def _against_the_loop() -> Measurement:
    """Fold as one would write it at first: read and patch every skill's rows by the ORM."""
    with override_settings(STAT_FOLD_BATCH=LOOP_BATCH):
        _fresh(20 * LOOPED)
        ours = 20 * LOOPED / _seconds(_fold_by_job)
    _fresh(LOOPED)
    looped = LOOPED / _seconds(_loop)
    return share(
        "fold in batches of 500 over the per-skill loop",
        round(ours),
        "events/s",
        round(looped),
        at_least=150,
    )


def _loop() -> None:
    while True:
        with transaction.atomic():
            events = list(StatEvent.objects.order_by("id")[:LOOP_BATCH])
            if not events:
                return
            for event in events:
                _patch(event)
            StatEvent.objects.filter(pk__in=[event.pk for event in events]).delete()


def _patch(event: StatEvent) -> None:
    column = {EventKind.DOWNLOAD: "downloads", EventKind.INSTALL_NEW: "installs_new"}.get(
        EventKind(event.kind), "stars"
    )
    hour = event.occurred_at.replace(minute=0, second=0, microsecond=0)
    keys: list[tuple[Any, dict[str, Any]]] = [
        (SkillHourlyStat, {"hour": hour, "skill_id": event.skill_id}),
        (SkillDailyStat, {"day": hour.date(), "skill_id": event.skill_id}),
        (SkillTotal, {"skill_id": event.skill_id}),
    ]
    for model, key in keys:
        row, _made = model._base_manager.get_or_create(**key)
        model._base_manager.filter(pk=row.pk).update(**{column: F(column) + 1})


# --- S4: while a report holds an old snapshot -----------------------------------------------------


def _under_a_held_snapshot() -> Measurement:
    _fresh(HELD)
    free = HELD / _seconds(_fold_by_job)
    _fresh(HELD)
    with psycopg.connect(**libpq()) as report:
        report.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        report.execute("SELECT count(*) FROM accounts_namespace")
        held = HELD / _seconds(_fold_by_job)
    return share("fold under a held snapshot", round(held), "events/s", round(free), at_least=0.45)


# --- Flat over history ----------------------------------------------------------------------------


def _flat() -> Iterator[Measurement]:
    """Blocks and WAL of a batch, after more and more events have been folded."""
    _fresh(0)
    past, first = 0, None
    for size in PAST:
        started = time.perf_counter()
        with override_settings(STAT_FOLD_BATCH=50_000):
            while past < size:
                step = min(1_000_000, size - past)
                _fill(step)
                _fold_by_job()
                past += step
        seconds = time.perf_counter() - started
        blocks, wal = _cost_of_a_batch()
        yield told(f"{size:,} past events: made and folded in", round(seconds, 1), "s")
        if first is None:
            first = blocks, wal
            yield told(f"{size:,} past events: blocks", round(blocks, 2), "blocks/event")
            yield told(f"{size:,} past events: WAL", round(wal), "bytes/event")
            continue
        for name, value, reference, unit in (
            ("blocks", blocks, first[0], "blocks/event"),
            ("WAL", wal, first[1], "bytes/event"),
        ):
            yield share(
                f"{size:,} past events: {name}", round(value, 2), unit, reference, at_most=1.2
            )


def _cost_of_a_batch() -> tuple[float, float]:
    """Return blocks touched and WAL bytes per event, over several batches."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE skills_skillhourlystat, skills_skilldailystat")
        cursor.execute("VACUUM ANALYZE skills_skilltotal, skills_statevent")
    _fill(10 * BATCH)
    spent = _spent(_fold_by_job)
    # Whole-page images follow the last checkpoint, not the event.
    wal = spent.wal_bytes - 8192 * spent.wal_images
    return spent.blocks / (10 * BATCH), wal / (10 * BATCH)


class Spent(NamedTuple):
    """What the statements of a piece of work cost the server."""

    blocks: int
    wal_bytes: int
    wal_images: int


def _spent(work: Callable[[], object]) -> Spent:
    """Do the work alone in this database; return what its statements cost."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_statements_reset()")
        work()
        cursor.execute(
            "SELECT sum(shared_blks_hit + shared_blks_read)::bigint, sum(wal_bytes)::bigint,"
            " sum(wal_fpi)::bigint FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid"
            " WHERE d.datname = current_database()"
        )
        return Spent(*cursor.fetchone())


# --- Common ---------------------------------------------------------------------------------------


def _fresh(events: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(EMPTY)
    _fill(events)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE skills_statevent")
        cursor.execute("CHECKPOINT")


def _fill(events: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"skills": SKILLS, "events": events})


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started

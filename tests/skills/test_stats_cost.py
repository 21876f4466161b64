"""What the reads behind the counts touch, beside years of days and a month of snapshots."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from config.derived import refresh
from skills.derived import SKILL_LISTING
from skills.models import (
    Board,
    Leaderboard,
    LeaderboardEntry,
    Skill,
    SkillDailyStat,
    SkillListing,
    Window,
)
from tests.factories.bulk import analyze, copy_row, explain, list_skills, rolled_back
from tests.factories.skills import NamespaceFactory

pytestmark = [pytest.mark.django_db, pytest.mark.allow_drift]

SKILLS = 3_000
NOW = datetime(2026, 3, 3, 14, tzinfo=UTC)
DAYS = """
INSERT INTO skills_skilldailystat (day, skill_id, downloads)
SELECT date '2026-03-03' - n, id, n FROM skills_skill, generate_series(0, 59) n
"""
# As many as are kept of every board: one an hour for 26 hours, one a day for 30 days.
SNAPSHOTS = """
INSERT INTO skills_leaderboard (board, "window", with_suspicious, built_at, entry_count, suspicious_count)
SELECT b.board, b.w, suspicious, %s - n * interval '1 hour', 200, 0
  FROM (VALUES ('trending', '24h'), ('trending', '7d'), ('trending', '30d'), ('rising', '7d'),
               ('all-time', 'ever')) b (board, w),
       (VALUES (true), (false)) s (suspicious),
       (SELECT generate_series(0, 26) UNION SELECT 24 * generate_series(2, 30)) t (n)
 ORDER BY n DESC
"""
ENTRIES = """
INSERT INTO skills_leaderboardentry
  (leaderboard_id, rank, skill_id, downloads, installs, stars, days)
SELECT b.id, s.n, s.id, 0, 0, 0, array_fill(0, ARRAY[14])
  FROM skills_leaderboard b,
       (SELECT id, row_number() OVER (ORDER BY id) n FROM skills_skill) s
 WHERE s.n <= 200
"""


@pytest.fixture(scope="module")
def many(django_db_setup, django_db_blocker):
    """Thousands of skills of one owner, their days, and all snapshots that are kept."""
    with rolled_back(django_db_blocker):
        (template,) = list_skills(NamespaceFactory(handle="crowd"), [{"slug": "template"}])
        columns = {"slug": "'s' || n", "downloads": "n", "summary": "repeat('s', 200)"}
        copy_row(template, 1, SKILLS, columns)
        refresh(SKILL_LISTING, Skill.objects.values_list("pk", flat=True))
        with connection.cursor() as cursor:
            cursor.execute(DAYS)
            cursor.execute(SNAPSHOTS, [NOW])
            cursor.execute(ENTRIES)
        analyze(Skill, SkillListing, SkillDailyStat, Leaderboard, LeaderboardEntry)
        yield template


def blocks(rows) -> tuple[int, set[str]]:
    plan = explain(*rows.query.sql_with_params())
    return plan.blocks, plan.indexes


def test_the_days_of_a_skill_are_read_by_their_index(many, db):
    today = NOW.date()
    rows = SkillDailyStat.objects.of_days(many.pk, today - timedelta(days=89), today)

    found, indexes = blocks(rows.values_list("day", "downloads", "installs_new", "stars"))

    assert found <= 70
    assert indexes == {"dailystat_of_skill"}


def test_the_ranks_of_a_skill_touch_a_few_blocks_a_snapshot(many, db):
    of_board = Leaderboard.objects.of(Board.TRENDING, Window.WEEK, with_suspicious=False)

    found, _indexes = blocks(of_board.ranks_of(many.pk, NOW - timedelta(days=30)))

    assert found <= 350


def test_the_sums_of_an_owner_can_be_read_from_the_index_alone(many, db):
    with connection.cursor() as cursor:
        # All rows here are theirs: the planner would read the whole table. And none is vacuumed,
        # so it is told what a vacuum would note, for this transaction.
        cursor.execute("""
            SELECT pg_restore_relation_stats(
                'schemaname', 'public', 'relname', 'skills_skilllisting',
                'relpages', relpages, 'reltuples', reltuples, 'relallvisible', relpages
            ) FROM pg_class WHERE oid = 'skills_skilllisting'::regclass
        """)
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        owned = SkillListing.objects.filter(facet="", owner_handle="crowd")
        sums = owned.values_list("downloads", "installs_all_time", "stars")
        sql, params = sums.query.sql_with_params()
        cursor.execute(f"EXPLAIN {sql}", params)
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "Index Only Scan using listing_totals_of_owner" in plan
    found = SkillListing.objects.totals_of_owner("crowd")
    assert (found["skills"], found["downloads"]) == (SKILLS + 1, sum(range(SKILLS + 1)))

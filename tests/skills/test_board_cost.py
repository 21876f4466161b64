"""What boards cost: statements and blocks of a page, and what a build reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.derived import refresh
from skills.board_pages import board_query, newest, read_board
from skills.derived import SKILL_LISTING
from skills.models import Leaderboard, LeaderboardEntry, Skill, SkillDailyStat, SkillListing
from tests.factories.boards import week
from tests.factories.bulk import analyze, copy_row, explain, list_skills, rolled_back
from tests.factories.skills import NamespaceFactory

pytestmark = [pytest.mark.django_db, pytest.mark.allow_drift]

NOW = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
COUNT = 3_000
SNAPSHOT_BLOCKS, BLOCKS_PER_ROW = 8, 4
# What a page, a feed or a call may ask at most, with and without a named snapshot.
MOST = {
    "/leaderboards/trending/": 2,
    "/leaderboards/trending/?to=200": 2,
    "/leaderboards/trending/?to=100&snapshot={old}": 3,
    "/leaderboards/trending.atom": 2,
    "/leaderboards/trending.json": 2,
    "/api/v1/skills?sort=trending&limit=200": 2,
    "/api/v1/trending?limit=200": 2,
    "/api/v1/leaderboards/trending": 2,
    "/": 5,
}


@pytest.fixture(scope="module")
def many(django_db_setup, django_db_blocker):
    """Thousands of counted skills and 26 hours of snapshots, for all tests of this file."""
    with rolled_back(django_db_blocker):
        (template,) = list_skills(
            NamespaceFactory(handle="crowd"),
            [
                {
                    "slug": "template",
                    "display_name": "Template",
                    "summary": "s" * 200,
                    "moderation_reason": "manual.approved",
                }
            ],
        )
        mixed = "(n * 7919) %% 3001"
        owners = [NamespaceFactory().pk for _ in range(30)]
        copy_row(
            template,
            1,
            COUNT,
            {
                "slug": "'s' || n",
                "namespace_id": f"(ARRAY{owners})[1 + n %% 30]",
                "moderation_status": "CASE WHEN n %% 9 = 0 THEN 'hidden' ELSE 'active' END",
                "is_suspicious": "n %% 17 = 0",
                "updated_at": f"now() - {mixed} * interval '1 second'",
            },
        )
        refresh(SKILL_LISTING, Skill.objects.values_list("pk", flat=True))
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO skills_skilldailystat (day, skill_id, downloads)"
                " SELECT %s::date - d, id, 1 + (id * 7919) %% 3001"
                " FROM skills_skill, generate_series(0, 20) d ORDER BY d DESC, random()",
                [NOW.date()],
            )
        for hours in range(26, -1, -1):
            week(NOW - timedelta(hours=hours))
        analyze(Skill, SkillListing, SkillDailyStat, Leaderboard, LeaderboardEntry)
        yield


def statements(work) -> CaptureQueriesContext:
    with CaptureQueriesContext(connection) as captured:
        work()
    return captured


@pytest.mark.parametrize("path", MOST)
def test_a_page_costs_few_statements_whatever_its_size(many, db, client, path):
    old = Leaderboard.objects.of("trending", "7d", with_suspicious=False)[5]

    asked = statements(lambda: client.get(path.format(old=old.pk)))

    assert len(asked) <= MOST[path], [query["sql"] for query in asked]
    assert len(asked) > 1


@pytest.mark.parametrize("suspicious", [True, False])
@pytest.mark.parametrize(("first", "last"), [(1, 25), (1, 50), (151, 200), (1, 200)])
def test_a_page_reads_few_blocks_of_the_snapshot_and_four_a_row(many, db, suspicious, first, last):
    query = board_query("trending", with_suspicious=suspicious)
    asked = statements(lambda: read_board(query, first=first, last=last))
    plans = [explain(captured["sql"], []) for captured in asked]

    rows = last - first + 1
    assert sum(plan.blocks for plan in plans) <= SNAPSHOT_BLOCKS + BLOCKS_PER_ROW * rows, plans
    assert set.union(*(plan.relations for plan in plans)) == {
        "skills_leaderboard",
        "skills_leaderboardentry",
        "skills_skilllisting",
    }


def test_the_newest_snapshot_is_found_by_its_index(many, db):
    (asked,) = statements(lambda: newest(board_query("trending")))

    plan = explain(asked["sql"], [])
    assert plan.indexes == {"leaderboard_newest"}
    assert plan.blocks <= 3


def test_a_build_reads_only_those_left_out_and_the_best_of_all_skills(many, db):
    built = statements(lambda: week(NOW))
    (asked,) = (query["sql"] for query in built if "leaders" in query["sql"])

    plan = explain(asked, [])

    assert "skill_off_boards" in plan.indexes
    assert plan.relations == {"skills_skilldailystat", "skills_skill"}


def test_a_build_costs_the_same_however_many_snapshots_there_are(many, db):
    first = len(statements(lambda: week(NOW)))
    for _ in range(10):
        week(NOW)

    assert len(statements(lambda: week(NOW))) == first <= 16

"""What a page of the public list costs: one statement, one table, at most 35 blocks."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.derived import refresh
from skills.derived import SKILL_LISTING
from skills.listing import ROWS_ABOVE, _statement, content_hash, list_query, page
from skills.models import Skill, SkillListing
from skills.models.listing import SORT_COLUMNS
from tests.factories.bulk import analyze, copy_row, explain, list_skills, rolled_back
from tests.factories.skills import NamespaceFactory

pytestmark = [pytest.mark.django_db, pytest.mark.allow_drift]

COUNT = 4_000
BLOCKS = 35
# A page further down with the 175 rows that lead to it: about one block a row more.
BLOCKS_ABOVE = 215
PAIR_BLOCKS = 200
# A number that looks drawn, so that neighbours in the list are no neighbours in the table.
MIXED = "(n * 7919) %% 3001"
FACETS = [({}, BLOCKS), ({"category": "data"}, BLOCKS), ({"topic": "csv"}, BLOCKS)]
FACETS.append(({"category": "data", "topic": "csv"}, PAIR_BLOCKS))


@pytest.fixture(scope="module")
def many(django_db_setup, django_db_blocker):
    """Thousands of listed skills for all tests of this file, rolled back at its end."""
    with rolled_back(django_db_blocker):
        (template,) = list_skills(
            NamespaceFactory(handle="crowd"),
            [{"slug": "template", "display_name": "Template", "summary": "s" * 200}],
        )
        copy_row(
            template,
            1,
            COUNT,
            {
                "slug": "'s' || n",
                # With one owner alone the index of owners could stand for another.
                "owner_handle": "CASE n %% 2 WHEN 0 THEN 'crowd' ELSE 'owner' || n %% 97 END",
                "display_name": f"'Skill ' || {MIXED}",
                "downloads": f"{MIXED} %% 40",
                "stars": MIXED,
                "installs_current": MIXED,
                "installs_all_time": MIXED,
                "updated_at": f"now() - {MIXED} * interval '1 second'",
                "created_at": f"now() - {MIXED} * interval '1 minute'",
                "is_suspicious": "n %% 3 = 0",
                "categories": "CASE WHEN n %% 2 = 0 THEN '{data}' ELSE '{web}' END::text[]",
                "topics": "CASE WHEN n %% 3 > 0 THEN '{csv}' ELSE '{json}' END::text[]",
            },
        )
        refresh(SKILL_LISTING, Skill.objects.values_list("pk", flat=True))
        analyze(Skill, SkillListing)
        yield


def deep_cursor(query) -> str:
    """A cursor 80 % into the list."""
    where, limit = "", 200
    for _ in range(int(COUNT * 0.8 / 6 / limit)):
        where = page(query, cursor=where, limit=limit).next or where
    return where


@pytest.mark.parametrize("sort", SORT_COLUMNS)
@pytest.mark.parametrize("suspicious", [True, False])
def test_a_page_reads_few_blocks_of_the_one_table(many, db, sort, suspicious):
    for facet, most in FACETS:
        query = list_query(sort=sort, suspicious=suspicious, **facet)
        for cursor in ("", deep_cursor(query)):
            plan = explain(*_statement(query, cursor, 25))

            assert plan.blocks <= most, (query, cursor, plan)
            assert plan.relations == {"skills_skilllisting"}, query
            assert len(plan.indexes) == 1, query
            (index,) = plan.indexes
            assert index.endswith("_clean") is not suspicious, (query, index)


@pytest.mark.parametrize("sort", SORT_COLUMNS)
@pytest.mark.parametrize("suspicious", [True, False])
def test_the_rows_that_lead_to_a_page_cost_the_same_at_any_depth(many, db, sort, suspicious):
    for facet in ({}, {"category": "data"}):
        query = list_query(sort=sort, suspicious=suspicious, **facet)
        near = page(query, limit=200).next
        for cursor in (near, deep_cursor(query)):
            plan = explain(*_statement(query, cursor, ROWS_ABOVE, backwards=True))

            assert plan.blocks <= BLOCKS_ABOVE, (query, plan)
            assert plan.relations == {"skills_skilllisting"}, query
            assert len(plan.indexes) == 1, query


@pytest.mark.parametrize("ask", [{"prefix": "s1"}, {"owner": "crowd"}])
def test_pages_of_a_prefix_and_of_an_owner_read_few_blocks(many, db, ask):
    query = list_query(**ask)
    for cursor in ("", page(query, limit=200).next):
        plan = explain(*_statement(query, cursor or "", 25))

        assert plan.blocks <= BLOCKS, (query, plan)
        assert plan.relations == {"skills_skilllisting"}


def test_a_page_and_its_hash_are_one_statement_each_whatever_its_size(many, db):
    for asked in (page, content_hash):
        for limit in (1, 25, 200):
            with CaptureQueriesContext(connection) as queries:
                asked(list_query(), limit=limit)
            assert len(queries) == 1

"""The benchmark harness at a tiny scale: it runs, it finds what it looks for, it can say no."""

from __future__ import annotations

import json

import pytest
from django.db import connection

from skills.listing import ListQuery
from skills.models import Skill, SkillListing, SkillVersion
from tests.benchmarks import blocks, data, databases, loader
from tests.benchmarks.measurement import at_least, at_most, json_line, share, table, told

TINY = 400


@pytest.fixture
def generated(db, monkeypatch):
    monkeypatch.setattr(data, "SAMPLES", 20)
    data.fill(TINY)
    data.analyze()
    with connection.cursor() as cursor:
        # The naive page makes an index, which waits for the checks a commit would run.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_generated_skills_are_what_the_lists_meet(generated):
    skills = list(Skill.objects.all())

    assert len(skills) == TINY
    assert SkillVersion.objects.count() == TINY
    assert 0 < sum(skill.is_suspicious for skill in skills) < TINY * 0.15
    assert 0 < sum(skill.moderation_status == "hidden" for skill in skills) < TINY * 0.15
    assert sum(skill.downloads == 0 for skill in skills) > TINY * 0.25
    assert {len(skill.categories) for skill in skills} == {1, 2, 3}
    assert max(len(skill.topics) for skill in skills) == 5
    assert all(skill.latest_version_summary and skill.owner_handle for skill in skills)
    public = Skill.objects.public().count()
    assert SkillListing.objects.under("").count() == public < TINY


def test_every_sort_is_measured_and_reads_one_table_in_one_statement(generated):
    found = list(blocks.measure("tiny"))

    # How many blocks is asked of large tables: reading a tiny one whole is the better plan.
    assert [m for m in found if m.is_missed and m.unit in {"tables", "statements"}] == []
    assert len([m for m in found if m.name.endswith("blocks, page 1")]) == 7
    statements = [m for m in found if "statements of a JSON page" in m.name]
    assert [m.value for m in statements] == [1]


def test_a_page_that_reads_another_table_is_noticed(generated):
    sql = "SELECT 1 FROM skills_skilllisting l JOIN skills_skill s ON s.id = l.skill_id"

    plan = blocks.explain(sql, [])

    assert plan.tables == {"skills_skilllisting", "skills_skill"}
    assert plan.blocks > 35


def test_a_cursor_stands_where_it_is_asked_to(generated):
    query = ListQuery("downloads", suspicious=False)
    total = SkillListing.objects.under("").clean().count()

    sql, params = blocks.listing._statement(query, blocks.cursor_at(query, 0.8), 1_000)

    assert blocks.explain(sql, params).rows == total - int(total * 0.8) - 1


@pytest.mark.parametrize(
    ("measured", "ok"),
    [
        (at_most("m", 35, "blocks", 35), True),
        (at_most("m", 36, "blocks", 35), False),
        (at_least("m", 49.9, "skills/s", 50), False),
        (share("m", 20, "requests/s", 100, at_least=0.2), True),
        (share("m", 19, "requests/s", 100, at_least=0.2), False),
        (share("m", 11, "ms", 1, at_most=10), False),
        (told("m", 1, "blocks", 4), None),
    ],
)
def test_a_goal_is_met_or_missed(measured, ok):
    assert measured.ok is ok
    assert measured.is_missed is (ok is False)
    assert ("MISSED" in table([measured])) is (ok is False)


def test_a_program_reads_one_object_a_line():
    told_line = json.loads(json_line(share("m", 20, "requests/s", 80, at_least=0.2)))

    assert set(told_line) == {"name", "value", "unit", "reference", "ratio", "goal", "ok"}
    assert told_line["ratio"] == 0.25


def test_only_databases_of_the_benchmark_are_dropped():
    with pytest.raises(ValueError, match="no database of the benchmark"):
        databases.recreate("skillboard")


def test_the_own_loader_counts_answers(live_server):
    port = live_server.thread.port

    assert len(list(loader.latencies(port, ["/healthz"], 5))) == 5
    assert loader._by_loop(port, ["/healthz"], 1) > 1
    with pytest.raises(loader.LoadFailed):
        loader._by_loop(port, ["/no-such-page"], 10)

"""What a call costs: statements do not grow with rows, and a list reads its own table alone."""

from __future__ import annotations

import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services import create_token
from config.derived import deferred
from tests.factories.skills import SkillFactory, SkillVersionFactory
from tests.statements import asked

pytestmark = pytest.mark.django_db

# The most statements a stranger's call may cost, however many rows there are.
SEARCH = "/api/v1/search?q=pdf"
MOST = {
    "/api/v1/skills": 1,
    "/api/v1/skills?sort=stars&category=data&limit=200": 1,
    "/api/v1/skills?prefix=pdf": 1,
    SEARCH: 4,
    "/api/v1/search?q=pdf&mode=exact": 2,
    "/api/v1/skills/pdf-tools": 2,
    "/api/v1/skills/pdf-tools/versions": 2,
    "/api/v1/skills/pdf-tools/versions/1.0.0": 3,
    "/api/v1/skills/pdf-tools/file?path=SKILL.md": 3,
    "/api/v1/skills/pdf-tools/install": 2,
    "/api/v1/skills/pdf-tools/verify": 5,
    f"/api/v1/resolve?slug=pdf-tools&hash={'0' * 64}": 2,
    # One of them counts the download against its limit, one records it.
    "/api/v1/download?slug=pdf-tools": 4,
}


def statements(client, path: str, **headers: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        response = client.get(path, headers=headers)
    assert response.status_code == 200, response.content
    return asked(captured)


def fill(count: int) -> None:
    with deferred():
        for number in range(count):
            skill = SkillFactory(slug=f"pdf-{number}", categories=["data"], topics=["csv"])
            version = SkillVersionFactory(skill=skill)
            skill.tag_rows.create(name="latest", version=version)


def test_no_call_costs_more_statements_when_there_are_more_rows(client, publish):
    files = {"SKILL.md": "# Hi\n"}
    publish("pdf-tools", files)
    few = {path: len(statements(client, path)) for path in MOST}
    fill(30)
    for number in range(1, 12):
        publish(
            "pdf-tools",
            files | {f"{n}.txt": "" for n in range(number)},
            version=f"0.{number}.0",
            tags=[f"t{number}"],
        )
    many = {path: len(statements(client, path)) for path in MOST}

    assert {path: cost for path, cost in many.items() if cost > MOST[path]} == {}
    # Likeness of names is asked for only where words found little.
    assert many.pop(SEARCH) == few.pop(SEARCH) - 1
    assert many == few


def test_a_token_costs_its_own_lookup_and_no_more(client, publish, alice):
    publish("pdf-tools")
    _token, text = create_token(user=alice, label="test")
    bearer = {"Authorization": f"Bearer {text}"}
    statements(client, "/api/v1/skills", **bearer)  # the first use is written down

    for path in ("/api/v1/skills", "/api/v1/skills/pdf-tools"):
        alone, known = statements(client, path), statements(client, path, **bearer)
        # The token with its person, and whether "last used" is due.
        assert len(known) - len(alone) <= 2


@pytest.mark.parametrize(
    "query", ["", "?sort=name", "?sort=downloads&nonSuspicious=1", "?topic=csv", "?prefix=pdf"]
)
def test_a_list_reads_the_table_of_lists_and_nothing_else(client, publish, query):
    publish("pdf-tools", topics=["csv"])
    (sql,) = statements(client, f"/api/v1/skills{query}")

    assert set(re.findall(r'(?:FROM|JOIN) "(\w+)"', sql)) == {"skills_skilllisting"}
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        plan = cursor.fetchone()[0]
    assert relations(plan if isinstance(plan, list) else json.loads(plan)) == {
        "skills_skilllisting"
    }


def relations(plan) -> set[str]:
    """The tables a plan reads."""
    if isinstance(plan, list):
        return set().union(*map(relations, plan))
    if isinstance(plan, dict):
        own = {plan["Relation Name"]} if "Relation Name" in plan else set()
        return own.union(*(relations(part) for part in plan.values()))
    return set()


def test_no_list_of_versions_reads_their_texts(client, publish):
    publish("pdf-tools")

    for path in ("/versions", "/versions/1.0.0", "/install"):
        for sql in statements(client, f"/api/v1/skills/pdf-tools{path}"):
            assert '"readme"' not in sql, path

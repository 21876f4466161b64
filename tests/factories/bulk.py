"""Many rows fast, and what a statement costs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, models, transaction

from accounts.models import Namespace
from config.derived import deferred
from skills.models import Skill, SkillTag, SkillVersion
from tests.factories.skills import BlobFactory


def list_skills(namespace: Namespace, rows: Iterable[dict[str, Any]]) -> list[Skill]:
    """Skills with these columns, each with a version that `latest` points at: all on the list."""
    archive = BlobFactory()
    with deferred():
        skills = Skill.objects.bulk_create(Skill(namespace=namespace, **row) for row in rows)
        versions = SkillVersion.objects.bulk_create(
            SkillVersion(
                skill=skill,
                version="1.0.0",
                source="web",
                file_count=1,
                size_bytes=1,
                archive=archive,
            )
            for skill in skills
        )
        SkillTag.objects.bulk_create(
            SkillTag(skill_id=version.skill_id, name="latest", version=version)
            for version in versions
        )
    return skills


def copy_row(row: models.Model, first: int, count: int, columns: dict[str, str]) -> None:
    """Copy a stored row `count` times past every hook; `columns` are SQL over `n`, the number."""
    meta = row._meta
    copied = [f.column for f in meta.concrete_fields if not (f.primary_key or f.generated)]
    chosen = [columns.get(column, f't."{column}"') for column in copied]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {meta.db_table} ({', '.join(copied)}) SELECT {', '.join(chosen)}"
            f" FROM {meta.db_table} t, generate_series(%s::bigint, %s::bigint) n WHERE t.id = %s",
            [first, first + count - 1, row.pk],
        )


def analyze(*of: type[models.Model]) -> None:
    """Tell the planner what the tables hold now.

    Indexes are built anew: what tests before rolled back still stands in them, and its pages
    would be counted.
    """
    with connection.cursor() as cursor:
        for model in of:
            cursor.execute(f"REINDEX TABLE {model._meta.db_table}")
            cursor.execute(f"ANALYZE {model._meta.db_table}")


@dataclass
class Plan:
    """How PostgreSQL ran a statement."""

    blocks: int
    relations: set[str]
    indexes: set[str]


def explain(sql: str, params: Iterable[Any]) -> Plan:
    """Run the statement; return the blocks it touched, and in which tables and indexes.

    The second run counts: the first marks what tests before left dead in the indexes.
    """
    params = list(params)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
        answer = cursor.fetchone()[0]
    top = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
    plan = Plan(top["Shared Hit Blocks"] + top["Shared Read Blocks"], set(), set())
    nodes = [top]
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        plan.relations |= {node["Relation Name"]} if "Relation Name" in node else set()
        plan.indexes |= {node["Index Name"]} if "Index Name" in node else set()
    return plan


@contextmanager
def rolled_back(blocker: Any) -> Iterator[None]:
    """Rows for all tests of a file: made in a transaction around theirs that never commits."""
    with blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)

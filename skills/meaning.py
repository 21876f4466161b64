"""The embeddings of skills: which are to be made, made, and asked for the nearest."""

from __future__ import annotations

from typing import Final

from django.db import connection
from django.db.models import F
from pgvector import HalfVector

from skills import embeddings
from skills.derived import embedded_text
from skills.models import Skill, SkillEmbedding, SkillSearch
from skills.narrowing import EVERYTHING, Narrowing, sql_of_texts
from skills.ranking import Match

BATCH: Final = 16
MARKED_AT_ONCE: Final = 1_000
NEAREST: Final = 100
# Of the transaction of a search: it walks on until there are enough that match.
WALK_ON: Final = ("hnsw.iterative_scan = strict_order", "hnsw.ef_search = 100")
NEARBY: Final = """SELECT "skills_skillembedding"."skill_id" AS "skill",
       t.downloads, t.is_suspicious,
       "skills_skillembedding"."vector" <=> %(vector)s AS "distance"
  FROM "skills_skillembedding" JOIN ({texts}) t ON t.skill_id = "skills_skillembedding"."skill_id"
 WHERE "skills_skillembedding"."model" = %(model)s
 ORDER BY "distance" LIMIT %(limit)s
"""
FARTHEST: Final = 0.75
"""What is farther away than this (of 2) has nothing to do with what was asked."""


def embed_next() -> int:
    """Embed some skills whose text is not the one that was embedded last; return how many.

    Idempotent, and safe beside writers: what changed meanwhile is found again.
    """
    waiting = SkillSearch.objects.exclude(text_key=F("embedded_key")).order_by("skill")
    keys = dict(waiting.values_list("skill", "text_key")[:BATCH])
    if not keys:
        return 0
    rows = Skill._base_manager.filter(pk__in=keys).annotate(text=embedded_text())
    texts = dict(rows.values_list("pk", "text"))
    vectors = embeddings.embed(list(texts.values()))
    SkillEmbedding.objects.bulk_create(
        [
            SkillEmbedding(skill_id=pk, text_key=keys[pk], model=embeddings.MODEL, vector=vector)
            for pk, vector in zip(texts, vectors, strict=True)
        ],
        update_conflicts=True,
        unique_fields=["skill"],
        update_fields=["text_key", "model", "vector"],
    )
    return len(keys)


def mark_next(after: int) -> tuple[int, int] | None:
    """Mark some embeddings behind this skill's to be made again; return the last and how many."""
    rows = SkillEmbedding.objects.filter(skill__gt=after).order_by("skill")
    keys = list(rows.values_list("skill", flat=True)[:MARKED_AT_ONCE])
    if not keys:
        return None
    SkillEmbedding.objects.filter(skill__in=keys).update(text_key="")
    return keys[-1], len(keys)


def nearest(text: str, among: Narrowing = EVERYTHING) -> list[Match]:
    """Return the skills whose texts mean most nearly the same, the nearest first.

    One statement, in a transaction in which `WALK_ON` holds. `among` narrows while the index is
    walked, so that what is hidden takes no place. Raises `embeddings.ModelMissing`.
    """
    vector = HalfVector(embeddings.embed_query(text)).to_text()
    texts, params = sql_of_texts(among)
    told = {"vector": vector, "model": embeddings.MODEL, "limit": NEAREST}
    with connection.cursor() as cursor:
        cursor.execute(NEARBY.format(texts=texts), params | told)
        found = cursor.fetchall()
    return [Match(*match) for *match, distance in found if distance <= FARTHEST]

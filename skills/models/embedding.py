"""What the text of a skill means, apart from everything that lists read."""

from __future__ import annotations

from django.db import models
from pgvector.django import HalfVectorField, HnswIndex

from config.derived import DerivedModel, DerivedQuerySet
from skills.embeddings import DIMENSIONS
from skills.models.skill import Skill


class SkillEmbedding(DerivedModel):
    """The direction of a skill's text. Late or missing, it is found by its words all the same.

    Written by the job `embed_skills` alone. A skill that is hidden keeps its row, so that it is not
    embedded again; what finds by direction passes over it.
    """

    skill = models.OneToOneField(
        Skill, primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    # Of which text it was made (`SkillSearch.text_key`), and by which model.
    text_key = models.CharField(max_length=32, db_collation="C")
    model = models.CharField(max_length=40, db_collation="C")
    vector = HalfVectorField(dimensions=DIMENSIONS)

    objects = DerivedQuerySet.as_manager()

    class Meta:
        indexes = [
            # The nearest to what somebody searches for.
            HnswIndex(
                fields=["vector"],
                name="skillembedding_nearest",
                m=16,
                ef_construction=64,
                opclasses=["halfvec_cosine_ops"],
            ),
        ]

    def __str__(self) -> str:
        return f"direction of skill {self.skill_id}"

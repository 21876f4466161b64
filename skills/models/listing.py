"""The rows that lists and search read: copies of what a card shows, one per facet.

Why copies: a page of 25 cards must touch at most 35 blocks for every sort, with or without a
facet, at any depth. That needs each card in one heap block behind one index that starts with the
facet, and no join (a join by primary key costs three blocks a card). The numbers are in
docs/adr/0001-listing-rows.md. Rules: skills/derived.py.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q

from skills.models.skill import SLUG_LENGTH, Skill
from skills.querysets import SkillListingQuerySet

# What a sort is called in an address, its column, and whether it descends.
SORT_COLUMNS = {
    "updated": ("updated_at", True),
    "newest": ("created_at", True),
    "downloads": ("downloads", True),
    "stars": ("stars", True),
    "installs": ("installs_all_time", True),
    "installs-current": ("installs_current", True),
    "name": ("name_key", False),
}


def sort_indexes() -> list[models.Index]:
    """Return two indexes per sort: of all listed skills, and of those that are not suspicious."""
    made = []
    for sort, (column, descending) in SORT_COLUMNS.items():
        sign = "-" if descending else ""
        fields = ["facet", f"{sign}{column}", f"{sign}skill"]
        short = sort.replace("installs-current", "current")
        made.append(models.Index(fields=fields, name=f"listing_{short}"))
        made.append(
            models.Index(
                fields=fields, name=f"listing_{short}_clean", condition=Q(is_suspicious=False)
            )
        )
    return made


class SkillListing(models.Model):
    """A public skill as its card shows it, under one facet ("" = no facet)."""

    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="+", db_index=False)
    facet = models.CharField(max_length=100, db_collation="C")

    slug = models.CharField(max_length=SLUG_LENGTH, db_collation="C")
    owner_handle = models.CharField(max_length=64)
    display_name = models.CharField(max_length=200)
    name_key = models.CharField(max_length=200, db_collation="C")
    summary = models.CharField(max_length=300)
    categories = ArrayField(models.CharField(max_length=24))
    topics = ArrayField(models.CharField(max_length=48))
    latest_version_summary = models.JSONField()
    tags = models.JSONField()
    badges = models.JSONField()
    moderation_reason = models.CharField(max_length=60)
    is_suspicious = models.BooleanField()
    downloads = models.PositiveBigIntegerField()
    stars = models.PositiveBigIntegerField()
    installs_current = models.PositiveBigIntegerField()
    installs_all_time = models.PositiveBigIntegerField()
    comment_count = models.PositiveIntegerField()
    version_count = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = SkillListingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("skill", "facet", name="skilllisting_once_per_facet"),
        ]
        indexes = [
            *sort_indexes(),
            # Slugs by prefix, ascending.
            models.Index(fields=["facet", "slug", "skill"], name="listing_slug"),
            # The skills of one owner, newest change first.
            models.Index(
                fields=["owner_handle", "-updated_at", "-skill"],
                name="listing_of_owner",
                condition=Q(facet=""),
            ),
            # The sums of one owner's skills, by an index-only scan.
            models.Index(
                fields=["owner_handle"],
                include=["downloads", "installs_all_time", "stars"],
                name="listing_totals_of_owner",
                condition=Q(facet=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.slug} under “{self.facet}”"


class SkillSearch(models.Model):
    """The searchable text of a public skill, apart from its card, so that no list reads it."""

    skill = models.OneToOneField(
        Skill, primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    document = SearchVectorField()
    # The same without the readme: short, so it stays in the row. None in a row that has not
    # followed its rule since this column came.
    head = SearchVectorField(null=True)
    name_key = models.CharField(max_length=200, db_collation="C")
    is_suspicious = models.BooleanField()
    downloads = models.PositiveBigIntegerField()
    # Of the text that an embedding is made of, and of the one that today's model last made it of:
    # where they differ the job has something to do.
    text_key = models.CharField(max_length=32, db_default="", db_collation="C")
    embedded_key = models.CharField(max_length=32, default="", db_default="", db_collation="C")

    class Meta:
        indexes = [
            # What is to be embedded.
            models.Index(
                fields=["skill"],
                name="skillsearch_to_embed",
                condition=~Q(text_key=F("embedded_key")),
            ),
            # Who holds a word, and who holds it in its name, summary or topics.
            GinIndex(fields=["document"], name="skillsearch_document"),
            GinIndex(fields=["head"], name="skillsearch_head"),
            models.Index(fields=["name_key", "skill"], name="skillsearch_name"),
            GinIndex(OpClass(F("name_key"), name="gin_trgm_ops"), name="skillsearch_name_trigrams"),
        ]

    def __str__(self) -> str:
        return self.name_key

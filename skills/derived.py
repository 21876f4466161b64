"""The rules of the skill's denormalised fields and of the rows that lists and search read."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.postgres.search import SearchVector
from django.db.models import (
    Aggregate,
    BigIntegerField,
    Case,
    Count,
    F,
    Func,
    IntegerField,
    JSONField,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import MD5, Coalesce, Concat, JSONObject, Left, Lower

from accounts.models import Namespace
from config.derived import Children, DerivedField, DerivedRows
from skills import verdict
from skills.embeddings import MODEL
from skills.models import (
    CommentReport,
    ReportStatus,
    Skill,
    SkillBadge,
    SkillComment,
    SkillEmbedding,
    SkillStar,
    SkillTag,
    SkillVersion,
)

CHANGELOG_EXCERPT = 200


class JSONObjectAgg(Aggregate):
    """`jsonb_object_agg(key, value)`."""

    function = "jsonb_object_agg"
    output_field = JSONField()


class Milliseconds(Func):
    """A point in time as whole milliseconds since the Unix epoch, the contract's unit."""

    template = "(extract(epoch FROM %(expressions)s) * 1000)::bigint"
    output_field = IntegerField()


def _map(rows: QuerySet[Any], key: str, value: Any) -> Coalesce:
    per_skill = rows.filter(skill=OuterRef("pk")).order_by().values("skill")
    made = per_skill.annotate(made=JSONObjectAgg(key, value)).values("made")
    return Coalesce(Subquery(made), Value({}, JSONField()), output_field=JSONField())


def _latest(value: Any) -> Subquery:
    """Read from the version that `latest` points at."""
    latest = SkillVersion._base_manager.filter(
        # Its own skill too: a version that moved away speaks for its new skill only.
        skill=OuterRef("pk"),
        tag_rows__skill=OuterRef("pk"),
        tag_rows__name="latest",
        withdrawn_at__isnull=True,
    )
    return Subquery(latest.annotate(found=value).values("found")[:1])


FROM_VERSIONS = {"skills.SkillVersion": "skill_id", "skills.SkillTag": "skill_id"}

OWNER_HANDLE = DerivedField(
    target="skills.Skill",
    name="owner_handle",
    rule=lambda: Subquery(
        Namespace._base_manager.filter(pk=OuterRef("namespace_id")).values("handle")
    ),
    sources={"skills.Skill": "pk", "accounts.Namespace": Children("namespace_id")},
)
# About 300 bytes: what a card and the API's list item say of the latest version.
LATEST_VERSION_SUMMARY = DerivedField(
    target="skills.Skill",
    name="latest_version_summary",
    rule=lambda: _latest(
        JSONObject(
            version="version",
            createdAt=Milliseconds("created_at"),
            changelog=Left("changelog", CHANGELOG_EXCERPT),
            # The clients accept this one licence or none (contract, trap 2).
            license=Case(When(license="MIT-0", then=Value("MIT-0")), default=None),
            declaredLicense="license",
            env=F("metadata__env_vars"),
            bins=F("metadata__required_binaries"),
            os=F("metadata__os"),
        )
    ),
    sources=FROM_VERSIONS,
)
LATEST_SCAN_STATE = DerivedField(
    target="skills.Skill",
    name="latest_scan_state",
    rule=lambda: Coalesce(_latest(F("scan_state")), Value("")),
    sources=FROM_VERSIONS,
)
# Tag name → version string; a withdrawn version is not offered.
TAGS = DerivedField(
    target="skills.Skill",
    name="tags",
    rule=lambda: _map(
        SkillTag._base_manager.filter(
            version__skill=F("skill"), version__withdrawn_at__isnull=True
        ),
        "name",
        "version__version",
    ),
    sources=FROM_VERSIONS,
)
# Badge kind → when it was given, in milliseconds.
BADGES = DerivedField(
    target="skills.Skill",
    name="badges",
    rule=lambda: _map(SkillBadge._base_manager.all(), "kind", Milliseconds("given_at")),
    sources={"skills.SkillBadge": "skill_id"},
)
IS_SUSPICIOUS = DerivedField(
    target="skills.Skill",
    name="is_suspicious",
    rule=lambda: Case(
        When(
            Q(moderation_flags__overlap=sorted(verdict.SUSPICIOUS_FLAGS))
            | Q(moderation_reason__regex=r"^scanner\.[a-z]+\.(suspicious|malicious)$"),
            then=Value(True),
        ),
        default=Value(False),
    ),
    sources={"skills.Skill": "pk"},
)
VERSION_COUNT = DerivedField(
    target="skills.Skill",
    name="version_count",
    rule=lambda: Coalesce(
        Subquery(
            SkillVersion._base_manager.filter(skill=OuterRef("pk"), withdrawn_at__isnull=True)
            .order_by()
            .values("skill")
            .annotate(n=Count("pk"))
            .values("n")
        ),
        0,
    ),
    sources=FROM_VERSIONS,
)

# Counted anew with each comment, from an index that holds just the visible ones: comments are few
# and bounded per person, so exactness is worth more than the rewritten listing rows.
COMMENT_COUNT = DerivedField(
    target="skills.Skill",
    name="comment_count",
    rule=lambda: Coalesce(
        Subquery(
            SkillComment._base_manager.filter(skill=OuterRef("pk"), deleted_at=None, hidden_at=None)
            .order_by()
            .values("skill")
            .annotate(n=Count("pk"))
            .values("n")
        ),
        0,
    ),
    sources={"skills.SkillComment": "skill_id"},
)
# When the first of the open reports came.
COMMENT_REPORTED_AT = DerivedField(
    target="skills.SkillComment",
    name="reported_at",
    rule=lambda: Subquery(
        CommentReport._base_manager.filter(comment=OuterRef("pk"), status=ReportStatus.OPEN)
        .order_by()
        .values("comment")
        .annotate(first=Min("created_at"))
        .values("first")
    ),
    sources={"skills.CommentReport": "comment_id"},
)

# Also moved by one in the statement that gives or takes a star (skills/sql/star.sql).
TOTAL_STARS = DerivedField(
    target="skills.SkillTotal",
    name="stars",
    rule=lambda: Coalesce(
        Subquery(
            SkillStar._base_manager.filter(skill=OuterRef("pk"))
            .order_by()
            .values("skill")
            .annotate(n=Count("pk"))
            .values("n")
        ),
        0,
        output_field=BigIntegerField(),
    ),
    sources={"skills.SkillStar": "skill_id"},
)


# --- The rows that lists and search read ----------------------------------------------------------


class Facets(Func):
    """One row per facet of a skill: "", each category, each topic, each pair of the two.

    `c:data`, `t:csv`, `c:data t:csv`: at most 1 + 3 + 5 + 15 rows.
    """

    set_returning = True
    output_field = TextField()
    template = (
        "unnest(ARRAY['']::text[]"
        " || ARRAY(SELECT 'c:' || c FROM unnest({c}::text[]) c)"
        " || ARRAY(SELECT 't:' || t FROM unnest({t}::text[]) t)"
        " || ARRAY(SELECT 'c:' || c || ' t:' || t"
        " FROM unnest({c}::text[]) c, unnest({t}::text[]) t))"
    )

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:  # noqa: ARG002
        """Repeat the two plain columns where the template asks for them."""
        (categories, _none), (topics, _none) = map(compiler.compile, self.source_expressions)
        return self.template.format(c=categories, t=topics), []


class Folded(Func):
    """What was typed without case and accents: a constant to the planner, as `Unaccent` is not."""

    function = "skills_fold"
    output_field = TextField()


class Unaccent(Func):
    """Text without its accents, so that É sorts and matches as E."""

    function = "unaccent"
    output_field = TextField()


def facet_of(category: str = "", topic: str = "") -> str:
    """Return the facet key that `Facets` gives a skill with this category and topic."""
    parts = [f"c:{category}"] * bool(category) + [f"t:{topic}"] * bool(topic)
    return " ".join(parts)


def _name_key() -> Left:
    return Left(Lower(Unaccent("display_name")), 200)


SKILL_LISTING = DerivedRows(
    target="skills.SkillListing",
    anchor="skills.Skill",
    link="skill",
    key=("skill", "facet"),
    rule=lambda: Skill.objects.public().values(
        "slug",
        "owner_handle",
        "display_name",
        "summary",
        "categories",
        "topics",
        "latest_version_summary",
        "tags",
        "badges",
        "moderation_reason",
        "is_suspicious",
        "downloads",
        "stars",
        "installs_current",
        "installs_all_time",
        "comment_count",
        "version_count",
        "created_at",
        "updated_at",
        skill=F("pk"),
        facet=Facets("categories", "topics"),
        name_key=_name_key(),
    ),
    sources={"skills.Skill": "pk"},
)
README_READ: Final = 4_000
"""So much of a readme is searched by its words."""
README_EMBEDDED: Final = 1_000


def latest_readme(length: int) -> Left:
    """Return the beginning of the latest version's readme; "" without one.

    A tag that moves and a version that is withdrawn change `latest_version_summary`, too, and with
    it the skill, whose search row follows.
    """
    return Left(Coalesce(_latest(F("readme")), Value("")), length)


def embedded_text() -> Concat:
    """Return the text of a skill whose meaning is searched: name, summary, topics, readme."""
    topics = Func("topics", Value(", "), function="array_to_string", output_field=TextField())
    line = Value("\n")
    return Concat(
        "display_name",
        line,
        "summary",
        line,
        topics,
        line,
        latest_readme(README_EMBEDDED),
        output_field=TextField(),
    )


def _head() -> Any:
    """Return the words of a skill without its readme, weighted by where they stand."""
    topics = Func("topics", Value(" "), function="array_to_string", output_field=TextField())
    return (
        SearchVector(Unaccent("display_name"), Unaccent("slug"), weight="A", config="simple")
        + SearchVector(Unaccent("summary"), config="english", weight="B")
        + SearchVector(Unaccent(topics), config="simple", weight="C")
    )


SKILL_SEARCH = DerivedRows(
    target="skills.SkillSearch",
    anchor="skills.Skill",
    link="skill",
    key=("skill",),
    rule=lambda: Skill.objects.public().values(
        "is_suspicious",
        "downloads",
        skill=F("pk"),
        name_key=_name_key(),
        head=_head(),
        document=_head()
        + SearchVector(Unaccent(latest_readme(README_READ)), config="english", weight="D"),
        text_key=MD5(embedded_text()),
        embedded_key=Coalesce(
            Subquery(
                SkillEmbedding._base_manager.filter(skill=OuterRef("pk"), model=MODEL).values(
                    "text_key"
                )
            ),
            Value(""),
        ),
    ),
    sources={"skills.Skill": "pk", "skills.SkillEmbedding": "skill_id"},
)

"""The skill and what hangs on it as a whole: tags, badges, old names."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Concat, Now

from accounts.models import Namespace
from config.derived import DerivedModel, DerivedQuerySet
from skills import verdict
from skills.querysets import SkillBadgeQuerySet, SkillQuerySet

SLUG_LENGTH = 120  # Imported slugs may break the rules for new ones; never longer than this.


class ModerationStatus(models.TextChoices):
    ACTIVE = "active", "Active"
    HIDDEN = "hidden", "Hidden"
    REMOVED = "removed", "Removed"


class Skill(DerivedModel):
    """A folder with a `SKILL.md`, published in versions by one namespace."""

    namespace = models.ForeignKey(Namespace, on_delete=models.PROTECT, related_name="skills")
    slug = models.CharField(max_length=SLUG_LENGTH, db_collation="C")
    display_name = models.CharField(max_length=200)
    summary = models.CharField(max_length=300, blank=True)
    categories = ArrayField(models.CharField(max_length=24), default=list, blank=True)
    topics = ArrayField(models.CharField(max_length=48), default=list, blank=True)

    moderation_status = models.CharField(
        max_length=8, choices=ModerationStatus, default=ModerationStatus.ACTIVE
    )
    moderation_flags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    moderation_reason = models.CharField(max_length=60, default=verdict.SCAN_PENDING)
    soft_deleted_at = models.DateTimeField(null=True, blank=True)
    # Set when staff or the owner bring a skill back; the next finished scan clears it.
    restored_at = models.DateTimeField(null=True, blank=True)
    # When it was merged away: its name leads elsewhere, and nothing undoes that.
    merged_at = models.DateTimeField(null=True, blank=True)

    # Sort copies of the totals, with an as-of time of their own; not derived fields.
    downloads = models.PositiveBigIntegerField(default=0)
    stars = models.PositiveBigIntegerField(default=0)
    installs_current = models.PositiveBigIntegerField(default=0)
    installs_all_time = models.PositiveBigIntegerField(default=0)

    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    # Derived: rules in skills/derived.py. NULL = never computed.
    owner_handle = models.CharField(max_length=64, default="", editable=False)
    latest_version_summary = models.JSONField(null=True, editable=False)
    latest_scan_state = models.CharField(max_length=10, default="", editable=False)
    tags = models.JSONField(null=True, editable=False)
    badges = models.JSONField(null=True, editable=False)
    is_suspicious = models.BooleanField(default=False, editable=False)
    version_count = models.PositiveIntegerField(default=0, editable=False)
    comment_count = models.PositiveIntegerField(default=0, editable=False)

    # Whether the visitor of a page starred it, where `skills.shown` read that along.
    is_starred: bool | None = None

    objects = SkillQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("namespace", "slug", name="skill_slug_unique_per_namespace"),
        ]
        indexes = [
            # All skills of one owner, newest first: the staff's page of an author, and bans.
            models.Index(fields=["namespace", "-id"], name="skill_of_namespace"),
            # A bare slug, and slugs by prefix, whoever owns them.
            models.Index(fields=["slug", "id"], name="skill_by_slug"),
            # The work lists: each index holds just the rows its question asks for.
            models.Index(
                name="skill_reason_out_of_date",
                fields=["id"],
                condition=Q(moderation_reason__startswith="scanner.")
                & ~Q(latest_scan_state="")
                & ~Q(moderation_reason__endswith=Concat(Value("."), F("latest_scan_state"))),
            ),
            models.Index(
                name="skill_quality_hold",
                fields=["updated_at", "id"],
                condition=Q(moderation_reason=verdict.QUALITY_HOLD),
            ),
            models.Index(
                name="skill_hidden_by_reports",
                fields=["updated_at", "id"],
                condition=Q(moderation_reason=verdict.HIDDEN_BY_REPORTS),
            ),
            models.Index(
                name="skill_restored",
                fields=["restored_at", "id"],
                condition=Q(restored_at__isnull=False),
            ),
            models.Index(
                name="skill_without_summary",
                fields=["id"],
                condition=Q(latest_version_summary__isnull=True, version_count__gt=0),
            ),
            models.Index(
                name="skill_without_badge_map", fields=["id"], condition=Q(badges__isnull=True)
            ),
            # What boards leave out, so that a build joins only the few and none of the many.
            models.Index(
                name="skill_off_boards",
                fields=["id"],
                condition=~Q(moderation_status="active")
                | Q(soft_deleted_at__isnull=False)
                | Q(latest_version_summary__isnull=True)
                | Q(is_suspicious=False, moderation_reason__regex=verdict.UNSCANNED_PATTERN),
            ),
        ]

    def __str__(self) -> str:
        return f"@{self.owner_handle}/{self.slug}"

    @property
    def is_public(self) -> bool:
        """Say whether everybody may see it; `SkillQuerySet.public()` is the same rule for lists."""
        return (
            self.moderation_status == ModerationStatus.ACTIVE
            and self.soft_deleted_at is None
            and self.latest_version_summary is not None
        )

    @property
    def is_installable(self) -> bool:
        """Say whether its files are handed out."""
        return self.is_public

    @property
    def status_word(self) -> str:
        """Return the one public word for its state."""
        return verdict.status_word(self)


class SkillAlias(models.Model):
    """An old name of a skill, kept after a rename or a merge; it leads to the new one."""

    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="skill_aliases")
    slug = models.CharField(max_length=SLUG_LENGTH, db_collation="C")
    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="aliases")

    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint("namespace", "slug", name="skillalias_unique_per_namespace"),
        ]
        indexes = [models.Index(fields=["slug"], name="skillalias_by_slug")]

    def __str__(self) -> str:
        return f"{self.slug} → {self.skill_id}"


class SkillTag(DerivedModel):
    """A name that points at one version; `latest` is what an install takes."""

    skill = models.ForeignKey(
        Skill, on_delete=models.CASCADE, related_name="tag_rows", db_index=False
    )
    name = models.CharField(max_length=64)
    version = models.ForeignKey(
        "skills.SkillVersion", on_delete=models.CASCADE, related_name="tag_rows"
    )

    objects = DerivedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint("skill", "name", name="skilltag_unique_per_skill")]

    def __str__(self) -> str:
        return f"{self.name} of {self.skill_id}"


class Badge(models.TextChoices):
    HIGHLIGHTED = "highlighted", "Highlighted"
    OFFICIAL = "official", "Official"
    DEPRECATED = "deprecated", "Deprecated"


class SkillBadge(DerivedModel):
    """A mark that staff gave a skill, with the reason."""

    skill = models.ForeignKey(
        Skill, on_delete=models.CASCADE, related_name="badge_rows", db_index=False
    )
    kind = models.CharField(max_length=16, choices=Badge)
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    reason = models.CharField(max_length=300)

    given_at = models.DateTimeField(db_default=Now())

    objects = SkillBadgeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("skill", "kind", name="skillbadge_unique_per_skill"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.skill_id}"

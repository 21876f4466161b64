"""What people write under a skill, and what others report about it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length, Now
from django.db.models.lookups import GreaterThan, LessThanOrEqual

from config.derived import DerivedModel, DerivedQuerySet
from skills.models.skill import Skill
from skills.querysets import SkillCommentQuerySet

COMMENT_LENGTH = 2_000
REPORT_LENGTH = 500
REASON_LENGTH = 300


class CommentDecision(models.TextChoices):
    """What staff decided last; the label is how a sentence says it."""

    HIDDEN = "hidden", "hid this comment"
    SHOWN = "shown", "showed this comment again"
    DISMISSED = "dismissed", "dismissed the reports of this comment"


class SkillComment(DerivedModel):
    """A person's words under a skill: plain text, taken back by its author, hidden by staff."""

    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    text = models.TextField(max_length=COMMENT_LENGTH)

    created_at = models.DateTimeField(db_default=Now())
    deleted_at = models.DateTimeField(null=True)
    hidden_at = models.DateTimeField(null=True)

    # The last decision of staff; `decision_count` tells a page that another one came between.
    decision = models.CharField(max_length=9, choices=CommentDecision, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=REASON_LENGTH, blank=True)
    decision_count = models.PositiveIntegerField(default=0)

    # Derived: since when an open report waits; NULL = none. The rule is in skills/derived.py.
    reported_at = models.DateTimeField(null=True, editable=False)

    objects = SkillCommentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="skillcomment_text_is_bounded",
                condition=Q(GreaterThan(Length("text"), 0))
                & Q(LessThanOrEqual(Length("text"), COMMENT_LENGTH)),
            ),
        ]
        indexes = [
            # The tab of a skill, newest first, and the rule of `Skill.comment_count`.
            models.Index(
                fields=["skill", "-created_at", "-id"],
                name="skillcomment_visible",
                condition=Q(deleted_at=None, hidden_at=None),
            ),
            # What a person wrote under a skill: repeats, and what only they still see.
            models.Index(fields=["author", "skill", "-id"], name="skillcomment_of_author"),
            # Staff: reported ones, longest waiting first; hidden ones, last hidden first.
            models.Index(
                fields=["reported_at", "id"],
                name="skillcomment_reported",
                condition=Q(reported_at__isnull=False),
            ),
            models.Index(
                fields=["-hidden_at", "-id"],
                name="skillcomment_hidden",
                condition=Q(hidden_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"comment {self.pk}"

    @property
    def is_visible(self) -> bool:
        """Say whether all who see the skill see it; `visible()` is the same rule for lists."""
        return self.deleted_at is None and self.hidden_at is None


class ReportKind(models.TextChoices):
    SPAM = "spam", "Advertising or spam"
    ABUSE = "abuse", "Insults or harasses somebody"
    HARM = "harm", "Leads to something harmful"
    PRIVATE = "private", "Tells something private about somebody"
    OTHER = "other", "Something else"


class ReportStatus(models.TextChoices):
    OPEN = "open", "Open"
    CONFIRMED = "confirmed", "Confirmed"
    DISMISSED = "dismissed", "Dismissed"


class CommentReport(DerivedModel):
    """A person's word that a comment should go. At most one open report a person and comment."""

    comment = models.ForeignKey(
        SkillComment, on_delete=models.CASCADE, related_name="reports", db_index=False
    )
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    kind = models.CharField(max_length=8, choices=ReportKind)
    text = models.CharField(max_length=REPORT_LENGTH, blank=True)

    status = models.CharField(max_length=9, choices=ReportStatus, default=ReportStatus.OPEN)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=REASON_LENGTH, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = DerivedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["comment", "reporter"],
                name="commentreport_one_open_per_person",
                condition=Q(status=ReportStatus.OPEN),
            ),
        ]
        indexes = [
            # The reports of a comment, newest first.
            models.Index(fields=["comment", "-id"], name="commentreport_of_comment"),
        ]

    def __str__(self) -> str:
        return f"report {self.pk} of comment {self.comment_id}"

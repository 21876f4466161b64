"""What was decided: a row for each act, never changed and never deleted."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from moderation.querysets.decision import DecisionQuerySet
from skills.models import Skill, SkillVersion


class Action(models.TextChoices):
    """What a decision does. The words are those of the public log."""

    APPROVE = "approve", "Approved"
    CAUTION = "caution", "Caution advised"
    CHANGES = "changes", "Changes requested"
    HIDE_VERSION = "hide-version", "Version hidden"
    HIDE = "hide", "Skill hidden"
    REMOVE = "remove", "Skill removed"
    PROPOSE_REMOVAL = "propose-removal", "Removal proposed"
    GRANT_APPEAL = "grant-appeal", "Appeal granted"
    REJECT_APPEAL = "reject-appeal", "Appeal rejected"
    UNDO = "undo", "Decision taken back"
    # By the system itself.
    BLOCK = "block", "Version blocked by a scan"
    HOLD_REPORTS = "hold-reports", "Skill hidden by reports"
    HOLD_QUALITY = "hold-quality", "New skill held for its quality"
    CLEAR = "clear", "Cleared by a new scan"


class Decision(models.Model):
    """One act of a moderator or of the system about a version, with its grounds.

    Database triggers refuse to change or delete a row. What an undo needs stands in `before`.
    """

    action = models.CharField(max_length=16, choices=Action)
    # None: the system itself.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    actor_role = models.CharField(max_length=12, blank=True)
    item = models.ForeignKey(
        "moderation.ReviewItem",
        null=True,
        on_delete=models.PROTECT,
        related_name="decisions",
        db_index=False,
    )
    skill = models.ForeignKey(
        Skill, on_delete=models.PROTECT, related_name="decisions", db_index=False
    )
    version = models.ForeignKey(
        SkillVersion, null=True, on_delete=models.PROTECT, related_name="decisions", db_index=False
    )
    # As they were called then.
    skill_label = models.CharField(max_length=200)
    version_label = models.CharField(max_length=100, blank=True)

    # Why: the class of the rule, the reason template, what the author reads, what they never read.
    category = models.CharField(max_length=40, blank=True)
    template = models.CharField(max_length=40, blank=True)
    text = models.CharField(max_length=2000, blank=True)
    note = models.CharField(max_length=2000, blank=True)
    # The findings it was decided on, and the keys by which later ones are known to be new:
    # pairs of a rule and a file's SHA-256.
    evidence = models.JSONField(default=list)
    evidence_keys = models.JSONField(default=list)

    reports_closed = models.PositiveIntegerField(default=0)
    before = models.JSONField(default=dict)
    undoes = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="undone_by"
    )
    # The acts of one bulk; the key by which a repeated request is known.
    batch = models.UUIDField(null=True)
    request_key = models.UUIDField(null=True, unique=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = DecisionQuerySet.as_manager()

    class Meta:
        indexes = [
            # The public log and the staff's, newest first; those of one person, skill, item.
            models.Index(fields=["-created_at", "-id"], name="decision_newest"),
            # The public log by what was done, by why, and by whether a person did it.
            models.Index(fields=["action", "-created_at", "-id"], name="decision_by_action"),
            models.Index(fields=["category", "-created_at", "-id"], name="decision_by_category"),
            models.Index(
                fields=["-created_at", "-id"],
                name="decision_automatic",
                condition=Q(actor__isnull=True),
            ),
            models.Index(fields=["actor", "-created_at", "-id"], name="decision_of_actor"),
            models.Index(fields=["skill", "-created_at", "-id"], name="decision_of_skill"),
            models.Index(fields=["version", "-id"], name="decision_of_version"),
            models.Index(fields=["item", "-id"], name="decision_of_item"),
            models.Index(
                fields=["batch"], name="decision_of_batch", condition=Q(batch__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} of {self.skill_label} {self.version_label}".rstrip()

    @property
    def is_automatic(self) -> bool:
        """Say whether no person decided it."""
        return self.actor_id is None

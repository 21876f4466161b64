"""What an owner is told on the site about their skills."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Namespace
from moderation.querysets.notice import NoticeQuerySet
from skills.models import Skill, SkillVersion


class NoticeKind(models.TextChoices):
    # A statement of reasons: what was decided, by whom, why, and what can be done.
    DECISION = "decision", "Decision"
    FINDINGS = "findings", "Findings"
    APPEAL = "appeal", "Answer to an appeal"
    # What was told before holds no longer.
    TAKEN_BACK = "taken-back", "Taken back"


class Notice(models.Model):
    """One notice to all who speak for a namespace; read once one of them has seen it."""

    namespace = models.ForeignKey(
        Namespace, on_delete=models.CASCADE, related_name="notices", db_index=False
    )
    kind = models.CharField(max_length=10, choices=NoticeKind)
    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="+")
    version = models.ForeignKey(SkillVersion, null=True, on_delete=models.CASCADE, related_name="+")
    decision = models.ForeignKey(
        "moderation.Decision", null=True, on_delete=models.PROTECT, related_name="notices"
    )
    # One sentence; the rest stands on the decision's page.
    text = models.CharField(max_length=500)
    # Where to look, file and line, as the version shows it.
    evidence = models.JSONField(default=list)
    created_at = models.DateTimeField(db_default=Now())
    read_at = models.DateTimeField(null=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["namespace", "-id"], name="notice_of_namespace"),
            # "How many has nobody read?"
            models.Index(
                fields=["namespace"], name="notice_unread", condition=Q(read_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} notice {self.pk} to {self.namespace_id}"

"""The offer of a skill to another owner."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Namespace
from skills.models.skill import Skill
from skills.querysets import SkillTransferQuerySet


class TransferState(models.TextChoices):
    PENDING = "pending", "Pending"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"
    CANCELLED = "cancelled", "Cancelled"
    EXPIRED = "expired", "Expired"


class SkillTransfer(models.Model):
    """An offer, and what came of it. A skill has one that is pending at most."""

    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="transfers")
    from_namespace = models.ForeignKey(
        Namespace, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    to_namespace = models.ForeignKey(
        Namespace, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    message = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=9, choices=TransferState, default=TransferState.PENDING)

    requested_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)

    objects = SkillTransferQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "skill", name="skilltransfer_one_pending", condition=Q(state="pending")
            ),
        ]
        indexes = [
            # What waits for an answer, by who gives it and by who asked, newest first.
            models.Index(
                fields=["to_namespace", "-id"],
                name="skilltransfer_incoming",
                condition=Q(state="pending"),
            ),
            models.Index(
                fields=["from_namespace", "-id"],
                name="skilltransfer_outgoing",
                condition=Q(state="pending"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.skill_id} from {self.from_namespace_id} to {self.to_namespace_id}"

"""What an author says against a decision."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class AppealState(models.TextChoices):
    OPEN = "open", "Open"
    GRANTED = "granted", "Granted"
    REJECTED = "rejected", "Rejected"


class Appeal(models.Model):
    """The one appeal against a decision; answered by somebody who did not make it."""

    decision = models.OneToOneField(
        "moderation.Decision", on_delete=models.PROTECT, related_name="appeal"
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    text = models.CharField(max_length=4000)
    created_at = models.DateTimeField(db_default=Now())

    state = models.CharField(max_length=8, choices=AppealState, default=AppealState.OPEN)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    answer = models.CharField(max_length=2000, blank=True)
    answered_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"appeal {self.pk} against decision {self.decision_id}: {self.state}"

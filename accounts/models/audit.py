"""The audit trail: who did what."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from accounts.models.person import User
from accounts.querysets import AuditEventQuerySet


class AuditEvent(models.Model):
    """One act of a person or of the system. Database triggers refuse to change or delete a row."""

    actor = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="audit_events", db_index=False
    )
    actor_role = models.CharField(max_length=12, blank=True)
    verb = models.CharField(max_length=40)
    object_type = models.CharField(max_length=40)
    object_id = models.BigIntegerField(null=True)
    object_label = models.CharField(max_length=200)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    reason = models.CharField(max_length=500, blank=True)
    request_id = models.CharField(max_length=32, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        indexes = [
            # The history of one thing, newest first.
            models.Index(fields=["object_type", "object_id", "-id"], name="auditevent_of_object"),
            # What one person did, newest first.
            models.Index(fields=["actor", "-id"], name="auditevent_of_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.object_type} {self.object_label}"

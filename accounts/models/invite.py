"""Invites into organisations."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models.namespace import Namespace
from accounts.models.person import User
from accounts.querysets import InviteQuerySet

INVITE_MAX_USES = 1_000


class Invite(models.Model):
    """A link that lets whoever opens it join an organisation; its code is kept as a hash only."""

    namespace = models.ForeignKey(
        Namespace, on_delete=models.CASCADE, related_name="invites", db_index=False
    )
    # Whom it is meant for, as a note: nothing is sent there, and nobody is held to it.
    email = models.EmailField(blank=True)
    max_uses = models.PositiveIntegerField(default=1)  # 0: as often as wanted
    created_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    expires_at = models.DateTimeField()

    code_sha256 = models.BinaryField(max_length=32, unique=True, editable=False)
    uses = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = InviteQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="invite_used_as_often_as_allowed",
                condition=Q(max_uses=0) | Q(uses__lte=F("max_uses")),
            ),
        ]
        indexes = [
            # The invites of one organisation, newest first.
            models.Index(fields=["namespace", "-id"], name="invite_of_namespace"),
            # Invites that are over, for the daily clearing.
            models.Index(fields=["expires_at"], name="invite_by_end"),
        ]

    def __str__(self) -> str:
        return f"invite {self.pk} into {self.namespace_id}"

    @property
    def state(self) -> str:
        """Return what pages say of it; what was done outranks what time did."""
        if self.revoked_at is not None:
            return "revoked"
        if self.max_uses and self.uses >= self.max_uses:
            return "used up"
        return "expired" if self.expires_at <= timezone.now() else "open"

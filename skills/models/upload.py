"""Leave to send one file ahead of the version that will hold it (contract 7.2)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class UploadTicket(models.Model):
    """A promise of one file: whose, how large, with which hash, until when.

    The bytes lie in the store under their hash (skills/blobs.py), which keeps what nothing refers
    to for longer than a ticket lives.
    """

    key = models.CharField(max_length=43, unique=True, db_collation="C")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64, db_collation="C")

    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    uploaded_at = models.DateTimeField(null=True)
    # When a version took the file; a ticket is good for one.
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="uploadticket_used_is_uploaded",
                condition=Q(used_at__isnull=True) | Q(uploaded_at__isnull=False),
            ),
        ]
        indexes = [
            # "How much has this person under way?", and their rows when the person goes.
            models.Index(
                fields=["user", "expires_at"],
                include=["size_bytes", "used_at"],
                name="uploadticket_of_user",
            ),
            # What is past its time, oldest first.
            models.Index(fields=["expires_at"], name="uploadticket_by_expiry"),
        ]

    def __str__(self) -> str:
        return f"{self.size_bytes} bytes of {self.user_id}"

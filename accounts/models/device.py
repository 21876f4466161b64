"""Command lines: how one asks to be signed in, and what it is signed in with."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models.namespace import Namespace
from accounts.models.person import User
from accounts.querysets import DeviceLoginQuerySet, DeviceSessionQuerySet

DEVICE_ID_LENGTH = 100


class LoginStatus(models.TextChoices):
    PENDING = "pending", "Waiting for an answer"
    APPROVED = "approved", "Approved"
    DENIED = "denied", "Denied"
    USED = "used", "Used"


class DeviceLogin(models.Model):
    """A command line that asks to act as somebody: open for minutes, answered once, used once.

    The state is known to the command line alone and kept as a hash; the page that asks the person
    names the hash, so whoever sees its address cannot fetch the session.
    """

    state_sha256 = models.CharField(
        max_length=64, unique=True, editable=False, db_collation="C"
    )  # in hexadecimal, as the address of the page says it
    # What the command line says of itself: anybody's claim.
    device_id = models.CharField(max_length=DEVICE_ID_LENGTH)
    expires_at = models.DateTimeField()

    status = models.CharField(
        max_length=8, choices=LoginStatus, default=LoginStatus.PENDING, editable=False
    )
    user = models.ForeignKey(
        User, null=True, editable=False, on_delete=models.CASCADE, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = DeviceLoginQuerySet.as_manager()

    class Meta:
        indexes = [
            # Logins that are over, for the daily clearing.
            models.Index(fields=["expires_at"], name="devicelogin_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.device_id} ({self.status})"

    @property
    def state(self) -> str:
        """Return what pages say of it: a status, or expired. What was used stays used."""
        is_over = self.expires_at <= timezone.now() and self.status != LoginStatus.USED
        return "expired" if is_over else self.status


class DeviceSession(models.Model):
    """A command line that is signed in as a person (`sks_…`); the secret is kept as a hash only.

    It uploads to its active namespace; None is the person's own.
    """

    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="device_sessions", db_index=False
    )
    device_id = models.CharField(max_length=DEVICE_ID_LENGTH)
    active_namespace = models.ForeignKey(
        Namespace, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    lookup_id = models.CharField(max_length=8, unique=True, editable=False, db_collation="C")
    secret_sha256 = models.BinaryField(max_length=32, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    # Moves on with each use.
    expires_at = models.DateTimeField(editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    # Read along by `with_role`: what the person is in the active namespace, None for no member.
    active_role: str | None

    objects = DeviceSessionQuerySet.as_manager()

    class Meta:
        indexes = [
            # "My command lines": those of one person, newest first.
            models.Index(fields=["user", "-id"], name="devicesession_of_user"),
            # Sessions that nobody used for long, for the daily clearing.
            models.Index(fields=["expires_at"], name="devicesession_by_end"),
        ]

    def __str__(self) -> str:
        return f"sks_{self.lookup_id}…"

    @property
    def namespace(self) -> Namespace | None:
        """Return where it uploads to: the person's own once they left the active namespace."""
        if self.active_namespace is not None and self.active_role is not None:
            return self.active_namespace
        return getattr(self.user, "namespace", None)

"""People: who signs in, and what they may do beyond their own things."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Collate, Lower, Now
from django.utils.crypto import salted_hmac

HANDLE_LENGTH = 64
# The last code point: nothing that starts with a prefix sorts behind prefix + this.
AFTER_ALL = "\U0010ffff"


class Role(models.TextChoices):
    """What a person may do beyond their own things; `accounts.policy` is the only reader."""

    USER = "user", "User"
    MODERATOR = "moderator", "Moderator"
    ADMIN = "admin", "Admin"


class UserManager(BaseUserManager["User"]):
    """Creates people; the namespace of a person is made by `services.create_user`."""

    def create_superuser(self, handle: str, password: str, **extra: Any) -> User:
        """Create an admin for `manage.py createsuperuser`."""
        from accounts.services import create_user

        return create_user(handle=handle, password=password, role=Role.ADMIN, **extra)

    def get_by_natural_key(self, username: str | None) -> User:
        """Look a person up as they type their handle: any letter case."""
        return self.get(handle=(username or "").strip().lower())

    def by_handle(self, prefix: str) -> models.QuerySet[User]:
        """Return those whose handle begins so, in its order; "" is everybody."""
        return self.filter(handle__gte=prefix, handle__lt=prefix + AFTER_ALL).order_by("handle")

    def by_name(self, prefix: str) -> models.QuerySet[User]:
        """Return those whose display name begins so, whatever the letter case, in its order."""
        key, begin = Collate(Lower("display_name"), "C"), prefix.lower()
        named = self.alias(name_key=key).filter(name_key__gte=begin, name_key__lt=begin + AFTER_ALL)
        return named.order_by("name_key", "pk")

    def to_erase(self) -> models.QuerySet[User]:
        """Return closed accounts of which something is left, by key."""
        return self.filter(closed_at__isnull=False, erased_at__isnull=True).order_by("pk")


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Signs in with the handle; owns things through a namespace."""

    handle = models.CharField(max_length=HANDLE_LENGTH, unique=True, db_collation="C")
    display_name = models.CharField(max_length=120, blank=True)
    email = models.EmailField(blank=True)
    # In which they are told exact times; "" is UTC.
    time_zone = models.CharField(max_length=64, blank=True, db_default="")
    role = models.CharField(max_length=12, choices=Role, default=Role.USER)

    is_active = models.BooleanField(default=True)
    banned_at = models.DateTimeField(null=True, blank=True)
    ban_reason = models.CharField(max_length=500, blank=True)
    # Browsers that signed in under an earlier number are signed out.
    session_generation = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # When they deleted their account, and when the last of it was gone. The row stays: it keeps
    # the handle from others, and bans and decisions name it (accounts/closing.py).
    closed_at = models.DateTimeField(null=True, editable=False)
    erased_at = models.DateTimeField(null=True, editable=False)
    # Who writes an export of theirs just now, and until when (accounts/exports.py).
    export_token = models.UUIDField(null=True, editable=False)
    export_until = models.DateTimeField(null=True, editable=False)

    # What the request they act in leaves of their role (accounts/identity.py); no column.
    acting_as: str | None = None

    objects = UserManager()

    USERNAME_FIELD = "handle"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="user_handle_is_lower_case",
                condition=Q(handle__regex=r"^[a-z0-9][a-z0-9_.-]*$"),
            ),
        ]
        indexes = [
            # People whose display name begins with what staff typed.
            models.Index(Collate(Lower("display_name"), "C"), "id", name="user_by_display_name"),
            # Closed accounts of which something is left.
            models.Index(
                fields=["id"],
                name="user_to_erase",
                condition=Q(closed_at__isnull=False, erased_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.handle

    @property
    def name(self) -> str:
        """Return what pages call this person; who deleted their account has no name."""
        return "Deleted account" if self.is_closed else self.display_name or self.handle

    @property
    def acting_role(self) -> str:
        """Return the role they may use right now: in a request what it leaves, else all of it."""
        return self.role if self.acting_as is None else self.acting_as

    @property
    def is_closed(self) -> bool:
        """Say whether the person deleted their account."""
        return self.closed_at is not None

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return what a session must know to go on: it follows from the password and the number."""
        known: str = super()._get_session_auth_hash(secret=secret)  # type: ignore[misc]
        if not self.session_generation:
            return known
        salt = f"accounts.models.person.sessions.{self.session_generation}"
        return salted_hmac(salt, known, secret=secret, algorithm="sha256").hexdigest()

    @property
    def is_staff(self) -> bool:
        """Say whether Django's raw admin site lets this person in: admins only."""
        return self.role == Role.ADMIN and self.is_active and self.banned_at is None

    def has_perm(self, perm: str, obj: Any = None) -> bool:  # noqa: ARG002
        """Say whether the raw admin site lets this person do `perm`: admins may do it all."""
        return self.is_staff

    def has_module_perms(self, app_label: str) -> bool:  # noqa: ARG002
        """Say whether the raw admin site shows this person an app."""
        return self.is_staff

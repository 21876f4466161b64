"""Accounts: people, the namespaces that own things, tokens, and the audit trail."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Collate, Lower, Now
from django.utils import timezone

from accounts.querysets import ApiTokenQuerySet, AuditEventQuerySet, NamespaceQuerySet
from config.derived import DerivedModel

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


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Signs in with the handle; owns things through a namespace."""

    handle = models.CharField(max_length=HANDLE_LENGTH, unique=True, db_collation="C")
    display_name = models.CharField(max_length=120, blank=True)
    email = models.EmailField(blank=True)
    role = models.CharField(max_length=12, choices=Role, default=Role.USER)

    is_active = models.BooleanField(default=True)
    banned_at = models.DateTimeField(null=True, blank=True)
    ban_reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

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
        ]

    def __str__(self) -> str:
        return self.handle

    @property
    def name(self) -> str:
        """Return what pages call this person."""
        return self.display_name or self.handle

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


class NamespaceKind(models.TextChoices):
    INDIVIDUAL = "individual", "Individual"
    ORG = "org", "Organisation"


class Visibility(models.TextChoices):
    """Who may read a trace, from the most open to the most private."""

    PUBLIC = "public", "Public"
    DIRECT = "direct", "Anybody with the link"
    PRIVATE = "private", "Members only"


class TracePolicy(models.TextChoices):
    """What becomes of an upload whose visibility its namespace does not allow."""

    CLAMP = "clamp", "Make it as open as allowed, never more than asked"
    REJECT = "reject", "Refuse the upload"


def all_visibilities() -> list[str]:
    """Return every visibility: what a namespace allows until its admins say otherwise."""
    return list(Visibility.values)


class Namespace(DerivedModel):
    """What owns skills and traces: a person's own name, or an organisation.

    An imported owner nobody has signed in for is an individual namespace without a user.
    """

    handle = models.CharField(max_length=HANDLE_LENGTH, unique=True, db_collation="C")
    kind = models.CharField(max_length=12, choices=NamespaceKind, default=NamespaceKind.INDIVIDUAL)
    display_name = models.CharField(max_length=120, blank=True)
    user = models.OneToOneField(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="namespace"
    )

    # What its members' traces may be, and what becomes of one that asks for more.
    trace_visibilities = ArrayField(
        models.CharField(max_length=8, choices=Visibility),
        default=all_visibilities,
        db_default=Visibility.values,
    )
    trace_policy = models.CharField(
        max_length=8, choices=TracePolicy, default=TracePolicy.CLAMP, db_default=TracePolicy.CLAMP
    )
    ai_summary_enabled = models.BooleanField(default=True, db_default=True)

    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = NamespaceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="namespace_org_has_no_user",
                condition=~Q(kind=NamespaceKind.ORG) | Q(user__isnull=True),
            ),
            models.CheckConstraint(
                name="namespace_allows_some_visibility",
                condition=Q(trace_visibilities__len__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"@{self.handle}"

    @property
    def name(self) -> str:
        """Return what pages call this owner."""
        return self.display_name or self.handle

    @property
    def is_claimed(self) -> bool:
        """Say whether a person stands behind this name."""
        return self.kind == NamespaceKind.ORG or self.user_id is not None


class MemberRole(models.TextChoices):
    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    MEMBER = "member", "Member"


class Membership(models.Model):
    """A person in an organisation's namespace."""

    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=MemberRole, default=MemberRole.MEMBER)

    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint("namespace", "user", name="membership_once_per_namespace"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.namespace_id} as {self.role}"


class Scope(models.TextChoices):
    """What a token may be used for; never more than its person may do."""

    SKILLS_READ = "skills:read", "Read skills"
    SKILLS_WRITE = "skills:write", "Publish and change skills"
    TRACES_READ = "traces:read", "Read traces"
    TRACES_WRITE = "traces:write", "Share and change traces"
    NAMESPACE_READ = "namespace:read", "Read the namespace"
    MODERATE = "moderate", "Moderate"
    ADMIN = "admin", "Administer"


class ApiToken(models.Model):
    """A key for the command line and the API. The secret is shown once and kept as a hash only.

    A personal token (`skb_…`) acts as its user, a namespace key (`trk_…`) as its namespace.
    """

    label = models.CharField(max_length=80)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    namespace = models.ForeignKey(
        Namespace, null=True, blank=True, on_delete=models.CASCADE, related_name="api_tokens"
    )
    scopes = ArrayField(models.CharField(max_length=16, choices=Scope))
    expires_at = models.DateTimeField(null=True, blank=True)

    lookup_id = models.CharField(max_length=8, unique=True, editable=False, db_collation="C")
    secret_sha256 = models.BinaryField(max_length=32, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        indexes = [
            # "My tokens": those of one person, newest first.
            models.Index(fields=["user", "-id"], name="apitoken_of_user"),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}_{self.lookup_id}…"

    @property
    def prefix(self) -> str:
        """Return the word a token starts with; the traces client decides by it."""
        return "skb" if self.namespace_id is None else "trk"

    @property
    def state(self) -> str:
        """Return what pages say of it: active, revoked or expired. Revoked outranks expired."""
        if self.revoked_at is not None:
            return "revoked"
        is_over = self.expires_at is not None and self.expires_at <= timezone.now()
        return "expired" if is_over else "active"


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

"""Keys for programs: the tokens of people and of namespaces."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models.namespace import Namespace
from accounts.models.person import User
from accounts.querysets import ApiTokenQuerySet


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

    # Read along by `with_role`: what the person is in the namespace, None for no member.
    member_role: str | None

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        indexes = [
            # "My tokens": those of one person, newest first.
            models.Index(fields=["user", "-id"], name="apitoken_of_user"),
            # The keys of one namespace, newest first.
            models.Index(
                fields=["namespace", "-id"],
                name="apitoken_of_namespace",
                condition=Q(namespace__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}_{self.lookup_id}…"

    @property
    def prefix(self) -> str:
        """Return the word a token starts with; the traces client decides by it."""
        return "skb" if self.namespace_id is None else "trk"

    @property
    def has_lost_its_namespace(self) -> bool:
        """Say whether the person behind a namespace's key left it since; needs `with_role`."""
        is_own = self.namespace is None or self.namespace.user_id == self.user_id
        return not is_own and self.member_role is None

    @property
    def state(self) -> str:
        """Return what pages say of it: active, revoked or expired. Revoked outranks expired."""
        if self.revoked_at is not None:
            return "revoked"
        is_over = self.expires_at is not None and self.expires_at <= timezone.now()
        return "expired" if is_over else "active"

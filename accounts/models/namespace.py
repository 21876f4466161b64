"""The namespaces that own things, and who belongs to them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.handles import look_column
from accounts.models.person import HANDLE_LENGTH, User
from accounts.querysets import SUMMARIES_LIMITED, NamespaceQuerySet
from config.derived import DerivedModel


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
    # Staff's own switch, which nobody else turns, and what its summaries may cost a day:
    # tokens, and millionths of a US dollar. NULL is as much as the site has.
    ai_summary_off_by_staff = models.BooleanField(default=False, db_default=False)
    ai_summary_token_cap = models.PositiveBigIntegerField(null=True)
    ai_summary_micro_cap = models.PositiveBigIntegerField(null=True)

    created_at = models.DateTimeField(db_default=Now(), editable=False)

    # Read along by `of_person`: what this person is here.
    role: str

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
        indexes = [
            # Whose summaries are off or have a cap of their own: the list of staff.
            models.Index(
                fields=["handle"],
                name="namespace_summaries_limited",
                condition=SUMMARIES_LIMITED,
            ),
            # Whether a new person's handle looks like another: sign_up.look_alike.
            models.Index(look_column("handle"), name="namespace_by_look"),
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

    @property
    def is_closed(self) -> bool:
        """Say whether its person deleted their account; nobody else gets the name."""
        return self.user is not None and self.user.is_closed


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

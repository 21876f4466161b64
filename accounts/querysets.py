"""Named reads of people's things."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from django.db import models
from django.db.models import Case, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Now

from config.derived import DerivedQuerySet

if TYPE_CHECKING:
    from accounts.models import User


SUMMARIES_LIMITED: Final = (
    Q(ai_summary_enabled=False)
    | Q(ai_summary_off_by_staff=True)
    | Q(ai_summary_token_cap__isnull=False)
    | Q(ai_summary_micro_cap__isnull=False)
)
"""A namespace whose summaries are off, or have a cap of their own."""


class NamespaceQuerySet(DerivedQuerySet):
    """Reads of namespaces."""

    def with_limited_summaries(self, after: str = "") -> Self:
        """Return those whose summaries are off or capped, by handle, from behind this one."""
        return self.filter(SUMMARIES_LIMITED, handle__gt=after).order_by("handle")

    def editable_by(self, user: User) -> Self:
        """Return the namespaces in whose name this person may publish: own and joined ones."""
        return self.filter(Q(user=user) | Q(memberships__user=user)).distinct()

    def of_person(self, user: User) -> Self:
        """Return a person's own namespace, then those they joined, each with their `role`."""
        from accounts.models import MemberRole, Membership

        joined = Membership.objects.filter(user=user, namespace=OuterRef("pk"))
        role = Case(
            When(user=user, then=Value(MemberRole.OWNER)), default=Subquery(joined.values("role"))
        )
        return self.editable_by(user).annotate(role=role).order_by("kind", "handle")


class ApiTokenQuerySet(models.QuerySet[Any]):
    """Reads of tokens."""

    def with_role(self) -> Self:
        """Add `member_role`: what a key's person is in its namespace; None for no member."""
        from accounts.models import Membership

        held = Membership.objects.filter(user=OuterRef("user"), namespace=OuterRef("namespace"))
        return self.annotate(member_role=Subquery(held.values("role")))

    def usable(self) -> Self:
        """Return the tokens that still open something: neither revoked nor expired."""
        unexpired = Q(expires_at__isnull=True) | Q(expires_at__gt=Now())
        return self.filter(unexpired, revoked_at__isnull=True)

    def unused_for(self, idle: timedelta) -> Self:
        """Return the tokens with no use on record for that long."""
        return self.filter(Q(last_used_at__isnull=True) | Q(last_used_at__lt=Now() - idle))


class DeviceLoginQuerySet(models.QuerySet[Any]):
    """Reads of the logins that command lines asked for."""

    def over_before(self, moment: datetime) -> Self:
        """Return the logins whose time was over then."""
        return self.filter(expires_at__lt=moment)

    def approved_by(self, user: User) -> Self:
        """Return the logins of a person that a command line may still fetch."""
        return self.filter(user=user, status="approved", expires_at__gt=Now())


class DeviceSessionQuerySet(models.QuerySet[Any]):
    """Reads of the sessions of command lines."""

    def usable(self) -> Self:
        """Return the sessions that still open something: neither ended nor expired."""
        return self.filter(revoked_at__isnull=True, expires_at__gt=Now())

    def with_role(self) -> Self:
        """Add `active_role`: what the person is in the active namespace; None for no member."""
        from accounts.models import Membership

        held = Membership.objects.filter(
            user=OuterRef("user"), namespace=OuterRef("active_namespace")
        )
        return self.annotate(active_role=Subquery(held.values("role")))

    def unused_for(self, idle: timedelta) -> Self:
        """Return the sessions with no use on record for that long."""
        return self.filter(Q(last_used_at__isnull=True) | Q(last_used_at__lt=Now() - idle))

    def newest_first(self) -> Self:
        """Return sessions in the order of the page "My command lines"."""
        return self.order_by("-pk")

    def over_before(self, moment: datetime) -> Self:
        """Return the sessions that were expired then; one that was ended expires, too."""
        return self.filter(expires_at__lt=moment)


class InviteQuerySet(models.QuerySet[Any]):
    """Reads of invites."""

    def open(self) -> Self:
        """Return the invites that still let somebody in."""
        unused = Q(max_uses=0) | Q(uses__lt=F("max_uses"))
        return self.filter(unused, revoked_at__isnull=True, expires_at__gt=Now())

    def newest_first(self) -> Self:
        """Return invites in the order of their organisation's page."""
        return self.order_by("-pk")

    def over_before(self, moment: datetime) -> Self:
        """Return the invites whose time was over then."""
        return self.filter(expires_at__lt=moment)


class AuditEventQuerySet(models.QuerySet[Any]):
    """Reads of the audit trail."""

    def of(self, thing: models.Model) -> Self:
        """Return the acts on one row of ours, newest first."""
        kind = thing._meta.label_lower
        return self.filter(object_type=kind, object_id=thing.pk).order_by("-id")

    def named(self, kind: str) -> Self:
        """Return the acts on things of this kind that are no rows of ours, newest first."""
        return self.filter(object_type=kind, object_id__isnull=True).order_by("-id")

"""Named reads of people's things."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from config.derived import DerivedQuerySet

if TYPE_CHECKING:
    from accounts.models import User


class NamespaceQuerySet(DerivedQuerySet):
    """Reads of namespaces."""

    def editable_by(self, user: User) -> Self:
        """Return the namespaces in whose name this person may publish: own and joined ones."""
        return self.filter(Q(user=user) | Q(memberships__user=user)).distinct()


class ApiTokenQuerySet(models.QuerySet[Any]):
    """Reads of tokens."""

    def usable(self) -> Self:
        """Return the tokens that still open something: neither revoked nor expired."""
        unexpired = Q(expires_at__isnull=True) | Q(expires_at__gt=Now())
        return self.filter(unexpired, revoked_at__isnull=True)

    def unused_for(self, idle: timedelta) -> Self:
        """Return the tokens with no use on record for that long."""
        return self.filter(Q(last_used_at__isnull=True) | Q(last_used_at__lt=Now() - idle))

    def newest_first(self) -> Self:
        """Return tokens in the order of the page "My tokens"."""
        return self.order_by("-pk")

    def older_than(self, pk: int) -> Self:
        """Return the tokens that follow this one in `newest_first()`."""
        return self.filter(pk__lt=pk)


class AuditEventQuerySet(models.QuerySet[Any]):
    """Reads of the audit trail."""

    def named(self, kind: str) -> Self:
        """Return the acts on things of this kind that are no rows of ours, newest first."""
        return self.filter(object_type=kind, object_id__isnull=True).order_by("-id")

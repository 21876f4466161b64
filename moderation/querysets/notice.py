"""Named reads of notices."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Self

from django.db import models

from accounts.models import Membership, Namespace, User


class NoticeQuerySet(models.QuerySet[Any]):
    """Reads of notices."""

    def to(self, namespace_ids: Collection[int]) -> Self:
        """Return the notices to these namespaces, newest first."""
        return self.filter(namespace__in=namespace_ids).order_by("-id")

    def to_person(self, user: User) -> Self:
        """Return the notices to whatever this person speaks for: their own name, and those joined.

        In one statement that starts from the person; an OR of the two would read every notice.
        """
        own = Namespace.objects.filter(user=user).values("pk")
        joined = Membership.objects.filter(user=user).values("namespace")
        return self.filter(namespace__in=own.union(joined))

    def unread(self) -> Self:
        """Return what nobody has seen yet."""
        return self.filter(read_at__isnull=True)

    def read(self) -> Self:
        """Return what somebody has seen."""
        return self.filter(read_at__isnull=False)

    def older_than(self, pk: int) -> Self:
        """Return the notices that follow this one, newest first."""
        return self.filter(pk__lt=pk)

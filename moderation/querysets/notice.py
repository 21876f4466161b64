"""Named reads of notices."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Self

from django.db import models


class NoticeQuerySet(models.QuerySet[Any]):
    """Reads of notices."""

    def to(self, namespace_ids: Collection[int]) -> Self:
        """Return the notices to these namespaces, newest first."""
        return self.filter(namespace__in=namespace_ids).order_by("-id")

    def unread(self) -> Self:
        """Return what nobody has seen yet."""
        return self.filter(read_at__isnull=True)

"""Named reads of decisions."""

from __future__ import annotations

from typing import Any, Self

from django.db import models


class DecisionQuerySet(models.QuerySet[Any]):
    """Reads of decisions."""

    def newest_first(self) -> Self:
        """Return decisions in the order of every log."""
        return self.order_by("-created_at", "-id")

    def public(self) -> Self:
        """Return what the public log shows: all but what is only proposed."""
        return self.exclude(action="propose-removal")

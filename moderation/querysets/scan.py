"""Named reads of scans."""

from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class ScanQuerySet(models.QuerySet[Any]):
    """Reads of scans."""

    def unfinished(self) -> Self:
        """Return the scans that wait or are under way."""
        return self.filter(status__in=["pending", "running"])

    def due(self) -> Self:
        """Return the scans to be taken up: waiting, or left behind by whoever died over them."""
        left_behind = Q(status="running", lease_until__lt=Now())
        return self.filter(Q(status="pending", due_at__lte=Now()) | left_behind).order_by(
            "due_at", "id"
        )

    def finished(self) -> Self:
        """Return the scans with a result, newest first."""
        return self.filter(status__in=["clean", "suspicious", "malicious"]).order_by("-id")

"""Named reads of scans."""

from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from config.pagination import RowCompare


class ScanQuerySet(models.QuerySet[Any]):
    """Reads of scans."""

    def unfinished(self) -> Self:
        """Return the scans that wait or are under way."""
        return self.filter(status__in=["pending", "running"])

    def of(self, scanner: str) -> Self:
        """Return the scans of one scanner."""
        return self.filter(scanner=scanner)

    def due(self, scanner: str = "static", priority: int = 0) -> Self:
        """Return the scans to be taken up: waiting, or left behind by whoever died over them.

        Those of one priority: asked for each by itself, the index leads to the first one.
        """
        left_behind = Q(status="running", lease_until__lt=Now())
        waiting = Q(status="pending", due_at__lte=Now())
        mine = self.of(scanner).filter(waiting | left_behind, priority=priority)
        return mine.order_by("due_at", "id")

    def recheck_due(self) -> Self:
        """Return the scans whose objects are to be asked about anew, longest due first."""
        return self.filter(recheck_at__lte=Now()).order_by("recheck_at", "id")

    def finished(self) -> Self:
        """Return the scans with a result, newest first."""
        return self.filter(status__in=["clean", "suspicious", "malicious"]).order_by("-id")

    def with_skill(self) -> Self:
        """Return scans with version and skill, without the version's texts: asked for often."""
        joined = self.select_related("version__skill__namespace")
        texts = ("readme", "metadata", "warnings", "scan_evidence")
        return joined.defer(*(f"version__{name}" for name in texts))

    def ahead_of(self, scan: Any) -> Self:
        """Return the scans that wait and are taken up before this one, in no order."""
        place = [scan.priority, scan.due_at, scan.pk]
        waiting = self.of(scan.scanner).filter(status="pending").unfinished()
        return waiting.filter(RowCompare(["priority", "due_at", "id"], "<", place))

    def running(self) -> Self:
        """Return the scans under way; by the index of what waits."""
        return self.unfinished().filter(status="running")

"""Named reads of runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class JobRunQuerySet(models.QuerySet[Any]):
    """Reads of runs."""

    def active(self) -> Self:
        """Return the runs that still may do something."""
        return self.filter(state__in=["queued", "running", "paused"])

    def claimable(self) -> Self:
        """Return the runs nobody works on: queued, or left behind with an expired lease."""
        return self.filter(Q(state="queued") | Q(state="running", lease_until__lt=Now()))

    def abandoned(self, patience: timedelta) -> Self:
        """Return the runs whose wake-up got lost: nobody took them up for `patience`."""
        waited = Q(state="queued", lease_until__isnull=True, created_at__lt=Now() - patience)
        yielded = Q(state="queued", lease_until__lt=Now() - patience)
        died = Q(state="running", lease_until__lt=Now())
        return self.filter(waited | yielded | died)

    def newest_first(self) -> Self:
        """Return runs in the order of every history."""
        return self.order_by("-pk")

    def last_success_at(self, kind: str) -> datetime | None:
        """Return when the last successful run of this job began: what it counted is as of then."""
        succeeded = self.filter(kind=kind, state="succeeded").order_by("-started_at")
        found: datetime | None = succeeded.values_list("started_at", flat=True).first()
        return found

    def ended_before(self, moment: datetime) -> Self:
        """Return the runs that ended before `moment`."""
        return self.filter(finished_at__lt=moment)

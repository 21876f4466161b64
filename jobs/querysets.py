"""Named reads of runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Self, cast

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

    def of_kind(self, kind: str) -> Self:
        """Return the runs of one job."""
        return self.filter(kind=kind)

    def older_than(self, pk: int) -> Self:
        """Return the runs that follow this one in `newest_first()`."""
        return self.filter(pk__lt=pk)

    def recent_of_each(self, kinds: Iterable[str], count: int) -> Self:
        """Return the last `count` runs of each job, each job newest first: one statement.

        One short index scan per job, however many runs there are.
        """
        return self._of_each(self.filter(kind=kind).order_by("-pk")[:count] for kind in kinds)

    def last_success_of_each(self, kinds: Iterable[str]) -> Self:
        """Return the last successful run of each job that has one: one statement."""
        succeeded = self.filter(state="succeeded").order_by("-started_at")
        return self._of_each(succeeded.filter(kind=kind)[:1] for kind in kinds)

    def _of_each(self, parts: Iterable[Any]) -> Self:
        # Texts and results stay behind: only what every row of the job room needs.
        wanted = ("pk", "kind", "state", "started_at", "finished_at")
        first, *others = (part.only(*wanted) for part in parts)
        return cast("Self", first.union(*others, all=True))

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

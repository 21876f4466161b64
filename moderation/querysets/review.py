"""Named reads of the queue."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import User


class ReviewItemQuerySet(models.QuerySet[Any]):
    """Reads of review items."""

    def open(self) -> Self:
        """Return what waits for a decision."""
        return self.filter(state="open")

    def due_by(self, moment: datetime) -> Self:
        """Return what waits and is to be decided by `moment`."""
        return self.open().filter(due_at__lte=moment)

    def appeals(self) -> Self:
        """Return the appeals that wait for an answer."""
        return self.open().filter(kind="appeal")

    def proposed(self) -> Self:
        """Return what is proposed to be removed and waits for a second moderator."""
        return self.open().filter(proposal__isnull=False)

    def held(self) -> Self:
        """Return what still needs a final decision."""
        return self.filter(state="held")

    def done(self) -> Self:
        """Return what is decided for good, or until new evidence comes."""
        return self.filter(state="done")

    def claimed_by(self, person: User) -> Self:
        """Return what this person holds a claim on right now."""
        return self.filter(claimed_by=person, claimed_until__gt=Now()).exclude(state="done")

    def free_for(self, person: User) -> Self:
        """Return what nobody else holds a claim on right now."""
        return self.filter(
            Q(claimed_by__isnull=True) | Q(claimed_by=person) | Q(claimed_until__lte=Now())
        )

    def of_others(self, namespace_ids: frozenset[int]) -> Self:
        """Leave out the items about what these namespaces own: nobody decides on their own."""
        return self.exclude(namespace__in=namespace_ids)

    def answerable_by(self, person: User) -> Self:
        """Leave out the appeals against what this person decided: somebody else answers them."""
        is_other = ~Q(appeal__decision__actor=person)
        return self.filter(Q(appeal__isnull=True) | is_other)

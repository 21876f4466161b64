"""Named reads of reports."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, Self

from django.db import models
from django.utils import timezone

HIDES_AT: Final = 4
"""Distinct reporters with an open report that hide a skill until a moderator has looked."""

ACCOUNT_AGE: Final = timedelta(days=7)
"""Younger accounts may report; they do not count towards hiding."""


class ReportQuerySet(models.QuerySet[Any]):
    """Reads of reports."""

    def open(self) -> Self:
        """Return the reports that nobody has closed."""
        return self.filter(status="open")

    def counting(self) -> Self:
        """Return the open reports that count towards hiding a skill: not those of banned people."""
        old_enough = timezone.now() - ACCOUNT_AGE
        return self.open().filter(
            reporter__created_at__lte=old_enough, reporter__banned_at__isnull=True
        )

    def newest_first(self) -> Self:
        """Return reports in the order of every list."""
        return self.order_by("-id")

    def with_names(self) -> Self:
        """Return reports with what a list says of skill, version and people, and no text more."""
        joined = self.select_related("skill", "version", "reporter", "triaged_by")
        return joined.only(
            *("skill_id", "version_id", "kind", "text", "status", "created_at"),
            *("triaged_at", "triage_note", "skill__slug", "skill__owner_handle"),
            *("skill__display_name", "version__version", "reporter__handle"),
            *("reporter__display_name", "triaged_by__handle"),
        )

    def count_people(self) -> int:
        """Return how many people these reports are from."""
        return self.values("reporter").distinct().count()

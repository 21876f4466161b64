"""Named reads of reports."""

from __future__ import annotations

from typing import Any, Self

from django.db import models


class ReportQuerySet(models.QuerySet[Any]):
    """Reads of reports."""

    def open(self) -> Self:
        """Return the reports that nobody has closed."""
        return self.filter(status="open")

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

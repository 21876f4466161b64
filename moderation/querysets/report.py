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

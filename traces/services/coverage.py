"""How many traces have a summary that is fresh, stale, off, …: counted now and then, and kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db.models import Count, Q
from django.db.models.functions import Now
from django.utils import timezone

from traces.due import Site, Verdict
from traces.models import SummaryLog, SummarySettings, Trace
from traces.services import budget
from traces.services.summaries import read_site

MENDED_AT_ONCE: Final = 5_000
PRUNED_AT_ONCE: Final = 5_000


def count() -> dict[str, int]:
    """Count all traces by verdict and keep it for pages; one pass over the table."""
    site = Site(off=read_site().off)
    rows = Trace.objects.with_summary_verdict(site).order_by().values_list("summary_verdict")
    found = {str(Verdict(verdict)): n for verdict, n in rows.annotate(n=Count("pk"))}
    SummarySettings.objects.bulk_create([budget.read_settings()], ignore_conflicts=True)
    SummarySettings.objects.update(coverage=found, covered_at=Now())
    return found


def mend_timers() -> int:
    """Have the sweep look at traces that are due and that it would not find; return how many.

    There are none unless counts were repaired or rows were changed by hand. Idempotent; at most
    some thousands at once, the next time the rest.
    """
    due = Trace.objects.with_summary_verdict(Site()).filter(summary_verdict=Verdict.DUE)
    untimed = due.filter(Q(summary_due_at__isnull=True))
    keys = list(untimed.values_list("pk", flat=True)[:MENDED_AT_ONCE])
    return Trace.objects.filter(pk__in=keys).update(summary_due_at=Now())


def prune_logs() -> int:
    """Delete the attempts that are past their time; budgets keep what they cost. Idempotent."""
    before = timezone.now() - timedelta(days=settings.SUMMARY_LOG_DAYS)
    over = SummaryLog.objects.filter(started_at__lt=before, finished_at__isnull=False)
    keys = list(over.order_by("started_at").values_list("pk", flat=True)[:PRUNED_AT_ONCE])
    SummaryLog.objects.filter(pk__in=keys).delete()
    return len(keys)

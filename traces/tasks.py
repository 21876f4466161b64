"""What the worker calls about one trace. A task carries ids and is only a wake-up."""

from __future__ import annotations

from accounts.models import User
from traces.models import SummaryTrigger
from traces.services import summaries


def summarize_trace(trace_id: int, trigger: str, asked_by: int | None = None) -> None:
    """Write the summary of a trace if it is due. Safe to call twice, and for one that is gone."""
    asker = User.objects.filter(pk=asked_by).first() if asked_by else None
    reason = summaries.Reason(SummaryTrigger(trigger), asker)
    claimed = summaries.claim(trace_id, reason, summaries.read_site())
    if claimed is not None:
        summaries.perform([claimed])

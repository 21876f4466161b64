"""The jobs of traces, as `jobs.schedules` names them. Each is bounded, resumable, safe twice."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from django.conf import settings

from jobs.progress import Progress
from jobs.services import resume_waiting
from traces.due import Site
from traces.models import SummaryTrigger, Trace
from traces.services import coverage, link_ends, refreshes, summaries
from traces.services.publishing import purge_generations
from traces.services.summaries import Reason

SWEPT_AT_ONCE: Final = 100


def purge_messages(progress: Progress) -> dict[str, Any]:
    """Delete the messages of traces that were taken back, and end links whose moment has come."""
    for ended in link_ends.end_links():
        progress.tally("links", ended)
        progress.advance(0)
    for _trace, gone in purge_generations():
        progress.advance(gone)
    return {"messages": progress.run.done}


def summarize_due(progress: Progress) -> dict[str, Any]:
    """Write the summaries that are due, and settle attempts whose worker died.

    It finds what an upload's wake-up did not lead to, for whatever reason: the only retry there is.
    """
    if lost := summaries.settle_lost():
        progress.tally("lost", lost)
    reason = Reason(SummaryTrigger.SWEEP)
    if summaries.read_site().is_open:
        resume_waiting(refreshes.RUN_JOB)
    seen: set[int] = set()
    while True:
        timed = Trace.objects.summary_timed().values_list("pk", flat=True)[:SWEPT_AT_ONCE]
        keys = [key for key in timed if key not in seen]
        if not keys:
            return {}
        seen.update(keys)
        for group in _groups(keys):
            site = summaries.read_site()
            if not site.is_open:
                return {"stopped": site.off or site.held}
            _summarize(progress, group, reason, site)
            progress.advance(len(group))


def summarize_traces(progress: Progress) -> dict[str, Any]:
    """Write the summaries of a scope (`refreshes.read_scope`), in the order of the traces' keys.

    It waits where the budget or the model's server makes it wait, and ends at its limit of tokens.
    """
    run = progress.run
    limit = run.options.get("max_tokens")
    reason = Reason(SummaryTrigger.RUN, run.asked_by, run)
    if progress.cursor is None:
        with suppress(refreshes.RefreshRefused):  # Then nobody knows how many there are.
            progress.expect(refreshes.preview(progress.scope).traces)
    last = progress.cursor or 0
    while keys := refreshes.due_in_scope(progress.scope, last, SWEPT_AT_ONCE):
        for group in _groups(keys):
            site = summaries.read_site()
            if site.off:
                return {"stopped": site.off}
            if site.held:
                progress.wait_for(site.held)
            if limit is not None and run.result.get("tokens", 0) >= limit:
                return {"stopped": "limit"}
            _summarize(progress, group, reason, site)
            last = group[-1]
            progress.advance(len(group), cursor=last)
    return {}


def _groups(keys: list[int]) -> Iterable[list[int]]:
    size = settings.SUMMARY_PARALLEL
    return (keys[start : start + size] for start in range(0, len(keys), size))


def _summarize(progress: Progress, keys: list[int], reason: Reason, site: Site) -> None:
    claims = [c for key in keys if (c := summaries.claim(key, reason, site)) is not None]
    for ended in summaries.perform(claims):
        progress.tally(ended.outcome, 1)
        progress.tally("tokens", ended.tokens)


def count_summaries(progress: Progress) -> dict[str, Any]:
    """Count traces by verdict for the summaries page, time anew what lost its timer, prune logs."""
    del progress
    return {
        "traces": sum(coverage.count().values()),
        "timed_anew": coverage.mend_timers(),
        "pruned": coverage.prune_logs(),
    }

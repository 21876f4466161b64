"""The jobs of skills, as `jobs.schedules` names them. Each is bounded, resumable, safe twice."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from jobs.progress import Progress
from jobs.schedules import Backlog
from skills import (
    blobs,
    boards,
    embeddings,
    event_log,
    events,
    meaning,
    standing,
    statistics,
    tickets,
)
from skills.fold import Folded, fold_until_drained
from skills.models import DownloadMark, SkillHourlyStat, StatEvent

DEACTIVATE_BATCH: Final = 1_000
PRUNE_BATCH: Final = 2_000
HOURLY_KEPT: Final = timedelta(hours=72)
# A mark matters on its own day; one day more covers requests at midnight.
MARKS_KEPT: Final = timedelta(days=1)
# Above this many the job room says "more" instead of counting on.
COUNTED_EVENTS: Final = 10_000


def fold_events(progress: Progress) -> dict[str, Any]:
    """Count every queued event. Two at once share the queue."""

    def tell(folded: Folded) -> None:
        progress.tally("of_deleted_skills", folded.taken - folded.counted)
        progress.advance(folded.taken)

    fold_until_drained(tell)
    return {"events": progress.run.done}


def waiting_events() -> Backlog:
    """Return how many events wait for the fold, and since when; two short reads of the queue."""
    waiting = StatEvent.objects.order_by("pk")[: COUNTED_EVENTS + 1].count()
    oldest = StatEvent.objects.order_by("pk").values_list("occurred_at", flat=True).first()
    return Backlog(min(waiting, COUNTED_EVENTS), waiting > COUNTED_EVENTS, oldest)


def copy_totals(progress: Progress) -> dict[str, Any]:
    """Copy the totals that changed into the columns that lists sort by; count the categories."""
    for last, copied in statistics.copy_totals(after=progress.cursor or 0):
        progress.advance(copied, cursor=last)
    statistics.count_categories()
    return {"skills": progress.run.done}


def build_leaderboards(progress: Progress) -> dict[str, Any]:
    """Rank every board anew, then drop snapshots that are past their time."""
    now = timezone.now()
    progress.expect(len(boards.BOARDS))
    for built in boards.build_all(now, after=progress.cursor or 0):
        progress.advance(cursor=built)
    return {"boards": progress.run.done, "old_snapshots": boards.prune_snapshots(now)}


def prune_stats(progress: Progress) -> dict[str, Any]:
    """Drop hourly rows, event logs and download marks that are past their time."""
    now = timezone.now()
    _delete_by_batches(
        SkillHourlyStat.objects.filter(hour__lt=now - HOURLY_KEPT), progress, "hourly_rows"
    )
    _delete_by_batches(
        DownloadMark.objects.filter(day__lt=now.date() - MARKS_KEPT), progress, "download_marks"
    )
    logs = event_log.drop_before(now.date() - timedelta(days=settings.STAT_EVENT_LOG_DAYS))
    return {"log_days": len(logs)}


def _delete_by_batches(old: QuerySet[Any], progress: Progress, called: str) -> None:
    """Delete rows in the order of their primary key, some thousands a transaction; tally them."""
    progress.tally(called, 0)
    keys = old.order_by("pk").values_list("pk", flat=True)
    while batch := list(keys[:PRUNE_BATCH]):
        deleted, _ = old.filter(pk__lte=batch[-1]).delete()
        progress.tally(called, deleted)
        progress.advance(deleted)


def deactivate_installs(progress: Progress) -> dict[str, Any]:
    """Give installs up that no client has reported for 60 days."""
    while found := events.deactivate_installs(batch=DEACTIVATE_BATCH):
        progress.advance(found)
    return {"installs": progress.run.done}


def recount_statistics(progress: Progress) -> dict[str, Any]:
    """Compare totals with daily rows and the site's totals with a recount; report and repair."""
    skills, site = partial(progress.note, "skills_drift"), partial(progress.note, "site_drift")
    skills({})
    for last in statistics.recount_totals(after=progress.cursor or 0, on_drift=skills):
        progress.advance(1, cursor=last)
    site({})
    statistics.recount_site(on_drift=site)
    return {}


def sweep_blobs(_progress: Progress) -> dict[str, Any]:
    """Delete upload tickets that are over, and stored content that no version refers to."""
    return {"tickets": tickets.drop_expired(), "objects": blobs.sweep()}


def settle_reasons(progress: Progress) -> dict[str, Any]:
    """Let every skill whose reason is out of date say what its latest version says."""
    last = progress.cursor or 0
    while (reached := standing.settle_outdated(last)) is not None:
        last, settled = reached
        progress.advance(settled, cursor=last)
    return {"skills": progress.run.done}


def embed_skills(progress: Progress) -> dict[str, Any]:
    """Embed the skills whose text is new or has changed, some at a time."""
    if not embeddings.are_on():
        return {}
    while done := meaning.embed_next():
        progress.advance(done)
    return {"skills": progress.run.done}


def reembed_skills(progress: Progress) -> dict[str, Any]:
    """Mark every skill to be embedded again; what stands serves until then."""
    last = progress.cursor or 0
    while (reached := meaning.mark_next(last)) is not None:
        last, marked = reached
        progress.advance(marked, cursor=last)
    return {"skills": progress.run.done}

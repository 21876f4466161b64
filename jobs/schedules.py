"""Every recurring and long job of the product: the only such table.

A job is a function `(progress: Progress) -> dict` named by its dotted path, because jobs may not
import the apps above them. The worker's schedule rows are made from this table (`synchronize`),
never by hand.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import OperationalError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_q.models import Schedule

from config.formats import duration
from jobs.bounded import bounded, is_lock_held

logger = logging.getLogger(__name__)

DEFAULT_CLUSTER: Final = "skillboard"
FOLD_CLUSTER: Final = "fold"
AI_CLUSTER: Final = "ai"
EMBED_CLUSTER: Final = "embed"

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)

SCHEDULED_TASK: Final = "jobs.tasks.run_scheduled"
DRY_RUN: Final = "dry-run"
"""The scope of a run that only counts what its job would do."""


class Backlog(NamedTuple):
    """What waits for a job: counted up to a limit, because counting all could take long."""

    waiting: int
    is_more: bool
    oldest_at: datetime | None


@dataclass(frozen=True)
class Job:
    """What there is to do, when, and in which cluster.

    `every` None: only on request. `offset`: how far into its hour or day (UTC) it starts.
    """

    name: str
    title: str
    does: str
    path: str
    every: timedelta | None = None
    offset: timedelta = timedelta(0)
    cluster: str = DEFAULT_CLUSTER
    # Runs per scope, such as one denormalised field; a person starts it with the scope's name.
    is_scoped: bool = False
    # Can be run with the scope `DRY_RUN`, which counts and writes nothing.
    has_dry_run: bool = False
    # Dotted path of a function that returns the `Backlog` of a job that empties a queue.
    backlog_path: str = ""

    @property
    def when(self) -> str:
        """Return its schedule in words."""
        if self.every is None:
            return "on request"
        at = datetime.min.replace(tzinfo=UTC) + self.offset
        words = {
            MINUTE: "every minute",
            HOUR: f"every hour at {at:%M} past",
            DAY: f"daily at {at:%H:%M} UTC",
        }
        return words.get(self.every) or f"every {duration(self.every)}"

    def first_run(self, now: datetime) -> datetime:
        """Return the next moment of the schedule's grid, at or after `now`."""
        assert self.every is not None  # noqa: S101 - Asked of scheduled jobs only.
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + self.offset
        steps = -((midnight - now) // self.every)
        return midnight + max(steps, 0) * self.every


JOBS: Final = (
    Job(
        "fold_events",
        "Fold stat events",
        "Moves queued events into hourly, daily and total counts.",
        "skills.jobs.fold_events",
        every=MINUTE,
        cluster=FOLD_CLUSTER,
        backlog_path="skills.jobs.waiting_events",
    ),
    Job(
        "copy_totals",
        "Copy totals",
        "Copies the totals that changed into the columns that lists sort by.",
        "skills.jobs.copy_totals",
        every=HOUR,
        offset=timedelta(minutes=2),
    ),
    Job(
        "build_leaderboards",
        "Build leaderboards",
        "Ranks every board anew and drops snapshots that are past their time.",
        "skills.jobs.build_leaderboards",
        every=HOUR,
        offset=timedelta(minutes=5),
    ),
    Job(
        "prune_stats",
        "Prune statistics",
        "Drops hourly rows, event logs and download marks that are past their time.",
        "skills.jobs.prune_stats",
        every=HOUR,
        offset=timedelta(minutes=35),
    ),
    Job(
        "purge_messages",
        "Purge messages",
        "Deletes messages of traces taken back; makes traces private whose link has ended.",
        "traces.jobs.purge_messages",
        every=timedelta(minutes=10),
    ),
    Job(
        "summarize_due",
        "Write due summaries",
        "Writes the AI summaries that are due; idle without a model or budget, and when off.",
        "traces.jobs.summarize_due",
        every=timedelta(minutes=2),
        cluster=AI_CLUSTER,
    ),
    Job(
        "count_summaries",
        "Count summaries",
        "Counts traces by what their summary waits for, and times anew what lost its timer.",
        "traces.jobs.count_summaries",
        every=HOUR,
        offset=timedelta(minutes=25),
    ),
    Job(
        "summarize_traces",
        "Refresh summaries",
        "Writes the AI summaries of a scope: stale, all, or @ and a handle. Within the budget.",
        "traces.jobs.summarize_traces",
        cluster=AI_CLUSTER,
        is_scoped=True,
    ),
    Job(
        "embed_skills",
        "Embed skills",
        "Finds what the texts of new and changed skills mean; idle with EMBEDDINGS=off.",
        "skills.jobs.embed_skills",
        every=MINUTE,
        cluster=EMBED_CLUSTER,
    ),
    Job(
        "reembed_skills",
        "Embed all skills anew",
        "Has every skill embedded again; search goes on with what stands.",
        "skills.jobs.reembed_skills",
        cluster=EMBED_CLUSTER,
    ),
    Job(
        "deactivate_installs",
        "Deactivate unseen installs",
        "Counts installs that no client has reported for 60 days as no longer current.",
        "skills.jobs.deactivate_installs",
        every=DAY,
        offset=timedelta(hours=2, minutes=10),
    ),
    Job(
        "recount_statistics",
        "Recount statistics",
        "Recounts totals from daily rows and the site's totals from scratch; reports drift.",
        "skills.jobs.recount_statistics",
        every=DAY,
        offset=timedelta(hours=3, minutes=10),
    ),
    Job(
        "check_derived_fields",
        "Check denormalised fields",
        "Compares every denormalised field with its rule; reports and repairs drift.",
        "jobs.upkeep.check_derived_fields",
        every=DAY,
        offset=timedelta(hours=4, minutes=10),
    ),
    Job(
        "scan_versions",
        "Scan versions",
        "Scans every version that waits for it; a publish starts it at once.",
        "moderation.jobs.scan_versions",
        every=MINUTE,
    ),
    Job(
        "rescan_outdated",
        "Rescan by new rules",
        "Asks for a scan of every version whose result is of other rules than today's.",
        "moderation.jobs.rescan_outdated",
        every=DAY,
        offset=timedelta(hours=1, minutes=10),
    ),
    Job(
        "scan_virustotal",
        "Ask VirusTotal",
        "Asks VirusTotal about versions by hash; idle while there is no VT_API_KEY.",
        "moderation.jobs.scan_virustotal",
        every=MINUTE,
    ),
    Job(
        "recheck_virustotal",
        "Ask VirusTotal anew",
        "Has VirusTotal asked again where its word is a week old, and where it never was.",
        "moderation.jobs.recheck_virustotal",
        every=DAY,
        offset=timedelta(hours=1, minutes=40),
    ),
    Job(
        "settle_reasons",
        "Settle stale reasons",
        "Lets skills say what the scan of their latest version says, where they do not.",
        "skills.jobs.settle_reasons",
        every=HOUR,
        offset=timedelta(minutes=50),
    ),
    Job(
        "rescan_all",
        "Rescan everything",
        "Asks for a scan of every version; what stands holds until the new result.",
        "moderation.jobs.rescan_all",
        has_dry_run=True,
    ),
    Job(
        "sweep_blobs",
        "Sweep content",
        "Deletes upload tickets that are over, and stored content that no version refers to.",
        "skills.jobs.sweep_blobs",
        every=DAY,
        offset=timedelta(hours=5, minutes=10),
    ),
    Job(
        "prune_records",
        "Prune records",
        "Deletes old runs, failed tasks, and expired sessions, logins and invites.",
        "jobs.upkeep.prune_records",
        every=DAY,
        offset=timedelta(hours=5, minutes=40),
    ),
    Job(
        "recover_runs",
        "Recover runs",
        "Takes up runs whose worker died or whose wake-up got lost.",
        "jobs.upkeep.recover_runs",
        every=MINUTE,
    ),
    Job(
        "apply_bans",
        "Apply a ban",
        "Hides what a banned person published, or brings it back when the ban is lifted.",
        "moderation.jobs.apply_bans",
        is_scoped=True,
    ),
    Job(
        "erase_accounts",
        "Erase deleted accounts",
        "Takes what is left of accounts that people deleted.",
        "moderation.jobs.erase_accounts",
        every=timedelta(minutes=10),
    ),
    Job(
        "refresh_derived",
        "Rebuild a denormalised field",
        "Re-evaluates every row of one denormalised field, in batches, beside running writers.",
        "jobs.upkeep.refresh_derived",
        is_scoped=True,
    ),
)
BY_NAME: Final = {job.name: job for job in JOBS}


def synchronize(now: datetime | None = None) -> int:
    """Make the worker's schedule rows equal to the table; return how many rows were wrong.

    Leaves a row's next run and its pause (`repeats` 0) alone. Idempotent, and safe beside the
    scheduler: rows are locked. A row that is not of this table goes, because one that cannot be
    read would stop all others of its pass.

    While somebody holds a row, nothing is done, for the caller comes again: a scheduler that
    froze in its pass must not stop the supervisor that would replace it.
    """
    try:
        return _synchronize(now or timezone.now())
    except OperationalError as error:
        if is_lock_held(error):
            logger.warning("schedule rows are held by somebody else; looked at again later")
            return 0
        raise


@bounded()
def _synchronize(now: datetime) -> int:
    locked = Schedule.objects.select_for_update(nowait=True).order_by("pk")
    rows = {row.pk: row for row in locked}
    wrong = 0
    seen: set[str] = set()
    for pk, row in rows.items():
        job = BY_NAME.get(row.name or "")
        if job is None or job.every is None or job.name in seen:
            Schedule.objects.filter(pk=pk).delete()
            wrong += 1
            continue
        seen.add(job.name)
        told = _columns(job)
        if any(getattr(row, column) != value for column, value in told.items()):
            Schedule.objects.filter(pk=pk).update(**told, next_run=job.first_run(now))
            wrong += 1
    for job in JOBS:
        if job.every is not None and job.name not in seen:
            Schedule.objects.create(
                name=job.name, repeats=-1, next_run=job.first_run(now), **_columns(job)
            )
            wrong += 1
    return wrong


def _columns(job: Job) -> dict[str, object]:
    """Return the columns of a schedule row that the table decides."""
    assert job.every is not None  # noqa: S101 - Asked of scheduled jobs only.
    return {
        "func": SCHEDULED_TASK,
        "hook": None,
        "args": repr(job.name),
        "kwargs": None,
        "schedule_type": Schedule.MINUTES,
        "minutes": job.every // MINUTE,
        "cron": None,
        "cluster": None if job.cluster == DEFAULT_CLUSTER else job.cluster,
        "intended_date_kwarg": None,
    }


@transaction.atomic
def set_paused(name: str, *, paused: bool) -> bool:
    """Pause or resume a job's schedule; False when it already is so.

    A resumed job that missed its time in the pause starts at once, and keeps to its grid.
    """
    rows: QuerySet[Any] = Schedule.objects.filter(name=name)
    changed = rows.exclude(repeats=0) if paused else rows.filter(repeats=0)
    if paused:
        return bool(changed.update(repeats=0))
    job, now = BY_NAME[name], timezone.now()
    assert job.every is not None  # noqa: S101 - Only scheduled jobs have rows.
    changed.filter(next_run__lt=now).update(next_run=job.first_run(now) - job.every)
    return bool(changed.update(repeats=-1))

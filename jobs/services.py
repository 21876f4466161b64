"""Starting, executing and stopping runs. The queue is only a wake-up: the truth is `JobRun`."""

from __future__ import annotations

import logging
import traceback
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, NamedTuple

from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.tasks import async_task

from accounts import audit
from accounts.models import User
from config.errors import DomainError
from jobs import schedules
from jobs.models import JobRun, RunState, Trigger, Wish
from jobs.progress import LEASE, WAITS_FOR, Progress, SliceOver, Stopped
from jobs.schedules import BY_NAME, Job
from jobs.words import headline

logger = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 3
# A queued run that nobody took up for so long has lost its wake-up.
PATIENCE: Final = timedelta(minutes=2)
ERROR_CHARS: Final = 4_000
EXECUTE_TASK: Final = "jobs.tasks.execute_run"


class JobUnknown(DomainError):
    code = "job_unknown"


class RunFinished(DomainError):
    code = "run_finished"


class GaveUp(DomainError):
    code = "run_gave_up"

    def __init__(self) -> None:
        super().__init__("Started three times and never got further; its worker died each time.")


class Started(NamedTuple):
    """The active run of a job, and whether this call made it."""

    run: JobRun
    created: bool


def find_job(name: str) -> Job:
    """Return the job of this name. Raises `JobUnknown`."""
    job = BY_NAME.get(name)
    if job is None:
        known = ", ".join(sorted(BY_NAME))
        raise JobUnknown(f"There is no job {name[:40]!r}; there are {known}.", field="name")
    return job


def start_run(
    *,
    kind: str,
    scope: str = "",
    trigger: str = Trigger.PERSON,
    actor: User | None = None,
    enqueue: bool = True,
    options: dict[str, Any] | None = None,
) -> Started:
    """Make a run of a job and queue it; the active run of this kind and scope when there is one.

    The active one keeps the `options` it was started with.

    One transaction: run, audit row of a person, and wake-up commit or vanish together. Raises
    `JobUnknown`.
    """
    job = find_job(kind)
    try:
        with transaction.atomic():
            run = JobRun.objects.create(
                kind=kind, scope=scope, trigger=trigger, asked_by=actor, options=options or {}
            )
            if actor is not None:
                audit.record(actor=actor, verb="job.run", thing=run)
            if enqueue:
                _wake(run, job)
    except IntegrityError:
        active = JobRun.objects.active().filter(kind=kind, scope=scope).first()
        if active is None:  # It ended in between; then a new one may start.
            return start_run(
                kind=kind,
                scope=scope,
                trigger=trigger,
                actor=actor,
                enqueue=enqueue,
                options=options,
            )
        return Started(active, created=False)
    return Started(run, created=True)


def _wake(run: JobRun, job: Job) -> None:
    async_task(EXECUTE_TASK, run.pk, cluster=job.cluster, group=job.name)


def claim_run(run_id: int) -> JobRun | None:
    """Take a run up; None when it is done, paused, or somebody else works on it."""
    token = uuid.uuid4()
    won = (
        JobRun.objects.claimable()
        .filter(pk=run_id)
        .update(
            state=RunState.RUNNING,
            lease_token=token,
            lease_until=Now() + LEASE,
            started_at=Coalesce(F("started_at"), Now()),
            heartbeat_at=Now(),
            attempts=F("attempts") + 1,
        )
    )
    return JobRun.objects.filter(pk=run_id, lease_token=token).first() if won else None


def execute_run(
    run_id: int,
    *,
    slice_seconds: float | None = None,
    on_advance: Callable[[JobRun], object] = lambda _run: None,
) -> JobRun | None:
    """Work on a run until it ends, yields (`slice_seconds`) or is stopped; return it, or None.

    Idempotent: a run that is done, paused or somebody else's is left alone. What the job raises
    is stored in the run. What the database refused is tried again; a lost connection is raised on,
    and the run is taken up again when its lease ends.
    """
    run = claim_run(run_id)
    if run is None or run.lease_token is None:
        return None
    token = run.lease_token
    progress = Progress(run, token, slice_seconds=slice_seconds, on_advance=on_advance)
    if run.wish:  # Its last worker died or yielded before it could obey.
        return _let_go(run, token)
    try:
        run.result |= _work(run, progress)
        return _end(run, token, RunState.SUCCEEDED)
    except (SliceOver, Stopped):
        return _let_go(run, token)
    except (OperationalError, InterfaceError):
        if not connection.is_usable():
            raise
        return _try_again(run, token, _told_error())
    except Exception:
        logger.exception("job %s failed", run)
        return _end(run, token, RunState.FAILED, error=_told_error())


def _told_error() -> str:
    return traceback.format_exc()[-ERROR_CHARS:]


def _work(run: JobRun, progress: Progress) -> dict[str, Any]:
    if run.attempts > MAX_ATTEMPTS:
        raise GaveUp
    function: Callable[[Progress], dict[str, Any] | None] = import_string(BY_NAME[run.kind].path)
    return function(progress) or {}


def _lock(run: JobRun, token: uuid.UUID) -> str | None:
    """Lock our run and return what people wish of it by now; None when it is no longer ours."""
    mine = JobRun.objects.select_for_update(no_key=True).filter(pk=run.pk, lease_token=token)
    return mine.values_list("wish", flat=True).first()


@transaction.atomic
def _end(run: JobRun, token: uuid.UUID, state: RunState, *, error: str = "") -> JobRun:
    """Write the end of a run, if it is still ours; a cancel that came late is still obeyed."""
    wish = _lock(run, token)
    if wish is not None:
        if wish == Wish.CANCEL and state == RunState.SUCCEEDED:
            state = RunState.CANCELLED
        ended = {"state": state, "error": error, "lease_until": None, "finished_at": Now()}
        _write(run, **ended)
    run.refresh_from_db()
    return run


def _write(run: JobRun, **told: Any) -> None:
    """Write where a run stands and give its lease up; its row is locked."""
    JobRun.objects.filter(pk=run.pk).update(
        done=run.done,
        total=run.total,
        cursor=run.cursor,
        result=run.result,
        wish="",
        lease_token=None,
        heartbeat_at=Now(),
        **told,
    )


@transaction.atomic
def _let_go(run: JobRun, token: uuid.UUID, **told: Any) -> JobRun:
    """Cancel or pause a run as is wished by now; queue it again when nothing is.

    The wish that stopped it may have been taken back since, or turned from a pause to a cancel.
    """
    wish = _lock(run, token)
    if wish == Wish.CANCEL:
        _write(run, state=RunState.CANCELLED, lease_until=None, finished_at=Now(), **told)
    elif wish == Wish.PAUSE:
        _write(run, state=RunState.PAUSED, lease_until=None, **told)
    elif wish is not None:
        _write(run, state=RunState.QUEUED, lease_until=Now(), **{"attempts": 0} | told)
        _wake(run, BY_NAME[run.kind])
    run.refresh_from_db()
    return run


def _try_again(run: JobRun, token: uuid.UUID, error: str) -> JobRun:
    """Queue a run again that the database refused: a time-out, a deadlock, a full disk.

    The last try ends it with this cause.
    """
    logger.warning("job %s was refused by the database: %s", run, headline(error))
    if run.attempts >= MAX_ATTEMPTS:
        return _end(run, token, RunState.FAILED, error=error)
    return _let_go(run, token, attempts=run.attempts, error=error)


# --- What people ask of a run ---------------------------------------------------------------------


@transaction.atomic
def pause_run(*, run: JobRun, actor: User) -> JobRun:
    """Let a run stop after its batch, to be resumed later. Raises `RunFinished`."""
    run = _locked(run)
    if run.state == RunState.QUEUED:
        run.state = RunState.PAUSED
    elif run.state == RunState.RUNNING and run.wish != Wish.CANCEL:
        run.wish = Wish.PAUSE
    run.save(update_fields=["state", "wish"])
    audit.record(actor=actor, verb="job.pause", thing=run)
    return run


@transaction.atomic
def resume_run(*, run: JobRun, actor: User) -> JobRun:
    """Let a paused run go on at its cursor. Raises `RunFinished`."""
    run = _locked(run)
    if run.state == RunState.PAUSED:
        run.state = RunState.QUEUED
        run.attempts = 0
        # It waits for a worker since now, not since it was made.
        run.lease_until = timezone.now()
        _wake(run, BY_NAME[run.kind])
    if run.wish == Wish.PAUSE:  # A cancel is not taken back.
        run.wish = ""
    run.result.pop(WAITS_FOR, None)
    run.save(update_fields=["state", "wish", "attempts", "lease_until", "result"])
    audit.record(actor=actor, verb="job.resume", thing=run)
    return run


@transaction.atomic
def cancel_run(*, run: JobRun, actor: User) -> JobRun:
    """End a run after its batch; what is done stays. Raises `RunFinished`."""
    run = _locked(run)
    if run.state == RunState.RUNNING:
        run.wish = Wish.CANCEL
        run.save(update_fields=["wish"])
    else:
        run.state, run.wish = RunState.CANCELLED, ""
        run.save(update_fields=["state", "wish"])
        JobRun.objects.filter(pk=run.pk).update(finished_at=Now())
    audit.record(actor=actor, verb="job.cancel", thing=run)
    return run


@transaction.atomic
def resume_waiting(kind: str) -> int:
    """Let the runs of a job go on that paused themselves (`Progress.wait_for`); return how many.

    What a person paused stays paused.
    """
    rows = JobRun.objects.select_for_update(skip_locked=True)
    found = list(rows.filter(kind=kind, state=RunState.PAUSED, result__has_key=WAITS_FOR))
    for run in found:
        run.state, run.attempts = RunState.QUEUED, 0
        run.lease_until = timezone.now()
        del run.result[WAITS_FOR]
        run.save(update_fields=["state", "attempts", "lease_until", "result"])
        _wake(run, BY_NAME[run.kind])
    return len(found)


def _locked(run: JobRun) -> JobRun:
    found: JobRun = JobRun.objects.select_for_update().get(pk=run.pk)
    if not found.is_active:
        raise RunFinished(f"This run has already ended: {found.get_state_display().lower()}.")
    return found


@transaction.atomic
def pause_schedule(*, name: str, paused: bool, actor: User) -> bool:
    """Pause or resume a job's schedule; False when it already is so. Raises `JobUnknown`."""
    job = find_job(name)
    changed = job.every is not None and schedules.set_paused(name, paused=paused)
    if changed:
        audit.record_named(
            actor=actor, verb="job.schedule", kind="job", name=name, after={"paused": paused}
        )
    return changed


def recover_runs() -> int:
    """Queue the runs that nobody works on although they should be; return how many.

    Safe at any time: a wake-up too many finds nothing to claim. Covers a worker killed in a run
    (its lease expired) and a wake-up that got lost.
    """
    found = list(JobRun.objects.abandoned(PATIENCE))
    for run in found:
        if run.kind in BY_NAME:
            _wake(run, BY_NAME[run.kind])
    return len(found)

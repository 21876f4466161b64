"""How every job stands: the state words of the job room and what they are judged by.

`read_room` takes a fixed number of statements, however many runs there are; what follows from
them is computed here, without the database.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import Schedule

from jobs.drift import CHECKS, DriftReport, drift_reports
from jobs.models import ClusterBeat, JobRun, RunState
from jobs.schedules import JOBS, MINUTE, Backlog, Job
from jobs.words import cut_to_html, headline

RECENT: Final = 50
BEAT_PATIENCE: Final = timedelta(seconds=30)
QUEUE_PATIENCE: Final = timedelta(seconds=30)
# A job is late when it is overdue by its interval, within these bounds.
LATE_BOUNDS: Final = (2 * MINUTE, 15 * MINUTE)
ERROR_TAIL: Final = 300
# What all failures together may add to the page, in bytes of HTML, shared by the jobs that fail: a
# page on which everything fails is read, too. A run's own page shows all of its error.
HEADLINES_HTML: Final = 1_800
TAILS_HTML: Final = 2_500
HEADLINE_HTML: Final = 280
TAIL_HTML: Final = 420
START_A_WORKER: Final = "Start one: manage.py worker"


class State(StrEnum):
    """The state of a job in one word."""

    OK = "ok"
    RUNNING = "running"
    IDLE = "idle"
    LATE = "late"
    FAILING = "failing"
    PAUSED = "paused"
    NO_WORKER = "no worker"


def is_worked_on(run: JobRun, now: datetime) -> bool:
    """Say whether somebody holds the run's lease."""
    held = run.lease_until is not None and run.lease_until > now
    return run.state == RunState.RUNNING and held


def waits_since(run: JobRun) -> datetime | None:
    """Return since when a run waits for a worker; None when it does not.

    `lease_until` is when its last worker yielded or died, or when somebody resumed it.
    """
    if run.state not in {RunState.QUEUED, RunState.RUNNING}:
        return None
    return run.lease_until or run.created_at


def is_stuck(run: JobRun, now: datetime) -> bool:
    """Say whether a run waits for a worker longer than a worker takes to look."""
    since = waits_since(run)
    return since is not None and now - since > QUEUE_PATIENCE


def silence(run: JobRun, now: datetime) -> timedelta | None:
    """Return for how long a run under way shows no sign of life; None while that is short."""
    if not is_worked_on(run, now) or run.heartbeat_at is None:
        return None
    silent = now - run.heartbeat_at
    return silent if silent > BEAT_PATIENCE else None


def percentile(durations: list[timedelta], percent: int) -> timedelta | None:
    """Return the smallest duration that `percent` of them do not exceed (nearest rank)."""
    ordered = sorted(durations)
    return ordered[max(-(-len(ordered) * percent // 100) - 1, 0)] if ordered else None


@dataclass(frozen=True)
class Standing:
    """One job: what the tables say of it, and what follows."""

    job: Job
    now: datetime
    has_worker: bool = True
    is_paused: bool = False
    next_at: datetime | None = None
    active: list[JobRun] = field(default_factory=list)
    # The last runs, newest first.
    recent: list[JobRun] = field(default_factory=list)
    last_success_at: datetime | None = None
    backlog: Backlog | None = None
    # The text of the newest failure, when nothing succeeded since; how many jobs have one.
    error: str = ""
    failing: int = 1

    @property
    def state(self) -> State:
        """Return the word: the first that holds."""
        held = any(is_worked_on(run, self.now) for run in self.active)
        waits_too_long = any(is_stuck(run, self.now) for run in self.active)
        words = (
            (State.RUNNING, held),
            (State.PAUSED, self.is_paused or any(r.state == RunState.PAUSED for r in self.active)),
            (State.NO_WORKER, not self.has_worker),
            (State.FAILING, self.failure is not None),
            (State.LATE, waits_too_long or self.is_behind),
            (State.RUNNING, bool(self.active)),
            (State.IDLE, self._has_nothing_to_do),
        )
        return next((word for word, holds in words if holds), State.OK)

    @property
    def advice(self) -> str:
        """Return what the word means here and what to do about it; "" when all is said."""
        state = self.state
        if state is State.RUNNING and not any(is_worked_on(r, self.now) for r in self.active):
            return "Queued."
        if state is State.RUNNING and any(silence(r, self.now) for r in self.active):
            return "No sign of life; it is taken up again when its lease ends."
        if state is State.IDLE:
            return "Nothing to do." if self.job.every is None or self.backlog else "Not due yet."
        return {
            State.NO_WORKER: f"Nothing works on the queue “{self.job.cluster}”. {START_A_WORKER}",
            State.FAILING: "The last run failed; it is tried again when it is due, or run it now.",
            State.LATE: "It should have run by now. Look at the worker, or run it now.",
            State.PAUSED: "It does not start by itself until somebody resumes it.",
        }.get(state, "")

    @property
    def due_at(self) -> datetime | None:
        """Return when it should start next, judged by its last success; None on request."""
        if self.job.every is None:
            return None
        if self.last_success_at is None:
            return self.next_at
        return self.job.first_run(self.last_success_at + timedelta(seconds=1))

    @property
    def lag(self) -> timedelta:
        """Return how far it is behind its schedule."""
        due = self.due_at
        return max(self.now - due, timedelta(0)) if due else timedelta(0)

    @property
    def is_behind(self) -> bool:
        """Say whether that is worth telling: not the moment in which it is just about to start."""
        return self.lag > self._grace

    @property
    def failure(self) -> JobRun | None:
        """Return the newest run that ended by itself, if it failed."""
        by_itself = {RunState.SUCCEEDED, RunState.FAILED}
        last = next((run for run in self.recent if run.state in by_itself), None)
        return last if last is not None and last.state == RunState.FAILED else None

    @property
    def headline(self) -> str:
        """Return what the last failure says, in a line."""
        line = headline(self.error)
        cut = cut_to_html(line, min(HEADLINE_HTML, HEADLINES_HTML // self.failing))
        return line if cut == line else f"{cut.removesuffix('…')}…"

    @property
    def error_tail(self) -> str:
        """Return the end of the last failure's text, where the cause stands."""
        return cut_to_html(
            self.error[-ERROR_TAIL:], min(TAIL_HTML, TAILS_HTML // self.failing), keep_end=True
        )

    @property
    def durations(self) -> list[timedelta]:
        """Return how long the recent successful runs took."""
        return [
            run.finished_at - run.started_at
            for run in self.recent
            if run.state == RunState.SUCCEEDED and run.started_at and run.finished_at
        ]

    @property
    def typical(self) -> timedelta | None:
        """Return the duration that half of the recent runs stay below."""
        return percentile(self.durations, 50)

    @property
    def slowest(self) -> timedelta | None:
        """Return the duration that nineteen of twenty recent runs stay below."""
        return percentile(self.durations, 95)

    @property
    def _grace(self) -> timedelta:
        shortest, longest = LATE_BOUNDS
        return max(shortest, min(self.job.every or longest, longest))

    @property
    def _has_nothing_to_do(self) -> bool:
        if self.backlog is not None:
            return self.backlog.waiting == 0
        return self.job.every is None or self.last_success_at is None


@dataclass(frozen=True)
class Room:
    """Every job, every cluster, and what the last checks found, at one moment."""

    now: datetime
    standings: list[Standing]
    beats: list[ClusterBeat]
    drift: list[DriftReport]

    @property
    def active(self) -> list[JobRun]:
        """Return the runs that still may do something."""
        return [run for standing in self.standings for run in standing.active]

    @property
    def stuck(self) -> list[tuple[Job, JobRun, timedelta]]:
        """Return the runs that no worker takes up, and how long they have waited."""
        return [
            (standing.job, run, self.now - since)
            for standing in self.standings
            for run in standing.active
            if is_stuck(run, self.now) and (since := waits_since(run))
        ]

    @property
    def silent(self) -> list[tuple[Job, JobRun, timedelta]]:
        """Return the runs under way without a sign of life, and for how long."""
        return [
            (standing.job, run, silent)
            for standing in self.standings
            for run in standing.active
            if (silent := silence(run, self.now)) is not None
        ]

    @property
    def rebuilds(self) -> list[JobRun]:
        """Return the runs under way that rebuild a field."""
        return [run for run in self.active if run.kind == "refresh_derived"]

    @property
    def poll_seconds(self) -> int:
        """Return how often to look again: seldom while nothing runs, for a worker may die."""
        return 2 if any(run.state != RunState.PAUSED for run in self.active) else 10

    @property
    def alive(self) -> list[ClusterBeat]:
        """Return the clusters that showed a sign of life just now."""
        return [beat for beat in self.beats if beat.is_alive(self.now)]

    @property
    def clusters(self) -> list[tuple[ClusterBeat, timedelta | None]]:
        """Return every cluster, and for how long it has been silent; None for a living one."""
        return [
            (beat, None if beat.is_alive(self.now) else self.now - beat.beat_at)
            for beat in self.beats
        ]

    def count(self, *states: State) -> int:
        """Return how many jobs are in one of these states."""
        return sum(standing.state in states for standing in self.standings)

    @property
    def late_count(self) -> int:
        """Return how many jobs are behind, whatever holds them up."""
        return self.count(State.LATE, State.NO_WORKER)

    @property
    def failing_count(self) -> int:
        """Return how many jobs failed last."""
        return self.count(State.FAILING)

    @property
    def paused_count(self) -> int:
        """Return how many jobs are paused."""
        return self.count(State.PAUSED)


def read_room() -> Room:
    """Read how every job stands: six statements and two per backlog."""
    now = timezone.now()
    names = [job.name for job in JOBS]
    recent: dict[str, list[JobRun]] = defaultdict(list)
    for run in JobRun.objects.recent_of_each(names, RECENT):
        recent[run.kind].append(run)
    succeeded = {run.kind: run for run in JobRun.objects.last_success_of_each(names)}
    active: dict[str, list[JobRun]] = defaultdict(list)
    for run in JobRun.objects.active().select_related("asked_by").order_by("pk"):
        active[run.kind].append(run)
    beats = list(ClusterBeat.objects.order_by("queue", "name"))
    queues = {beat.queue for beat in beats if beat.is_alive(now)}
    schedules = {row.name: row for row in Schedule.objects.all()}

    standings = [
        Standing(
            job=job,
            now=now,
            has_worker=job.cluster in queues,
            active=active[job.name],
            # SQL promises no order of the rows of a union.
            recent=sorted(recent[job.name], key=lambda run: -run.pk),
            last_success_at=getattr(succeeded.get(job.name), "started_at", None),
            backlog=import_string(job.backlog_path)() if job.backlog_path else None,
            **_schedule_facts(schedules.get(job.name)),
        )
        for job in JOBS
    ]
    return _with_texts(Room(now, standings, beats, []), succeeded)


def _schedule_facts(row: Schedule | None) -> dict[str, Any]:
    if row is None:
        return {}
    return {"is_paused": row.repeats == 0, "next_at": row.next_run}


def _with_texts(room: Room, succeeded: dict[str, JobRun]) -> Room:
    """Add the errors of failing jobs and the results of the checks: one statement."""
    failures = {s.failure.pk for s in room.standings if s.failure is not None}
    checks = {succeeded[name].pk for name in CHECKS if name in succeeded}
    wanted = JobRun.objects.filter(pk__in=failures | checks)
    texts = {run.pk: run for run in wanted.only("kind", "started_at", "error", "result")}
    standings = [
        replace(standing, error=texts[failure.pk].error, failing=len(failures))
        if (failure := standing.failure) is not None and failure.pk in texts
        else standing
        for standing in room.standings
    ]
    drift = drift_reports([run for pk, run in texts.items() if pk in checks])
    return replace(room, standings=standings, drift=drift)

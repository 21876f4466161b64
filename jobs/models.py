"""Runs of recurring and long work, and the signs of life of the clusters that do it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from jobs.querysets import JobRunQuerySet

# A cluster that is silent for longer is taken for dead.
ALIVE_WITHIN: Final = timedelta(seconds=30)


class RunState(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


ACTIVE_STATES = (RunState.QUEUED, RunState.RUNNING, RunState.PAUSED)


class Trigger(models.TextChoices):
    SCHEDULE = "schedule", "Schedule"
    PERSON = "person", "A person"
    COMMAND = "command", "Command line"


class Wish(models.TextChoices):
    """What a person asked of a run; the run obeys at its next batch."""

    PAUSE = "pause", "Pause"
    CANCEL = "cancel", "Cancel"


class JobRun(models.Model):
    """One run of a job of `jobs.schedules`: where it stands, and who works on it.

    Whoever executes it holds a lease; every write of theirs names the lease's token, so that a
    run that somebody else took over is never written by two.
    """

    kind = models.CharField(max_length=40)
    scope = models.CharField(max_length=100, blank=True)
    # What else was asked of it, as the job understands it: a limit, for example.
    options = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    trigger = models.CharField(max_length=8, choices=Trigger)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now())

    state = models.CharField(max_length=9, choices=RunState, default=RunState.QUEUED)
    wish = models.CharField(max_length=6, choices=Wish, blank=True)
    # Where to go on: whatever the job stored last, None at the beginning.
    cursor = models.JSONField(null=True)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True)
    # What it found or did, for people; short words as keys.
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    # Starts since it last got further; a run that kills its worker every time ends as failed.
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = JobRunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "kind",
                "scope",
                name="jobrun_one_active_per_kind_and_scope",
                condition=Q(state__in=ACTIVE_STATES),
            ),
        ]
        indexes = [
            # The history of one job, newest first.
            models.Index(fields=["kind", "-id"], name="jobrun_of_kind"),
            # When a job last did its work: "counts as of".
            models.Index(
                fields=["kind", "-started_at"],
                name="jobrun_succeeded",
                condition=Q(state=RunState.SUCCEEDED),
            ),
            # Runs to be taken up again.
            models.Index(
                fields=["lease_until"],
                name="jobrun_unfinished",
                condition=Q(state__in=[RunState.QUEUED, RunState.RUNNING]),
            ),
            # Pruning, oldest first.
            models.Index(fields=["finished_at"], name="jobrun_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}" + (f" of {self.scope}" if self.scope else "")

    @property
    def is_active(self) -> bool:
        """Say whether it still may do something."""
        return self.state in ACTIVE_STATES

    @property
    def rate(self) -> float | None:
        """Return how many units a second it has done; None before there is a measure."""
        if self.started_at is None or self.heartbeat_at is None or not self.done:
            return None
        seconds = (self.heartbeat_at - self.started_at).total_seconds()
        return self.done / seconds if seconds > 0 else None


class ClusterBeat(models.Model):
    """The last sign of life of one cluster; written by its supervisor (`manage.py worker`)."""

    name = models.CharField(max_length=60, primary_key=True)
    queue = models.CharField(max_length=24)
    host = models.CharField(max_length=120)
    pid = models.PositiveIntegerField()

    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    # When a task of this cluster last ended.
    last_done_at = models.DateTimeField(null=True)
    # How often the supervisor had to replace it, and why the last time.
    restarts = models.PositiveIntegerField(default=0)
    last_restart_reason = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.queue})"

    def is_alive(self, now: datetime) -> bool:
        """Say whether it showed a sign of life just now."""
        return now - self.beat_at < ALIVE_WITHIN

"""The jobs of this app: keeping runs, records and denormalised fields in order."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from django_q.models import Task

from accounts.models import DeviceLogin, DeviceSession, Invite
from config.derived import BATCH, REGISTRY, refresh
from config.errors import DomainError
from jobs import services
from jobs.models import JobRun
from jobs.progress import Progress

RUNS_KEPT: Final = timedelta(days=14)
FAILED_TASKS_KEPT: Final = timedelta(days=30)
LOGINS_KEPT: Final = timedelta(days=1)
# Expired command lines and invites; those that were ended expire, too.
ENDED_KEPT: Final = timedelta(days=30)
REPORTED_KEYS: Final = 20


class FieldUnknown(DomainError):
    code = "field_unknown"


def recover_runs(_progress: Progress) -> dict[str, Any]:
    """Take up runs that nobody works on although they should be."""
    return {"recovered": services.recover_runs()}


def prune_records(_progress: Progress) -> dict[str, Any]:
    """Delete runs, failed tasks and sessions that are past their time, logins and invites too."""
    now = timezone.now()
    runs, _ = JobRun.objects.ended_before(now - RUNS_KEPT).delete()
    tasks, _ = Task.objects.filter(stopped__lt=now - FAILED_TASKS_KEPT).delete()
    SessionStore.clear_expired()
    return {"runs": runs, "tasks": tasks} | _clear_logins(now)


def _clear_logins(now: datetime) -> dict[str, int]:
    """Delete what let command lines and members in, once nobody asks any more why it does not."""
    logins, _ = DeviceLogin.objects.over_before(now - LOGINS_KEPT).delete()
    sessions, _ = DeviceSession.objects.over_before(now - ENDED_KEPT).delete()
    invites, _ = Invite.objects.over_before(now - ENDED_KEPT).delete()
    return {"logins": logins, "command lines": sessions, "invites": invites}


def check_derived_fields(progress: Progress) -> dict[str, Any]:
    """Compare every denormalised field with its rule; report the rows that differ, repair them."""
    progress.expect(len(REGISTRY))
    progress.note("drift", {})
    checked = progress.cursor or 0
    for number, derivation in enumerate(REGISTRY[checked:], start=checked + 1):
        if keys := derivation.drifted_keys():
            told = {"rows": len(keys), "first": keys[:REPORTED_KEYS]}
            progress.note("drift", {derivation.label: told})
            refresh(derivation, keys)
        progress.advance(cursor=number)
    return {}


def refresh_derived(progress: Progress) -> dict[str, Any]:
    """Re-evaluate every row of the field that the run's scope names, in batches by primary key."""
    derivation = next((d for d in REGISTRY if d.label == progress.scope), None)
    if derivation is None:
        raise FieldUnknown(f"There is no denormalised field {progress.scope}.")
    if progress.cursor is None:
        progress.expect(derivation.rows().count())
    last = progress.cursor or 0
    while True:
        rows = derivation.rows().filter(pk__gt=last).order_by("pk")
        keys = list(rows.values_list("pk", flat=True)[:BATCH])
        if not keys:
            return {"rows": progress.run.done}
        refresh(derivation, keys)
        last = keys[-1]
        progress.advance(len(keys), cursor=last)

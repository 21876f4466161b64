"""Tasks that record each time they begin and end, in a table that has a row for anything."""

from __future__ import annotations

import os
import signal
import time
import uuid

from django.contrib.sessions.models import Session
from django.utils import timezone
from django_q.tasks import async_task

PREFIX = "tests.jobs.worker.tasks"


def work(number: int, seconds: float = 0) -> None:
    record(f"begin {number}")
    time.sleep(seconds)
    record(f"end {number}")


def call_another(number: int) -> None:
    """Run a task inside this one, as django-q2 offers it."""
    async_task(work, number, sync=True)


def die_once(number: int) -> None:
    """Kill the worker at the first try, as a crash in native code would."""
    first = f"begin {number}" not in recorded()
    record(f"begin {number}")
    if first:
        os.kill(os.getpid(), signal.SIGKILL)
    record(f"end {number}")


def fail() -> None:
    record("failed")
    raise ValueError("as told")


def record(word: str) -> None:
    Session.objects.create(
        session_key=uuid.uuid4().hex, session_data=word, expire_date=timezone.now()
    )


def recorded() -> list[str]:
    return sorted(Session.objects.values_list("session_data", flat=True))

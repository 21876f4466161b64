"""What the worker calls. A task carries a name or an id and is only a wake-up."""

from __future__ import annotations

from jobs import services
from jobs.models import Trigger
from jobs.progress import SLICE_SECONDS


def run_scheduled(name: str) -> None:
    """Run a job because its time has come; does nothing while a run of it is under way."""
    run, _created = services.start_run(kind=name, trigger=Trigger.SCHEDULE, enqueue=False)
    services.execute_run(run.pk, slice_seconds=SLICE_SECONDS)


def execute_run(run_id: int) -> None:
    """Work on a run for one slice of time. Safe to call twice, or for a run that ended."""
    services.execute_run(run_id, slice_seconds=SLICE_SECONDS)

"""A run executed by a command, here and now, with a progress bar."""

from __future__ import annotations

from typing import Any

from tqdm import tqdm

from config.formats import duration
from jobs.models import JobRun, RunState
from jobs.services import execute_run
from jobs.words import result_words


def execute_shown(run: JobRun, stream: Any) -> JobRun | None:
    """Work on a run until it ends or waits, and draw how far it is on a terminal.

    None when it is somebody else's, or paused: `refusal` says which.
    """
    with tqdm(desc=run.kind, disable=None, file=stream) as bar:

        def show(run: JobRun) -> None:
            bar.total = run.total
            bar.update(run.done - bar.n)

        return execute_run(run.pk, slice_seconds=None, on_advance=show)


def refusal(run: JobRun) -> str:
    """Say why a run was left alone."""
    run.refresh_from_db()
    if run.state == RunState.PAUSED:
        return f"{run} is paused; resume or cancel it in the job room."
    return f"{run} is already under way: {run.get_state_display().lower()}, {run.done} done."


def told(run: JobRun) -> str:
    """Write what a run did as words: `fold_events #3: 120 events · 0 of deleted skills (2 s)`."""
    took = run.finished_at - run.started_at if run.finished_at and run.started_at else None
    return f"{run}: {result_words(run.result) or 'done'} ({duration(took)})"

"""Run one job in this process, with a progress bar."""

from __future__ import annotations

from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from config.derived import REGISTRY
from config.errors import DomainError
from config.formats import duration
from jobs.models import JobRun, RunState, Trigger
from jobs.schedules import DRY_RUN, JOBS, Job
from jobs.services import execute_run, find_job, start_run
from jobs.words import headline, result_words

# The job whose scope is a denormalised field.
REBUILD: Final = "refresh_derived"


class Command(BaseCommand):
    help = "Run a job here and now, to its end. A run that was left behind goes on at its place."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", help="which job; --list tells them")
        parser.add_argument("--scope", default="", help="what of, such as one denormalised field")
        parser.add_argument(
            "--dry-run", action="store_true", help="only count what it would do, if it can"
        )
        parser.add_argument("--list", action="store_true", help="list the jobs and what they do")

    def handle(self, *_: Any, **options: Any) -> None:
        if options["list"]:
            self.stdout.write("\n".join(_line(job) for job in JOBS))
            return
        try:
            job = find_job(options["name"] or "")
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        if job.is_scoped != bool(options["scope"]):
            needs = "needs --scope" if job.is_scoped else "takes no --scope"
            raise CommandError(f"The job {job.name} {needs}.")
        if job.name == REBUILD and options["scope"] not in {field.label for field in REGISTRY}:
            raise CommandError(f"There is no denormalised field {options['scope']}.")
        if options["dry_run"] and not job.has_dry_run:
            raise CommandError(f"The job {job.name} has no --dry-run.")
        scope = DRY_RUN if options["dry_run"] else options["scope"]
        run, _created = start_run(
            kind=job.name, scope=scope, trigger=Trigger.COMMAND, enqueue=False
        )
        done = self._execute(run)
        if done is None:
            raise CommandError(_refusal(run))
        if done.state != RunState.SUCCEEDED:
            # The log has the whole of it.
            told = f"{done}: {done.get_state_display().lower()}. {headline(done.error)}"
            raise CommandError(told.strip())
        self.stdout.write(_told(done))

    def _execute(self, run: JobRun) -> JobRun | None:
        with tqdm(desc=run.kind, disable=None, file=self.stderr) as bar:

            def show(run: JobRun) -> None:
                bar.total = run.total
                bar.update(run.done - bar.n)

            return execute_run(run.pk, slice_seconds=None, on_advance=show)


def _line(job: Job) -> str:
    options = " Needs --scope." * job.is_scoped + " Takes --dry-run." * job.has_dry_run
    return f"{job.name:22} {job.does}{options}"


def _refusal(run: JobRun) -> str:
    run.refresh_from_db()
    if run.state == RunState.PAUSED:
        return f"{run} is paused; resume or cancel it in the job room."
    return f"{run} is already under way: {run.get_state_display().lower()}, {run.done} done."


def _told(run: JobRun) -> str:
    """Write what a run did as words: `fold_events #3: 120 events · 0 of deleted skills (2 s)`."""
    took = run.finished_at - run.started_at if run.finished_at and run.started_at else None
    return f"{run}: {result_words(run.result) or 'done'} ({duration(took)})"

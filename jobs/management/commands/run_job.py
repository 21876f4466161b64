"""Run one job in this process, with a progress bar."""

from __future__ import annotations

from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.derived import REGISTRY
from config.errors import DomainError
from jobs.foreground import execute_shown, refusal, told
from jobs.models import RunState, Trigger
from jobs.schedules import DRY_RUN, JOBS, Job
from jobs.services import find_job, start_run
from jobs.words import headline

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
        except DomainError as unknown:
            raise CommandError(str(unknown)) from unknown
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
        done = execute_shown(run, self.stderr)
        if done is None:
            raise CommandError(refusal(run))
        if done.state != RunState.SUCCEEDED:
            # The log has the whole of it.
            ended = f"{done}: {done.get_state_display().lower()}. {headline(done.error)}"
            raise CommandError(ended.strip())
        self.stdout.write(told(done))


def _line(job: Job) -> str:
    options = " Needs --scope." * job.is_scoped + " Takes --dry-run." * job.has_dry_run
    return f"{job.name:22} {job.does}{options}"

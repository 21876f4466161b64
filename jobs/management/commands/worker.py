"""The worker: clusters that do queued and scheduled work, and the supervisor that keeps them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from jobs.supervisor import Supervisor


class Command(BaseCommand):
    help = (
        "Do queued and scheduled work until SIGTERM or Ctrl-C. Runs the clusters that"
        " WORKER_CLUSTERS names, and replaces one whose processes died or that stands still."
        " Stopping lets running tasks end (a second Ctrl-C does not). One per machine or"
        " container; several machines share the work."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--until-idle",
            action="store_true",
            help="stop when nothing is queued or under way; what waits for another try may wait",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        Supervisor(settings.WORKER_CLUSTERS, until_idle=options["until_idle"]).run()

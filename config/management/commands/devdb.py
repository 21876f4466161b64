"""`manage.py devdb`: look at and steer the development database."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import devdb
from config.devdb_programs import DevDatabaseError

STOPPED_EXIT_CODE = 3


class Command(BaseCommand):
    """One sub-command per thing to do; none of them needs the database to be up."""

    help = "Start, stop, look at, open or empty the development database."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the sub-commands."""
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("start", help="start it and create what is missing")
        actions.add_parser("stop", help="stop it; the data stay")
        actions.add_parser("status", help="say whether it runs, and where (exit code 3: stopped)")
        psql = actions.add_parser("psql", help="start it and open psql; psql's options follow --")
        psql.add_argument("arguments", nargs="*")
        reset = actions.add_parser("reset", help="delete all of its data")
        reset.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *, action: str, **options: Any) -> None:
        """Do what the sub-command names; every failure becomes one clear message."""
        try:
            match action:
                case "start":
                    devdb.ensure_running()
                    self.stdout.write(f"running at {devdb.socket_directory()}")
                case "stop":
                    self.stdout.write("stopped" if devdb.stop() else "was not running")
                case "status":
                    self.report()
                case "psql":
                    devdb.ensure_running()
                    command = devdb.psql_command(options["arguments"])
                    os.execv(command[0], command)  # noqa: S606
                case "reset":
                    self.reset(confirmed=options["yes"])
        except DevDatabaseError as error:
            raise CommandError(str(error)) from error

    def report(self) -> None:
        """Print where the server lives; exits with 3 when it does not run."""
        status = devdb.status()
        state = f"running, PostgreSQL {status.server_version}" if status.is_running else "stopped"
        for name, value in [
            ("state", state),
            ("data", status.data),
            ("socket", status.sockets),
            ("log", status.log),
        ]:
            self.stdout.write(f"{name:<8}{value}")
        if not status.is_running:
            sys.exit(STOPPED_EXIT_CODE)

    def reset(self, *, confirmed: bool) -> None:
        """Delete the cluster once somebody has said so."""
        if not (confirmed or self.ask()):
            raise CommandError("Nothing was deleted.")
        devdb.reset()
        self.stdout.write("deleted; the next start makes an empty database")

    def ask(self) -> bool:
        """Return whether a person at the keyboard says yes; nobody there is a no."""
        try:
            answer = input(f"Delete all data in {devdb.cluster_directory()}? Type yes to go on: ")
        except EOFError:
            return False
        return answer == "yes"

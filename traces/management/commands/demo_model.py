"""The demo's stand-in for a language model, in a process of its own."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from traces.demo.model_server import ModelServer


class Command(BaseCommand):
    help = "Answer like OpenAI's server on this machine alone; `make demo` starts and stops it."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, required=True)

    def handle(self, *_: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("It is no model, and belongs into the demo; start with `make demo`.")
        try:
            server = ModelServer(options["port"])
        except (OSError, OverflowError) as error:
            raise CommandError(f"Port {options['port']} cannot be used ({error}).") from error
        server.serve_forever()

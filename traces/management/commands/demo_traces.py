"""Fill the demo with the invented sessions of `traces/demo`."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from traces.demo.sessions import read_sessions
from traces.demo.uploading import upload_demo_session


class Command(BaseCommand):
    help = "Share the demo's invented sessions. Safe to repeat; what was shared stays as it is."

    def handle(self, *_: Any, **__: Any) -> None:
        if not settings.DEMO:
            raise CommandError("Invented sessions belong into the demo; start with `make demo`.")
        sessions = read_sessions()
        shared = sum(upload_demo_session(session) for session in sessions)
        self.stdout.write(f"{shared} of {len(sessions)} demo traces shared.")

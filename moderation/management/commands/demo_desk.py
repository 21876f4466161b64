"""Let something happen at the demo's moderation desk."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from moderation.demo import play_desk


class Command(BaseCommand):
    help = "Scan, report, decide and appeal as the demo's people. Does nothing a second time."

    def handle(self, *_: Any, **__: Any) -> None:
        if not settings.DEMO:
            raise CommandError("Invented decisions belong into the demo; start with `make demo`.")
        done = play_desk()
        self.stdout.write("The desk has work." if done else "The desk is as people left it.")

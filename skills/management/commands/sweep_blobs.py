"""Delete stored content that nothing refers to."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from skills.tasks import sweep_blobs


class Command(BaseCommand):
    help = "Delete content no version refers to and nobody touched for a day; safe at any time."

    def handle(self, *_: Any, **__: Any) -> None:
        self.stdout.write(f"{sweep_blobs()} objects deleted")

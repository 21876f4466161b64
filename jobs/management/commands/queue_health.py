"""Say whether queued work is being done; for monitoring."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.formats import duration
from jobs.health import QueueHealth, queue_health


class Command(BaseCommand):
    help = "Say whether queued work is being done; exit 1 with the reasons when it is not."

    def handle(self, *_: Any, **__: Any) -> None:
        health = queue_health()
        self.stdout.write(_told(health))
        if health.reasons:
            raise CommandError("\n".join(health.reasons))


def _told(health: QueueHealth) -> str:
    waits = f"{health.ready_rows} ready, the oldest for {duration(health.oldest_ready_seconds)}"
    lines = [f"{waits}; {health.failures_last_hour} failed within the last hour"]
    for cluster in health.clusters:
        beat = duration(health.checked_at - cluster.beat_at)
        replaced = f", {cluster.restarts} times replaced" if cluster.restarts else ""
        lines.append(f"{cluster.name}: last sign of life {beat} ago{replaced}")
    return "\n".join(lines)

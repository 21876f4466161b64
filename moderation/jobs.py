"""The jobs of moderation, as `jobs.schedules` names them."""

from __future__ import annotations

from typing import Any

from jobs.progress import Progress
from moderation import services


def scan_versions(progress: Progress) -> dict[str, Any]:
    """Scan every version that waits for it; several workers share the queue."""
    services.queue_new_versions()
    while scan := services.claim_scan():
        progress.tally(services.perform_scan(scan), 1)
        progress.advance()
    return {}


def rescan_outdated(progress: Progress) -> dict[str, Any]:
    """Ask for a scan of every version whose result is of other rules than today's."""
    last = progress.cursor or 0
    while (reached := services.queue_outdated(last)) is not None:
        last, looked = reached
        progress.advance(looked, cursor=last)
    return {"versions": progress.run.done}

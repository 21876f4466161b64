"""The jobs of moderation, as `jobs.schedules` names them."""

from __future__ import annotations

from typing import Any

from jobs.progress import Progress
from moderation.services import scans


def scan_versions(progress: Progress) -> dict[str, Any]:
    """Scan every version that waits for it; several workers share the queue."""
    scans.queue_new_versions()
    while scan := scans.claim_scan():
        progress.tally(scans.perform_scan(scan), 1)
        progress.advance()
    return {}


def rescan_outdated(progress: Progress) -> dict[str, Any]:
    """Ask for a scan of every version whose result is of other rules than today's."""
    last = progress.cursor or 0
    while (reached := scans.queue_outdated(last)) is not None:
        last, looked = reached
        progress.advance(looked, cursor=last)
    return {"versions": progress.run.done}

"""The jobs of moderation, as `jobs.schedules` names them."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from jobs.progress import Progress
from jobs.schedules import DRY_RUN
from moderation import virustotal
from moderation.models import ScannerName, ScanStatus
from moderation.services import bans, closing, lookups, scans
from skills.models import SkillVersion


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


def scan_virustotal(progress: Progress) -> dict[str, Any]:
    """Ask VirusTotal about every version that is due; nothing without a key.

    It stops at the first trouble: one minute later it goes on. A used-up quota is no failure; a
    key that is refused fails the run, so that staff read of it.
    """
    scan = scans.claim_scan(ScannerName.VT) if virustotal.is_on() else None
    if scan is None:
        return {}
    try:
        with virustotal.VirusTotal() as client:
            while scan:
                status = lookups.perform_lookup(scan, client)
                progress.tally(status, 1)
                progress.advance()
                has_failed = status == ScanStatus.FAILED
                scan = None if has_failed else scans.claim_scan(ScannerName.VT)
    except virustotal.QuotaReached:
        progress.tally("quota_pauses", 1)
    return {}


def recheck_virustotal(progress: Progress) -> dict[str, Any]:
    """Have VirusTotal asked anew where its word is a week old, and where it was never asked."""
    if not virustotal.is_on():
        return {}
    asked = lookups.queue_rechecks(lookups.room())
    progress.tally("rechecks", asked)
    last = progress.cursor or 0
    while (room := lookups.room() - asked) > 0:
        reached = lookups.queue_unasked(last, room)
        if reached is None:
            break
        last, first_asked = reached
        asked += first_asked
        progress.tally("first_looks", first_asked)
        progress.advance(first_asked, cursor=last)
    return {}


def apply_bans(progress: Progress) -> dict[str, Any]:
    """Make the holds of a person's skills, then their traces, follow from whether they are banned.

    The scope is their handle, and behind a colon which ban or unban asked: each has a run of its
    own, so that an unban never joins a run that is just about to end. What a batch does follows
    from the person's row alone, so two runs at once do no harm.
    """
    handle = progress.scope.partition(":")[0]
    last, asker = progress.cursor, progress.run.asked_by
    while batch := bans.apply_batch(handle=handle, size=bans.BATCH, below=last, actor=asker):
        last = batch.last
        progress.tally("held", batch.held)
        progress.tally("restored", batch.restored)
        progress.advance(batch.looked, cursor=last)
    while settled := bans.settle_traces(handle=handle, size=bans.BATCH):
        progress.tally("traces", settled)
        progress.advance(settled, cursor=last)
    return {}


def rescan_all(progress: Progress) -> dict[str, Any]:
    """Ask for a scan of every version that none waits for; a dry run only counts them."""
    is_dry = progress.scope == DRY_RUN
    if progress.cursor is None:
        progress.expect(SkillVersion.objects.published().count())
    last = progress.cursor or 0
    while (batch := scans.queue_all(last, ask=not is_dry)) is not None:
        progress.tally("to_be_scanned" if is_dry else "asked_for", batch.asked)
        progress.tally("waiting_already", batch.looked - batch.asked)
        last = batch.last
        progress.advance(batch.looked, cursor=last)
    return {}


def erase_accounts(progress: Progress) -> dict[str, Any]:
    """Erase the accounts that people deleted; one that is not done is looked at by the next run."""
    last = progress.cursor or 0
    while (person := User.objects.to_erase().filter(pk__gt=last).first()) is not None:
        for count in closing.erase_account(user=person):
            progress.advance(count)
        last = person.pk
        progress.tally("accounts", 1)
        progress.advance(0, cursor=last)
    return {}

"""VirusTotal's look at a version: which hashes it is asked, when again, and what comes of it.

Asked are the served ZIP and what plain rules cannot read: programs, archives and other binary
files, at most eight in all. A hash is asked once for all versions that share it. A scan ends with a
result, or as unknown when nothing is known after the last poll; a used-up quota only delays it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Greatest, Now
from django.utils import timezone

from moderation.models import Finding, Scan, ScannerName, ScanPriority, ScanStatus, VirusTotalReport
from moderation.scanners import ScanVerdict
from moderation.scanners.findings import report_of
from moderation.services.results import WHOLE, hand_in
from moderation.services.scans import BATCH, MAX_ATTEMPTS, hand_back, request_lookups
from moderation.virustotal import (
    KeyRefused,
    QuotaReached,
    Report,
    Unavailable,
    VirusTotal,
    finding_of,
)
from skills.content_types import is_text_type
from skills.models import SkillFile, SkillVersion

logger = logging.getLogger(__name__)

MAX_OBJECTS: Final = 8
# Asked again so long after each look that knew nothing of some file; then the scan ends.
POLLS: Final = (
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
)
# A public key has four look-ups a minute and 500 a day.
QUOTA_PAUSE: Final = timedelta(minutes=1)
KEY_PAUSE: Final = timedelta(hours=1)
# So long after its end VirusTotal is asked anew, for engines change their minds.
RECHECK_AFTER: Final = timedelta(days=7)
RETRY_FAILED_AFTER: Final = timedelta(days=1)
# One run asks for so many, and for none while so many wait: a day's quota, shared.
ASKED_A_RUN: Final = 100
WAITING_LIMIT: Final = 300
# An answer serves other versions with the same content for so long.
KNOWN_FOR: Final = RECHECK_AFTER / 2
UNKNOWN_FOR: Final = timedelta(minutes=8)
# A scan that takes longer goes on in its next turn, so that no run is killed over it.
DEADLINE_SECONDS: Final = 30

# Looked at by rules, or by nobody's engine with success.
_MEDIA: Final = ("image/", "audio/", "video/", "font/")
_PROGRAM_RULES: Final = (
    "file.program",
    "file.disguised-program",
    "file.archive",
    "file.locked-archive",
)


# --- Asking for it --------------------------------------------------------------------------------


def room() -> int:
    """Return how many more may be asked for; none while a day's work waits."""
    waiting = Scan.objects.of(ScannerName.VT).unfinished()[:WAITING_LIMIT].count()
    return min(ASKED_A_RUN, WAITING_LIMIT - waiting)


@transaction.atomic
def queue_rechecks(limit: int) -> int:
    """Ask anew about the versions whose last word is oldest; return how many. Safe beside others.

    One look each: what is still unknown then is not polled for.
    """
    due = Scan.objects.recheck_due().select_for_update(skip_locked=True)[:limit]
    found = dict(due.values_list("pk", "version"))
    Scan.objects.filter(pk__in=found).update(recheck_at=None)
    request_lookups(found.values(), polls=len(POLLS), priority=ScanPriority.SWEEP)
    return len(found)


def queue_unasked(after: int, limit: int) -> tuple[int, int] | None:
    """Ask about versions that VirusTotal was never asked about, such as those older than the key.

    From the version behind `after` on, some hundreds; return the last one looked at and how many
    were asked for, None at the end. Idempotent.
    """
    asked = Scan.objects.of(ScannerName.VT).filter(version=OuterRef("pk"))
    rows = SkillVersion.objects.filter(pk__gt=after, withdrawn_at__isnull=True).order_by("pk")
    looked = list(rows.annotate(is_asked=Exists(asked)).values_list("pk", "is_asked")[:BATCH])
    if not looked:
        return None
    unasked = [pk for pk, is_asked in looked if not is_asked][:limit]
    request_lookups(unasked, priority=ScanPriority.SWEEP)
    # Behind the last one asked for there may be more, for which there is no room today.
    last = unasked[-1] if len(unasked) == limit else looked[-1][0]
    return last, len(unasked)


# --- Performing it --------------------------------------------------------------------------------


def perform_lookup(scan: Scan, client: VirusTotal) -> ScanStatus:
    """Ask about the objects of a claimed scan and record what comes of it; return how it stands.

    Raises `QuotaReached` and `KeyRefused`: then nobody needs to ask more at present. The scan
    waits, without an attempt used up, and keeps the answers it has.
    """
    if scan.attempts > MAX_ATTEMPTS:
        return _fail(scan, TimeoutError("Each worker that asked died over it."))
    try:
        objects = objects_of(scan.version_id)
        reports = _reports(list(objects), client)
    except QuotaReached:
        _wait(scan, QUOTA_PAUSE)
        raise
    except KeyRefused as error:
        _wait(scan, KEY_PAUSE, error=str(error)[:500])
        raise
    except Unavailable as error:
        logger.warning("%s: %s", scan, error)
        return _fail(scan, error)
    except Exception as error:
        logger.exception("%s failed", scan)
        return _fail(scan, error)
    if reports is None:
        return _wait(scan, timedelta(0))
    return _conclude(scan, {objects[sha256]: report for sha256, report in reports.items()})


def objects_of(version_id: int) -> dict[str, str]:
    """Return what is asked about: SHA-256 → path, "" for the ZIP; eight at most.

    No texts and no media, but for files that the static rules found to be programs or archives:
    those come first, whatever their names.
    """
    files = SkillFile.objects.filter(version=version_id).order_by("path")
    programs = set(
        Finding.objects.filter(
            scan__version=version_id, scan__scanner=ScannerName.STATIC, rule__in=_PROGRAM_RULES
        ).values_list("file_sha256", flat=True)
    )
    first: dict[str, str] = {}
    then: dict[str, str] = {}
    for path, sha256, kind in files.values_list("path", "blob", "content_type"):
        if sha256 in programs:
            first.setdefault(sha256, path)
        elif not (is_text_type(kind) or kind.startswith(_MEDIA)):
            then.setdefault(sha256, path)
    archives = SkillVersion.objects.filter(pk=version_id).values_list("archive", flat=True)
    found = dict.fromkeys(archives, WHOLE) | first | then
    return dict(list(found.items())[:MAX_OBJECTS])


def _reports(hashes: list[str], client: VirusTotal) -> dict[str, Report] | None:
    """What is known of each hash, from answers that are fresh; None when time ran out."""
    until = time.monotonic() + DEADLINE_SECONDS
    found = _kept_reports(hashes, timezone.now())
    for sha256 in hashes:
        if sha256 in found:
            continue
        if time.monotonic() > until:
            return None
        found[sha256] = report = client.look_up(sha256)
        _keep(sha256, report)
    return found


def _kept_reports(hashes: Iterable[str], now: datetime) -> dict[str, Report]:
    fresh = Q(engines__gt=0, asked_at__gte=now - KNOWN_FOR) | Q(asked_at__gte=now - UNKNOWN_FOR)
    rows = VirusTotalReport.objects.filter(fresh, blob__in=hashes)
    return {row.blob_id: Report(row.malicious, row.suspicious, row.engines) for row in rows}


def _keep(sha256: str, report: Report) -> None:
    VirusTotalReport.objects.bulk_create(
        [
            VirusTotalReport(
                blob_id=sha256,
                malicious=report.malicious,
                suspicious=report.suspicious,
                engines=report.engines,
                asked_at=timezone.now(),
            )
        ],
        update_conflicts=True,
        unique_fields=["blob"],
        update_fields=["malicious", "suspicious", "engines", "asked_at"],
    )


def _conclude(scan: Scan, reports: Mapping[str, Report]) -> ScanStatus:
    """Record the result, wait for more, or end without one.

    An objection ends the scan at once. Otherwise it ends when all is known or has been polled for.
    """
    found = [finding_of(file, report) for file, report in reports.items()]
    result = report_of(finding for finding in found if finding)
    known = [report for report in reports.values() if report.is_known]
    note = note_of(reports)
    is_settled = result.verdict != ScanVerdict.CLEAN or len(known) == len(reports)
    if not is_settled and scan.polls < len(POLLS):
        return _wait(scan, POLLS[scan.polls], polls=scan.polls + 1, attempts=0, note=note)
    told = {"note": note, "recheck_at": Now() + RECHECK_AFTER}
    if known:
        status = hand_in(scan, ScanStatus(result.verdict), result.findings, **told)
    else:
        status = _end_unknown(scan, told)
    if status != ScanStatus.RUNNING:
        _forget_rechecks_before(scan)
    return status


def note_of(reports: Mapping[str, Report]) -> str:
    """Return in one line what VirusTotal says of these files, without their names."""
    known = [report for report in reports.values() if report.is_known]
    if not known:
        return "Not known there."
    worst = max(known, key=lambda report: (report.malicious, report.objections))
    if worst.objections:
        note = f"{worst.objections} of {worst.engines} engines object."
    elif len(known) == 1:
        note = f"No engine of {worst.engines} objects."
    else:
        note = f"No engine objects to {len(known)} files."
    if unknown := len(reports) - len(known):
        note += f" Not known there: {unknown} of {len(reports)} files."
    return note


def _end_unknown(scan: Scan, told: Mapping[str, Any]) -> ScanStatus:
    """End without a result: what an earlier scan found stands, and nothing becomes clean."""
    mine = Scan.objects.filter(pk=scan.pk, lease_token=scan.lease_token)
    ended = mine.update(
        status=ScanStatus.UNKNOWN,
        lease_token=None,
        lease_until=None,
        finished_at=Now(),
        error="",
        **told,
    )
    return ScanStatus.UNKNOWN if ended else ScanStatus.RUNNING


def _forget_rechecks_before(scan: Scan) -> None:
    older = Scan.objects.of(ScannerName.VT).filter(version=scan.version_id, pk__lt=scan.pk)
    older.filter(recheck_at__isnull=False).update(recheck_at=None)


def _wait(scan: Scan, delay: timedelta, **told: Any) -> ScanStatus:
    """Let the scan wait, as if it had not been taken up."""
    mine = Scan.objects.filter(pk=scan.pk, lease_token=scan.lease_token)
    columns = {"attempts": Greatest(F("attempts") - 1, 0), "error": ""} | told
    mine.update(
        status=ScanStatus.PENDING,
        lease_token=None,
        lease_until=None,
        due_at=Now() + delay,
        **columns,
    )
    return ScanStatus.PENDING


def _fail(scan: Scan, error: Exception) -> ScanStatus:
    """Let the scan be tried again, or end it. A version stands as its other scans say."""
    hand_back(scan, error, recheck_at=Now() + RETRY_FAILED_AFTER)
    return ScanStatus.FAILED

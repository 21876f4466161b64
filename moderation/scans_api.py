"""Scans on request: asking for one, following it, and its report (contract 5.16)."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import P, QueryEx, Router

from accounts.models import User
from accounts.policy import ScopeMissing, Verb, can
from config.api import json_response, milliseconds
from config.bodies import flag_of, object_of, read_object, text_of
from config.errors import DomainError
from moderation import scan_reports
from moderation.callers import own_reads
from moderation.models import UNFINISHED, Scan, ScannerName, ScanStatus
from moderation.services import scans
from skills import lookup
from skills.api import actor_of
from skills.evidence import Reader, reader_of
from skills.models import SkillVersion
from skills.stats_api import NEEDS_TOKEN, Owner, writes

router = Router(tags=["moderation"])

ACCEPTED: Final = 202
# Of what waits ahead no more is counted: a rescan of everything queues as many as there are.
COUNTED: Final = 1_000
NOTE: Final = "It begins within a minute."
NOTE_BUSY: Final = "Many versions wait; it may take a while."
NOTE_AGAIN: Final = "It failed and is tried again."


class ScanMissing(DomainError):
    code = "scan_not_found"

    def __init__(self) -> None:
        super().__init__("There is no scan of this number that you may see.")


class ScanUnfinished(DomainError):
    code = "scan_unfinished"

    def __init__(self) -> None:
        super().__init__("The scan is not finished; ask again in a moment.")


class UploadGone(DomainError):
    code = "scan_upload_gone"

    def __init__(self) -> None:
        super().__init__(
            "Folders are not scanned here; publish the version, or run manage.py scan on yours."
        )


class NotOwner(DomainError):
    code = "not_owner"


# --- Asking for one -------------------------------------------------------------------------------


@router.post("/skills/-/scan", summary="Scan a version again", openapi_extra=NEEDS_TOKEN)
@writes
def request_scan(request: HttpRequest) -> HttpResponse:
    """Have a published version scanned again; a scan under way is the one you get.

    Body: `source` with `kind` (published), `slug`, and if you like `ownerHandle` and `version`.
    Owners once in ten minutes a version, moderators at any time.
    """
    version, person = _scannable(request, _source(request))
    scans.request_rescan(version=version, actor=person)
    # The one asked for, or the one that was under way; it may have ended by now.
    scan = Scan.objects.of(ScannerName.STATIC).filter(version=version).order_by("-id")[0]
    return json_response(_told(scan) | {"queue": _queue(scan)}, status=ACCEPTED)


def _source(request: HttpRequest) -> dict[str, Any]:
    """Return what is to be scanned. Raises `UploadGone` for anything but a published version."""
    if request.content_type == "multipart/form-data":
        raise UploadGone
    body = read_object(request)
    flag_of(body, "update")  # The result is always written back.
    source = object_of(body, "source")
    if text_of(source, "kind") == "upload":
        raise UploadGone
    if not text_of(source, "slug"):
        raise lookup.SkillNotFound
    return source


def _scannable(request: HttpRequest, source: dict[str, Any]) -> tuple[SkillVersion, User]:
    """Return the version and who asks for its scan. Raises the refusals."""
    actor = actor_of(request)
    skill = lookup.find_known(actor, text_of(source, "slug"), text_of(source, "ownerHandle"))
    if actor.user is None or not can(actor, Verb.RESCAN, skill):
        if skill.namespace_id in actor.namespace_ids:
            raise ScopeMissing("This token may not have skills scanned; make one that may change.")
        raise NotOwner("Only its owner and moderators have a skill scanned again.")
    version = lookup.find_version(skill, text_of(source, "version"))
    if version.withdrawn_at is not None:
        lookup.require_available(version)
    return version, actor.user


# --- Following it ---------------------------------------------------------------------------------


@router.get("/skills/-/scan/{int:scan_id}", summary="One scan", openapi_extra=NEEDS_TOKEN)
@own_reads
def get_scan(request: HttpRequest, scan_id: int) -> HttpResponse:
    """How a scan stands, and what it found once it has ended; to owner and moderators."""
    scan = _find_scan(request, scan_id)
    told = _told(scan) | _dated(scan)
    if scan.status in UNFINISHED:
        return json_response(told | {"queue": _queue(scan)})
    report = scan_reports.report_of(scan, scan.version, _reader(request, scan))
    return json_response(told | {"report": report})


@router.get(
    "/skills/-/scan/{int:scan_id}/download", summary="One report", openapi_extra=NEEDS_TOKEN
)
@own_reads
def download_scan(request: HttpRequest, scan_id: int) -> HttpResponse:
    """The report of a scan that has ended, as ZIP; to owner and moderators."""
    return _archive(request, _find_scan(request, scan_id))


@router.get("/skills/-/scan/download/{path:name}", summary="Last report", openapi_extra=NEEDS_TOKEN)
@own_reads
def download_stored(
    request: HttpRequest,
    name: str,
    *,
    version: str = "",
    kind: QueryEx[str, P(description="`skill`, the only kind there is")] = "",
    owner_handle: Owner = "",
) -> HttpResponse:
    """The report of the last scan of a version that has ended, as ZIP; to owner and moderators."""
    if kind not in {"", "skill"}:
        raise lookup.SkillNotFound
    actor = actor_of(request)
    skill = lookup.find_known(actor, name, owner_handle)
    if not can(actor, Verb.DIAGNOSE, skill):
        raise NotOwner("Only its owner and moderators read the report; its page says the rest.")
    found = lookup.find_version(skill, version)
    ended = (
        Scan.objects.of(ScannerName.STATIC)
        .filter(version=found)
        .exclude(status__in=UNFINISHED)
        .order_by("-id")
    )
    scan = ended.with_skill().first()
    if scan is None:
        raise ScanUnfinished
    return _archive(request, scan)


def _find_scan(request: HttpRequest, scan_id: int) -> Scan:
    """Return the scan, if its findings are for this caller's eyes. Raises `ScanMissing`."""
    scan: Scan | None = Scan.objects.with_skill().filter(pk=scan_id).first()
    if scan is None or not can(actor_of(request), Verb.DIAGNOSE, scan.version.skill):
        raise ScanMissing
    return scan


def _reader(request: HttpRequest, scan: Scan) -> Reader:
    return reader_of(actor_of(request), scan.version.skill)


def _archive(request: HttpRequest, scan: Scan) -> HttpResponse:
    if scan.status in UNFINISHED:
        raise ScanUnfinished
    manifest = _told(scan) | _dated(scan)
    content = scan_reports.archive_of(scan, scan.version, _reader(request, scan), manifest)
    response = HttpResponse(content, content_type="application/zip")
    name = f"scan-{scan.version.skill.slug}-{scan.version.version}.zip"
    # Both parts are plain ASCII by rule, but for slugs that an import kept.
    response.headers["Content-Disposition"] = f'attachment; filename="{_ascii(name)}"'
    return response


def _ascii(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "-._") else "-" for c in name)


def _told(scan: Scan) -> dict[str, Any]:
    status = scan_reports.status_of(scan)
    return {
        "ok": True,
        "scanId": str(scan.pk),
        "jobId": str(scan.pk),
        "status": status,
        "sourceKind": "published",
        # Whatever was asked: there is one result, and everybody reads it.
        "update": True,
        "writtenBack": status == "succeeded",
    }


def _dated(scan: Scan) -> dict[str, Any]:
    skill = scan.version.skill
    told: dict[str, Any] = {
        "createdAt": milliseconds(scan.requested_at),
        "updatedAt": milliseconds(scan.finished_at or scan.requested_at),
        "artifact": {
            "slug": skill.slug,
            "ownerHandle": skill.owner_handle,
            "displayName": skill.display_name,
            "version": scan.version.version,
        },
    }
    if scan.finished_at:
        told["completedAt"] = milliseconds(scan.finished_at)
    if scan.status == ScanStatus.FAILED:
        told["lastError"] = "The scan could not be finished; what was known before still holds."
    return told


def _queue(scan: Scan) -> dict[str, Any]:
    """Return the place of a scan that has not ended; counted to a bound, and said to be so."""
    is_waiting = scan.status == ScanStatus.PENDING
    ahead = Scan.objects.ahead_of(scan)[: COUNTED + 1].count() if is_waiting else 0
    running = Scan.objects.of(scan.scanner).running()[: COUNTED + 1].count()
    note = NOTE if ahead < COUNTED else NOTE_BUSY
    return {
        "queuedAhead": min(ahead, COUNTED),
        "queuedAheadIsEstimate": ahead > COUNTED,
        "position": ahead + 1 if is_waiting and ahead <= COUNTED else None,
        "running": min(running, COUNTED),
        "runningIsEstimate": running > COUNTED,
        "note": NOTE_AGAIN if is_waiting and scan.error else note,
    }

"""Reports of skills: making one, and what moderators do with them (contract 5.20)."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import P, QueryEx, Router

from accounts.models import User
from accounts.policy import ScopeMissing, Verb, can
from config.api import json_response, milliseconds
from config.bodies import read_object, text_of
from config.errors import DomainError
from config.pagination import parse_limit, read_cursor, sign_cursor
from moderation.callers import moderator_of, own_reads
from moderation.models import Report, ReportKind, ReportStatus
from moderation.services import reports
from skills import lookup
from skills.api import actor_of
from skills.models import SkillVersion
from skills.stats_api import NEEDS_TOKEN, Owner, writes

router = Router(tags=["moderation"])

EVERY_STATUS: Final = "all"
ACTIONS: Final = ("none", "hide")


class StatusUnknown(DomainError):
    code = "status_unknown"


# --- Making one -----------------------------------------------------------------------------------


@router.post("/skills/{reference:slug}/report", summary="Report", openapi_extra=NEEDS_TOKEN)
@writes
def report_skill(
    request: HttpRequest, slug: str, *, owner_handle: Owner = "", owner: str = ""
) -> HttpResponse:
    """Report a version, the latest unless the body names one; a second report adds to the first.

    Body: `reason` (up to 500 characters), and if you like `version`, `kind`, `ownerHandle`.
    """
    body = read_object(request)
    version, reporter = _reportable(request, body, slug, owner_handle or owner)
    reported = reports.report_version(
        version=version,
        reporter=reporter,
        kind=text_of(body, "kind") or ReportKind.OTHER,
        text=text_of(body, "reason"),
    )
    return json_response(
        {
            "ok": True,
            "reported": reported.created,
            "alreadyReported": not reported.created,
            "reportId": str(reported.report.pk),
            "skillId": str(version.skill_id),
            "reportCount": reported.reporters,
        }
    )


def _reportable(
    request: HttpRequest, body: dict[str, Any], slug: str, owner: str
) -> tuple[SkillVersion, User]:
    """Return the version that is reported and who reports it. Raises the refusals."""
    actor = actor_of(request)
    skill = lookup.find_skill(actor, slug, owner or text_of(body, "ownerHandle"))
    if actor.user is None or not can(actor, Verb.REPORT, skill):
        raise ScopeMissing("This token may not report; make one that may change skills.")
    version = lookup.find_version(skill, text_of(body, "version"))
    version.skill = skill
    if version.withdrawn_at is not None:
        lookup.require_available(version)
    return version, actor.user


# --- What moderators do with them -----------------------------------------------------------------


@router.get("/skills/-/reports", summary="Reports, newest first", openapi_extra=NEEDS_TOKEN)
@own_reads
def list_reports(
    request: HttpRequest,
    *,
    status: QueryEx[str, P(description="open, confirmed, dismissed or all")] = "",
    limit: str = "",
    cursor: str = "",
) -> HttpResponse:
    """One page of reports, the open ones unless `status` says otherwise; moderators only."""
    moderator_of(request)
    status = status or ReportStatus.OPEN
    if status not in {*ReportStatus.values, EVERY_STATUS}:
        raise StatusUnknown("status is open, confirmed, dismissed or all.", field="status")
    size, listing = parse_limit(limit), f"reports:{status}"
    rows = Report.objects.newest_first().with_names()
    if status != EVERY_STATUS:
        rows = rows.filter(status=status)
    if cursor:
        rows = rows.filter(pk__lt=read_cursor(listing, cursor, int)[0])
    found = list(rows[: size + 1])
    is_more, found = len(found) > size, found[:size]
    return json_response(
        {
            "items": [_item(report) for report in found],
            "nextCursor": sign_cursor(listing, found[-1].pk) if is_more else None,
            "done": not is_more,
        }
    )


def _item(report: Report) -> dict[str, Any]:
    reporter, moderator = report.reporter, report.triaged_by
    return {
        "reportId": str(report.pk),
        "skillId": str(report.skill_id),
        "skillVersionId": str(report.version_id),
        "slug": report.skill.slug,
        "ownerHandle": report.skill.owner_handle,
        "displayName": report.skill.display_name,
        "version": report.version.version,
        "status": report.status,
        "kind": report.kind,
        "reason": report.text or None,
        "createdAt": milliseconds(report.created_at),
        "reporter": {
            "userId": str(reporter.pk),
            "handle": reporter.handle,
            "displayName": reporter.display_name or None,
        },
        "triagedAt": milliseconds(report.triaged_at) if report.triaged_at else None,
        "triagedBy": moderator.handle if moderator else None,
        "triageNote": report.triage_note or None,
    }


@router.post("/skills/-/reports/{int:report_id}/triage", summary="Close", openapi_extra=NEEDS_TOKEN)
@writes
def triage(request: HttpRequest, report_id: int) -> HttpResponse:
    """Close a report with a note, or open it again; `finalAction: hide` hides its skill, too.

    Body: `status` (open, confirmed, dismissed), `note`, `finalAction` (none, hide), and `text`:
    what the author of a hidden skill reads. Moderators only.
    """
    moderator, body = moderator_of(request), read_object(request)
    status, note = text_of(body, "status"), text_of(body, "note")
    if _hides(text_of(body, "finalAction"), status):
        report = reports.hide_reported(
            report_id=report_id, actor=moderator, note=note, text=text_of(body, "text")
        )
        taken = {"actionTaken": "hide"}
    else:
        report = reports.triage_report(
            report_id=report_id, actor=moderator, status=status, note=note
        )
        taken = {}
    told = {
        "ok": True,
        "reportId": str(report.pk),
        "skillId": str(report.skill_id),
        "status": report.status,
        "reportCount": reports.count_reporters(report.skill),
    }
    return json_response(told | taken)


def _hides(action: str, status: str) -> bool:
    """Say whether the skill is to be hidden, which only a confirmed report brings about."""
    if action and action not in ACTIONS:
        raise StatusUnknown("finalAction is none or hide.", field="finalAction")
    if action == "hide" and status != ReportStatus.CONFIRMED:
        raise StatusUnknown("Only a confirmed report hides: status=confirmed.", field="status")
    return action == "hide"

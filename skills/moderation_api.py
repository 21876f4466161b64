"""What moderation says of a skill, and on what evidence (contract 5.5)."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import P, QueryEx, Router

from config.api import json_response, milliseconds
from skills import lookup, verdict
from skills.api import actor_of, reads
from skills.evidence import Reader, Told, reader_of, told_to
from skills.models import Skill, SkillVersion
from skills.scan_results import Evidence
from skills.standing import LATEST

router = Router(tags=["skills"])

# The levels of the contract for those that a version keeps as evidence.
SEVERITIES: Final = {"critical": "critical", "high": "critical", "medium": "warn"}


@router.get("/skills/{reference:slug}/moderation", summary="Why a skill is held or flagged")
@reads
def moderation(
    request: HttpRequest,
    slug: str,
    *,
    owner_handle: QueryEx[str, P(alias="ownerHandle")] = "",
    owner: str = "",
) -> HttpResponse:
    """The verdict with its findings: to owner and staff always, to others of a flagged skill."""
    actor = actor_of(request)
    skill = lookup.find_known(actor, slug, owner_handle or owner)
    reader = reader_of(actor, skill)
    if not reader and not (skill.is_public and skill.is_suspicious):
        raise lookup.SkillNotFound
    return json_response({"moderation": _told(skill, reader)})


def _told(skill: Skill, reader: Reader) -> dict[str, Any]:
    version = _spoken_for(skill)
    evidence: list[Evidence] = version.scan_evidence if version else []
    shown = [_item(told) for told in told_to(reader, evidence)]
    return {
        "isSuspicious": skill.is_suspicious,
        "isMalwareBlocked": verdict.is_malware_blocked(skill),
        "verdict": verdict.api_verdict(skill) or "clean",
        "reasonCodes": sorted({item["code"] for item in shown}),
        "updatedAt": milliseconds(version.scanned_at) if version and version.scanned_at else None,
        "summary": verdict.explain(skill),
        "legacyReason": skill.moderation_reason if reader else None,
        "evidence": shown,
    }


def _spoken_for(skill: Skill) -> SkillVersion | None:
    """Return the version that the skill's state speaks of."""
    rows = SkillVersion.objects.filter(skill=skill).only("scan_evidence", "scanned_at", "skill")
    latest: SkillVersion | None = rows.filter(tag_rows__name=LATEST).first()
    return latest


def _item(told: Told) -> dict[str, Any]:
    return {
        "code": f"{SEVERITIES[told.severity]}.{told.attack_class}",
        "severity": SEVERITIES[told.severity],
        "file": told.file,
        "line": told.line,
        "message": told.rule or told.attack_class,
        "evidence": told.snippet,
    }

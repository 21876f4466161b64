"""May this version be trusted, and which bytes are meant (contract 5.15)."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import P, QueryEx, Router

from config.api import json_response, milliseconds
from skills import lookup, serializers, verdict
from skills.addresses import author_url, raw_file_url
from skills.api import actor_of, reads
from skills.fingerprint import fingerprint
from skills.models import HOLDING, Skill, SkillVersion
from skills.shown import Shown

router = Router(tags=["skills"])

SCHEMA: Final = "clawhub.skill.verify.v1"
# Why a version that has this word does not pass; only what is clean does.
REASON_OF_WORD: Final[dict[str, str]] = {
    verdict.Word.NOT_SCANNED: "not_scanned",
    verdict.Word.CAUTION: "caution",
    verdict.Word.UNDER_REVIEW: "suspicious",
    verdict.Word.REMOVED: "removed",
}


@router.get("/skills/{reference:slug}/verify", summary="Verify a version of a skill")
@reads
def verify(
    request: HttpRequest,
    slug: str,
    *,
    version: str = "",
    tag: str = "",
    owner_handle: QueryEx[str, P(alias="ownerHandle")] = "",
    owner: str = "",
) -> HttpResponse:
    """Whether a version passes, why not, and the hashes of what is handed out.

    Only what is clean or approved and can be installed passes. `reasons` are `not_scanned`,
    `suspicious`, `caution`, `malicious`, `hidden`, `withdrawn`. A hidden skill is answered as
    everywhere.
    """
    skill = lookup.find_skill(actor_of(request), slug, owner_handle or owner)
    found = lookup.find_version(skill, version, tag)
    latest = (skill.latest_version_summary or {}).get("version")
    shown = Shown(skill, found, is_latest=found.version == latest)
    asked = "version" if version else "tag" if tag else "latest"
    resolution = {"resolvedFrom": asked, "tag": tag if asked == "tag" else None}
    return json_response(_told(shown, found) | resolution)


def _told(shown: Shown, version: SkillVersion) -> dict[str, Any]:
    skill = shown.skill
    reasons = _reasons(shown, version)
    return {
        "schema": SCHEMA,
        "ok": not reasons,
        "decision": "fail" if reasons else "pass",
        "reasons": reasons,
        "slug": skill.slug,
        "displayName": skill.display_name,
        "pageUrl": settings.SITE_URL + shown.url,
        "publisherHandle": skill.owner_handle,
        "publisherDisplayName": skill.namespace.display_name or None,
        "publisherProfileUrl": settings.SITE_URL + author_url(skill.owner_handle),
        "version": version.version,
        "createdAt": milliseconds(version.created_at),
        "card": _card(skill, version),
        "artifact": _artifact(skill, version),
        "provenance": {
            "source": version.source,
            "publishedBy": version.published_by and version.published_by.handle,
        },
        "security": _security(shown, version),
        "signature": None,
    }


def _reasons(shown: Shown, version: SkillVersion) -> list[str]:
    """Say by stable codes why the version does not pass; nothing when it does."""
    word = verdict.status_word(shown.state)
    reasons = [] if version.withdrawn_at is None else ["withdrawn"]
    if version.decision in HOLDING:
        reasons.append("hidden")
    elif version.is_blocked or verdict.is_malware_blocked(shown.state):
        reasons.append("malicious")
    elif word != verdict.Word.CLEAN:
        reasons.append(REASON_OF_WORD[word])
    return reasons


def _card(skill: Skill, version: SkillVersion) -> dict[str, Any]:
    """Say where the text about the version is; a client prints it on request."""
    address = (skill.owner_handle, skill.slug, version.version, version.readme_path)
    url = settings.SITE_URL + raw_file_url(*address) if version.is_available else None
    return {"available": url is not None, "url": url}


def _artifact(skill: Skill, version: SkillVersion) -> dict[str, Any]:
    """Say which bytes are meant; also of a version that is handed out no more."""
    files = version.files.values_list("path", "blob_id")
    return {
        "kind": "archive",
        "sha256": version.archive_id,
        "size": version.archive.size_bytes,
        "fileCount": version.file_count,
        "fingerprint": fingerprint(files),
        "downloadUrl": serializers.download_url(settings.SITE_URL, skill, version)
        if version.is_available
        else None,
    }


def _security(shown: Shown, version: SkillVersion) -> dict[str, Any]:
    return serializers.security(version) | {
        "word": verdict.status_word(shown.state),
        "summary": verdict.explain(shown.state),
        "scanner": version.scanner,
    }

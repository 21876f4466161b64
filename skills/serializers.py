"""Skills as the contract spells them: camelCase and milliseconds live here and nowhere else."""

from __future__ import annotations

from typing import Any

import orjson
from django.utils.http import urlencode

from config.api import milliseconds
from skills import verdict
from skills.listing import Card
from skills.models import Skill, SkillFile, SkillVersion


def list_item(card: Card) -> dict[str, Any]:
    """Return the item of a list; `latestVersion` is never null (contract, trap 1)."""
    return {
        "slug": card.slug,
        "displayName": card.display_name,
        "summary": card.summary,
        "ownerHandle": card.owner_handle,
        "tags": orjson.Fragment(card.tags),
        "badges": orjson.Fragment(card.badges),
        "stats": {
            "downloads": card.downloads,
            "stars": card.stars,
            "installsCurrent": card.installs_current,
            "installsAllTime": card.installs_all_time,
            "versions": card.version_count,
            "comments": card.comment_count,
        },
        "categories": card.categories,
        "topics": card.topics,
        "isSuspicious": card.is_suspicious,
        "status": verdict.word_of_active(card.moderation_reason, is_suspicious=card.is_suspicious),
        "createdAt": milliseconds(card.created_at),
        "updatedAt": milliseconds(card.updated_at),
        "latestVersion": orjson.Fragment(card.latest_version_summary),
    }


def search_result(card: Card, score: float) -> dict[str, Any]:
    """Return one result of the search."""
    return {
        "slug": card.slug,
        "displayName": card.display_name,
        "summary": card.summary,
        "version": orjson.loads(card.latest_version_summary)["version"],
        "score": score,
        "updatedAt": milliseconds(card.updated_at),
        "downloads": card.downloads,
        "ownerHandle": card.owner_handle,
        "owner": {"handle": card.owner_handle, "displayName": None, "image": None},
    }


def skill_detail(skill: Skill) -> dict[str, Any]:
    """Return the answer of the detail call."""
    return {
        "skill": {
            "slug": skill.slug,
            "displayName": skill.display_name,
            "summary": skill.summary or None,
            "tags": skill.tags or {},
            "badges": skill.badges or {},
            "stats": {
                "downloads": skill.downloads,
                "stars": skill.stars,
                "installsCurrent": skill.installs_current,
                "installsAllTime": skill.installs_all_time,
                "versions": skill.version_count,
                "comments": skill.comment_count,
            },
            "categories": skill.categories,
            "topics": skill.topics,
            "status": skill.status_word,
            "createdAt": milliseconds(skill.created_at),
            "updatedAt": milliseconds(skill.updated_at),
        },
        "latestVersion": skill.latest_version_summary,
        "owner": owner(skill),
        "moderation": moderation(skill),
    }


def owner(skill: Skill) -> dict[str, Any]:
    """Return who owns a skill."""
    return {
        "handle": skill.owner_handle,
        "displayName": skill.namespace.display_name or None,
        "image": None,
    }


def moderation(skill: Skill) -> dict[str, Any] | None:
    """Return the moderation block of the detail; null while no scan has a verdict."""
    word = verdict.api_verdict(skill)
    if word is None:
        return None
    return {
        "isSuspicious": skill.is_suspicious,
        "isMalwareBlocked": verdict.is_malware_blocked(skill),
        "verdict": word,
        "summary": verdict.explain(skill),
    }


def version_item(version: SkillVersion) -> dict[str, Any]:
    """Return a version as its list shows it."""
    return {
        "version": version.version,
        "createdAt": milliseconds(version.created_at),
        "changelog": version.changelog,
        "changelogSource": version.changelog_source,
    }


def version_detail(skill: Skill, version: SkillVersion, files: list[SkillFile]) -> dict[str, Any]:
    """Return the answer of the version call."""
    detail = version_item(version) | {
        "license": "MIT-0" if version.license == "MIT-0" else None,
        "files": [
            {
                "path": file.path,
                "size": file.blob.size_bytes,
                "sha256": file.blob_id,
                "contentType": file.content_type,
            }
            for file in files
        ],
        "security": security(version),
    }
    return {
        "skill": {"slug": skill.slug, "displayName": skill.display_name},
        "version": detail,
    }


def security(version: SkillVersion) -> dict[str, Any]:
    """Return what the last scan said of a version, in the contract's words."""
    words = {"running": "pending", "failed": "error"}
    return {
        "status": words.get(version.scan_state, version.scan_state),
        "hasWarnings": version.scan_state in {"suspicious", "malicious"},
        "checkedAt": milliseconds(version.scanned_at) if version.scanned_at else None,
    }


def download_url(base: str, skill: Skill, version: SkillVersion) -> str:
    """Return where a version's ZIP is fetched."""
    query = {"slug": skill.slug, "version": version.version, "ownerHandle": skill.owner_handle}
    return f"{base}/api/v1/download?{urlencode(query)}"

"""What the clients' schemas ask of each answer, spelled as shapes, and the check of an answer.

A shape is a type, a set of literals, a list with the shape of its items, a tuple of alternatives,
or a dict by key; a key that ends in "?" may be absent. `None` as an alternative allows null.
Keys that a shape does not name are ignored, as the clients ignore them.
"""

from __future__ import annotations

from typing import Any

TIME = int
VERDICT = {"clean", "suspicious", "malicious"}
SCAN_WORD = {"clean", "suspicious", "malicious", "pending", "error"}

WHOAMI = {
    "user": {
        "handle": (str, None),
        "displayName?": (str, None),
        "image?": (str, None),
        "role?": ({"admin", "moderator", "user"}, None),
    }
}
LATEST = {
    "version": str,
    "createdAt": TIME,
    "changelog": str,
    "license?": ({"MIT-0"}, None),
}
STATS = {
    "downloads": int,
    "stars": int,
    "installsCurrent": int,
    "installsAllTime": int,
    "versions": int,
    "comments": int,
}
SKILL = {
    "slug": str,
    "displayName": str,
    "summary?": (str, None),
    "tags": dict,
    "stats": STATS,
    "createdAt": TIME,
    "updatedAt": TIME,
    "topics?": [str],
}
# In the list a null latestVersion breaks every client.
LIST = {"items": [SKILL | {"latestVersion?": LATEST}], "nextCursor": (str, None)}
OWNER = {"handle": (str, None), "displayName?": (str, None), "image?": (str, None)}
MODERATION = {
    "isSuspicious": bool,
    "isMalwareBlocked": bool,
    "verdict?": VERDICT,
    "reasonCodes?": [str],
    "updatedAt?": (TIME, None),
    "engineVersion?": (str, None),
    "summary?": (str, None),
}
DETAIL = {
    "skill": SKILL,
    "latestVersion": (LATEST, None),
    "owner": (OWNER, None),
    "moderation?": (MODERATION, None),
}
SEARCH = {
    "results": [
        {
            "score": (int, float),
            "slug?": str,
            "displayName?": str,
            "summary?": (str, None),
            "version?": (str, None),
            "updatedAt?": TIME,
            "downloads?": int,
            "ownerHandle?": (str, None),
            "owner?": (OWNER, None),
        }
    ]
}
VERSION_ITEM = {
    "version": str,
    "createdAt": TIME,
    "changelog": str,
    "changelogSource?": ({"auto", "user"}, None),
}
VERSIONS = {"items": [VERSION_ITEM], "nextCursor": (str, None)}
VERSION = {
    "skill": {"slug": str, "displayName": str},
    "version": VERSION_ITEM
    | {
        "license?": ({"MIT-0"}, None),
        "files": [{"path": str, "size": int, "sha256": str, "contentType": str}],
        "security": {"status": SCAN_WORD, "hasWarnings": bool, "checkedAt": (TIME, None)},
    },
}
RESOLVE = {
    "slug": str,
    "match": ({"version": str}, None),
    "latestVersion": ({"version": str}, None),
}
INSTALL = {
    "ok": {True},
    "slug": str,
    "installKind": {"archive"},
    "archive": {"version": str, "downloadUrl": str},
}
INSTALL_REFUSED = {
    "ok": {False},
    "slug": str,
    "reason": {"archive_version_missing"},
    "message": str,
    "status": int,
}
PUBLISHED = {
    "ok": {True},
    "skillId": str,
    "versionId": str,
    "status?": {"pending", "published"},
    "publicationStatus?": {"pending", "published"},
    "slug?": str,
    "version?": str,
}
TRANSFER = {
    "ok": {True},
    "transferId?": str,
    "toUserHandle?": str,
    "toPublisherHandle?": str,
    "skillSlug?": str,
    "expiresAt?": TIME,
    "transferred?": bool,
}
_PARTY = {"_id": str, "handle": (str, None), "displayName": (str, None)}
TRANSFERS = {
    "transfers": [
        {
            "_id": str,
            "skill": {"_id": str, "slug": str, "displayName": str},
            "fromUser?": _PARTY,
            "toUser?": _PARTY,
            "message?": str,
            "requestedAt": TIME,
            "expiresAt": TIME,
        }
    ]
}
VERIFY = {
    "schema": {"clawhub.skill.verify.v1"},
    "ok": bool,
    "decision": {"pass", "fail"},
    "reasons": [str],
    "slug": str,
    "displayName": str,
    "pageUrl": str,
    "publisherHandle": (str, None),
    "publisherDisplayName": (str, None),
    "publisherProfileUrl": (str, None),
    "version": str,
    "resolvedFrom": {"latest", "version", "tag"},
    "tag": (str, None),
    "createdAt": TIME,
    # Free-form for the clients; what we put there.
    "card": {"available": bool, "url": (str, None)},
    "artifact": {"sha256": str, "size": int, "fileCount": int, "fingerprint": str},
    "provenance": {"source": {"cli", "web", "import"}, "publishedBy": (str, None)},
    "security": {"status": SCAN_WORD, "word": str, "scanner": str, "checkedAt": (TIME, None)},
    "signature": None,
}
AMBIGUOUS = {
    "code": {"AMBIGUOUS_SKILL_SLUG"},
    "message": str,
    "slug": str,
    "matches": [{"ownerHandle": str, "slug": str, "ref": str, "url": str}],
}
REPORTED = {
    "ok": {True},
    "reported": bool,
    "alreadyReported": bool,
    "reportId": str,
    "skillId": str,
    "reportCount": int,
}
REPORT = {
    "reportId": str,
    "skillId": str,
    "skillVersionId?": (str, None),
    "slug": str,
    "displayName": str,
    "version?": (str, None),
    "reason?": (str, None),
    "status": {"open", "confirmed", "dismissed"},
    "createdAt": TIME,
    "reporter": {"userId": str, "handle?": (str, None), "displayName?": (str, None)},
    "triagedAt?": (TIME, None),
    "triagedBy?": (str, None),
    "triageNote?": (str, None),
}
REPORTS = {"items": [REPORT], "nextCursor": (str, None), "done": bool}
TRIAGED = {
    "ok": {True},
    "reportId": str,
    "skillId": str,
    "status": {"open", "confirmed", "dismissed"},
    "reportCount": int,
    "actionTaken?": {"none", "hide"},
}
SCAN_STATUS = {"queued", "running", "succeeded", "failed"}
QUEUE = {
    "queuedAhead": int,
    "queuedAheadIsEstimate?": bool,
    "position": (int, None),
    "running": int,
    "runningIsEstimate?": bool,
    "note": str,
}
SCAN_ASKED = {
    "ok": {True},
    "scanId": str,
    "jobId?": str,
    "status": SCAN_STATUS,
    "sourceKind": {"upload", "published"},
    "update": bool,
    "queue?": QUEUE,
}
SCAN = SCAN_ASKED | {
    "writtenBack?": bool,
    "lastError?": str,
    "createdAt": TIME,
    "updatedAt": TIME,
    "completedAt?": TIME,
    "report?": {
        "clawscan": {"verdict?": VERDICT, "summary": str, "guidance": str},
        "staticAnalysis": {
            "status": str,
            "reasonCodes": [str],
            "summary": str,
            "findings": [{"code": str, "severity": str, "file": str, "message": str}],
        },
    },
}
DISCOVERY = {"apiBase": str, "authBase?": str, "minCliVersion?": str}


def faults(value: Any, shape: Any, where: str = "$") -> list[str]:
    """Say where `value` is not of this shape; empty when it is."""
    if isinstance(shape, tuple):
        found = [faults(value, one, where) for one in shape]
        # The first alternative's faults say most: the other one is null.
        return [] if [] in found else found[0]
    if shape is None:
        return [] if value is None else [f"{where}: null expected"]
    if isinstance(shape, dict):
        return _faults_of_object(value, shape, where)
    if isinstance(shape, list):
        return _faults_of_list(value, shape[0], where)
    if isinstance(shape, set):
        # True == 1 in Python, never in JSON.
        is_right = any(value == one and type(value) is type(one) for one in shape)
    else:
        is_right = isinstance(value, shape) and (shape is bool or not isinstance(value, bool))
    return [] if is_right else [f"{where}: {shape} expected, got {value!r}"]


def _faults_of_list(value: Any, shape: Any, where: str) -> list[str]:
    if not isinstance(value, list):
        return [f"{where}: a list expected, got {value!r}"]
    return [f for i, item in enumerate(value) for f in faults(item, shape, f"{where}[{i}]")]


def _faults_of_object(value: Any, shape: dict[str, Any], where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where}: an object expected, got {value!r}"]
    found = []
    for name, wanted in shape.items():
        key = name.removesuffix("?")
        if key in value:
            found += faults(value[key], wanted, f"{where}.{key}")
        elif key == name:
            found.append(f"{where}.{key}: missing")
    return found

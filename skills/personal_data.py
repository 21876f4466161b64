"""What skills store about a person: see `accounts/personal_data.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from accounts.closing import own_spaces
from accounts.models import User
from accounts.personal_data import Section, named, read_rows
from skills.models import (
    CommentReport,
    Skill,
    SkillComment,
    SkillInstall,
    SkillStar,
    SkillTransfer,
    SkillVersion,
    TransferState,
    UploadTicket,
)

OF_SKILL: Final = {"owner": "skill__owner_handle", "skill": "skill__slug"}
SKILL: Final = named(
    "slug",
    "display_name",
    "summary",
    "categories",
    "topics",
    "moderation_status",
    "moderation_reason",
    "downloads",
    "stars",
    "installs_current",
    "installs_all_time",
    "created_at",
    "updated_at",
    "soft_deleted_at",
    "merged_at",
    "tags",
    owner="owner_handle",
)
VERSION: Final = OF_SKILL | named(
    "version",
    "changelog",
    "license",
    "source",
    "metadata",
    "warnings",
    "file_count",
    "size_bytes",
    "scan_state",
    "created_at",
    "withdrawn_at",
    archive_sha256="archive_id",
)
COMMENT: Final = OF_SKILL | named("text", "created_at", "deleted_at", "hidden_at", "reason")
COMMENT_REPORT: Final = named(
    "kind",
    "text",
    "status",
    "created_at",
    "decided_at",
    comment="comment_id",
    owner="comment__skill__owner_handle",
    skill="comment__skill__slug",
)
STAR: Final = OF_SKILL | named("starred_at")
INSTALL: Final = OF_SKILL | named("is_active", "first_seen_at", "last_seen_at")
TICKET: Final = named("size_bytes", "sha256", "created_at", "expires_at", "uploaded_at", "used_at")
TRANSFER: Final = OF_SKILL | named(
    "message",
    "state",
    "requested_at",
    "expires_at",
    "decided_at",
    giver="from_namespace__handle",
    taker="to_namespace__handle",
)


def _skills(user: User) -> Iterator[dict[str, Any]]:
    rows = Skill.objects.filter(namespace__in=own_spaces(user))
    return read_rows(rows, SKILL, key=("namespace_id", "pk"))


def _versions(user: User) -> Iterator[dict[str, Any]]:
    rows = SkillVersion.objects.filter(skill__namespace__in=own_spaces(user))
    return read_rows(rows, VERSION, key=("skill_id", "pk"))


def _published_for_others(user: User) -> Iterator[dict[str, Any]]:
    elsewhere = SkillVersion.objects.exclude(skill__namespace__in=own_spaces(user))
    return read_rows(elsewhere.filter(published_by=user), VERSION)


def _comments(user: User) -> Iterator[dict[str, Any]]:
    return read_rows(SkillComment.objects.filter(author=user), COMMENT, key=("skill_id", "pk"))


def _comment_reports(user: User) -> Iterator[dict[str, Any]]:
    return read_rows(CommentReport.objects.filter(reporter=user), COMMENT_REPORT)


def _stars(user: User) -> Iterator[dict[str, Any]]:
    return read_rows(SkillStar.objects.filter(user=user), STAR, key=("skill_id",))


def _installs(user: User) -> Iterator[dict[str, Any]]:
    return read_rows(SkillInstall.objects.filter(user=user), INSTALL, key=("skill_id",))


def _tickets(user: User) -> Iterator[dict[str, Any]]:
    return read_rows(UploadTicket.objects.filter(user=user), TICKET)


def _transfers(user: User) -> Iterator[dict[str, Any]]:
    yield from read_rows(SkillTransfer.objects.filter(requested_by=user), TRANSFER)
    offered = SkillTransfer.objects.filter(
        to_namespace__in=own_spaces(user), state=TransferState.PENDING
    )
    yield from read_rows(offered.exclude(requested_by=user), TRANSFER)


SECTIONS: Final = (
    Section("skills", _skills),
    Section("versions", _versions),
    Section("versions_for_others", _published_for_others, ("skills.skillversion.published_by",)),
    Section("comments", _comments, ("skills.skillcomment.author",)),
    Section("comment_reports", _comment_reports, ("skills.commentreport.reporter",)),
    Section("stars", _stars, ("skills.skillstar.user",)),
    Section("installs", _installs, ("skills.skillinstall.user",)),
    Section("upload_tickets", _tickets, ("skills.uploadticket.user",)),
    Section("transfers", _transfers, ("skills.skilltransfer.requested_by",)),
)

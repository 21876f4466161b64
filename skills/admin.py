"""Raw views of skills for admins: what is published and what follows from it is only read here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from accounts.admin import AuditedAdmin, ReadOnlyAdmin, RowInline
from skills.models import (
    Blob,
    Skill,
    SkillAlias,
    SkillBadge,
    SkillFile,
    SkillListing,
    SkillTag,
    SkillVersion,
)


class ReadOnlyInline(RowInline):
    """Rows that hang on another one, to look at."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Refuse."""
        return False


class TagInline(ReadOnlyInline):
    """Which version each tag points at."""

    model = SkillTag
    show_change_link = False


class BadgeInline(ReadOnlyInline):
    """Marks that staff gave."""

    model = SkillBadge


class AliasInline(ReadOnlyInline):
    """Old names."""

    model = SkillAlias
    fields = ("namespace", "slug", "created_at")
    readonly_fields = ("created_at",)


@admin.register(Skill)
class SkillAdmin(AuditedAdmin):
    """Skills. Texts may be corrected; state, counts and derived columns follow from elsewhere."""

    list_display = (
        "__str__",
        "display_name",
        "moderation_status",
        "moderation_reason",
        "is_suspicious",
        "version_count",
        "updated_at",
    )
    list_filter = ("moderation_status", "is_suspicious")
    search_fields = ("slug", "owner_handle", "display_name")
    ordering = ("-id",)
    inlines = (TagInline, BadgeInline, AliasInline)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:  # noqa: ARG002
        """Return every column but the texts."""
        texts = {"display_name", "summary", "categories", "topics"}
        return [column.name for column in Skill._meta.fields if column.name not in texts]


class FileInline(ReadOnlyInline):
    """The files of a version."""

    model = SkillFile
    fields = ("path", "blob", "content_type")


@admin.register(SkillVersion)
class SkillVersionAdmin(ReadOnlyAdmin):
    """Versions: they never change."""

    list_display = ("version", "skill", "source", "scan_state", "withdrawn_at", "created_at")
    list_filter = ("scan_state", "source")
    list_select_related = ("skill",)
    search_fields = ("skill__slug", "version")
    ordering = ("-id",)
    inlines = (FileInline,)


@admin.register(Blob)
class BlobAdmin(ReadOnlyAdmin):
    """Stored contents."""

    list_display = ("sha256", "size_bytes", "touched_at")
    search_fields = ("sha256",)
    ordering = ("-touched_at",)


@admin.register(SkillListing)
class SkillListingAdmin(ReadOnlyAdmin):
    """What lists are served from; every row follows from its skill."""

    list_display = ("__str__", "facet", "is_suspicious")
    ordering = ("-pk",)

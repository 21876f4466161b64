"""Raw views of accounts for admins. What has rules of its own is changed elsewhere and read here.

A change made here is one audit row in the same transaction, like every other act.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts import audit
from accounts.models import ApiToken, AuditEvent, Membership, Namespace, User
from accounts.services import RoleRefused, require_admin, revoke_token, set_role

# Roles decide, not groups.
admin.site.unregister(Group)
# What a person signs in with is theirs to see and change.
for _app in ("account", "mfa", "socialaccount"):
    for _model in filter(admin.site.is_registered, apps.get_app_config(_app).get_models()):
        admin.site.unregister(_model)
admin.site.site_header = "Skillboard, raw tables"
admin.site.site_title = "Skillboard"

# Django's admin classes take type parameters only in their stubs.
if TYPE_CHECKING:
    RowAdmin = admin.ModelAdmin[Any]
    RowInline = admin.TabularInline[Any, Any]
else:
    RowAdmin, RowInline = admin.ModelAdmin, admin.TabularInline


class ReadOnlyAdmin(RowAdmin):
    """A table to look at: no row is added, changed or deleted here."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Refuse."""
        return False


class AuditedAdmin(RowAdmin):
    """A table whose rows may be corrected, each correction with its audit row."""

    show_full_result_count = False
    # Columns that a service of their own writes.
    by_service: tuple[str, ...] = ()

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Refuse: a row of its own would lack what the services make beside it."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Refuse: things that were public are hidden or closed, never lost."""
        return False

    @transaction.atomic
    def save_model(
        self,
        request: HttpRequest,
        obj: Model,
        form: forms.ModelForm[Any],
        change: bool,  # noqa: ARG002
    ) -> None:
        """Save and record what changed, and no other column: somebody may have written it since."""
        assert isinstance(request.user, User)  # noqa: S101  (the site lets nobody else in)
        names = [name for name in form.changed_data if name not in self.by_service]
        if not names:
            return
        before = {name: _told(form.initial.get(name)) for name in names}
        after = {name: _told(form.cleaned_data.get(name)) for name in names}
        obj.save(update_fields=names)
        audit.record(actor=request.user, verb="admin.change", thing=obj, before=before, after=after)


def _told(value: Any) -> Any:
    """Return a field's value as the audit row keeps it."""
    if isinstance(value, Model):
        return value.pk
    return value if isinstance(value, int | str | list | dict | None) else str(value)


@admin.register(User)
class UserAdmin(AuditedAdmin):
    """People: role, mail address; bans are read only. Passwords: `manage.py changepassword`."""

    list_display = ("handle", "display_name", "role", "is_active", "banned_at", "created_at")
    list_filter = ("role", "is_active")
    search_fields = ("handle", "display_name")
    fields = (
        "handle",
        "display_name",
        "email",
        "role",
        "is_active",
        "banned_at",
        "ban_reason",
        "last_login",
        "created_at",
    )
    readonly_fields = ("handle", "banned_at", "ban_reason", "last_login", "created_at")
    by_service = ("role",)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse one's own row: an admin who closed it could leave the site without one."""
        return obj != request.user and super().has_change_permission(request, obj)

    @transaction.atomic
    def save_model(
        self, request: HttpRequest, obj: Model, form: forms.ModelForm[Any], change: bool
    ) -> None:
        """Save, and let the service give the role: it has rules of its own."""
        assert isinstance(obj, User)  # noqa: S101
        assert isinstance(request.user, User)  # noqa: S101  (the site lets nobody else in)
        # Of two admins who close each other's accounts, the second is none any more.
        try:
            require_admin(obj, actor=request.user)
        except RoleRefused as refusal:
            raise PermissionDenied(refusal.message) from refusal
        if "role" in form.changed_data:
            set_role(user=obj, role=obj.role, actor=request.user)
        super().save_model(request, obj, form, change)


class MembershipInline(RowInline):
    """Who is in an organisation."""

    model = Membership
    extra = 0
    can_delete = False
    readonly_fields = ("user", "role", "created_at")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Refuse."""
        return False


@admin.register(Namespace)
class NamespaceAdmin(AuditedAdmin):
    """Owners of things. The handle is part of every address and stays."""

    list_display = ("handle", "kind", "display_name", "user", "created_at")
    list_filter = ("kind",)
    list_select_related = ("user",)
    search_fields = ("handle", "display_name")
    fields = ("handle", "kind", "display_name", "user", "created_at")
    readonly_fields = ("handle", "kind", "user", "created_at")
    inlines = (MembershipInline,)


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Tokens without their secret; they can be revoked here."""

    list_display = ("__str__", "label", "user", "scopes", "created_at", "last_used_at", "state")
    list_select_related = ("user", "namespace")
    search_fields = ("lookup_id", "user__handle")
    exclude = ("secret_sha256",)
    actions = ("revoke",)

    @admin.action(description="Revoke the chosen tokens")
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """Revoke them one by one, each with its audit row."""
        assert isinstance(request.user, User)  # noqa: S101  (the site lets nobody else in)
        done = sum(revoke_token(token=token, actor=request.user) for token in queryset)
        self.message_user(request, f"Revoked {done} tokens.", messages.SUCCESS)


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """What was done; the database refuses to change it, too."""

    list_display = ("created_at", "actor", "actor_role", "verb", "object_type", "object_label")
    list_filter = ("verb", "object_type")
    list_select_related = ("actor",)
    search_fields = ("object_label", "actor__handle", "request_id")

"""The raw admin site, for admins as everywhere: with the second factor where they need one."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.http import HttpRequest

from accounts.identity import page_actor
from accounts.models import Role


class RawTables(AdminSite):
    """Raw tables, for admins alone."""

    def has_permission(self, request: HttpRequest) -> bool:
        """Say whether whoever is signed in may act as an admin."""
        return super().has_permission(request) and page_actor(request).role == Role.ADMIN

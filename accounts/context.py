"""What every page knows: who looks, which colours they chose, which build answers."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest

from accounts.identity import page_actor
from config.middleware import current_request_id

THEMES: Final = ("system", "light", "dark")
THEME_COOKIE: Final = "theme"


def theme_of(request: HttpRequest) -> str:
    """Return the chosen colour scheme; anything unknown is the system's."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else "system"


def page(request: HttpRequest) -> dict[str, Any]:
    """Return the context of the base template; costs no query for a visitor without a session."""
    actor = page_actor(request)
    return {
        "viewer": actor.user,
        "is_staff_viewer": actor.is_staff or actor.lacks_factor,
        "environment_label": settings.ENVIRONMENT_LABEL,
        "theme": theme_of(request),
        "site_url": settings.SITE_URL,
        "app_version": settings.VERSION,
        "request_id": current_request_id(),
    }

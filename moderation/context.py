"""What every page says of moderation to whoever is signed in."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from django.http import HttpRequest

from accounts.identity import page_actor
from moderation.models import Notice

COUNTED_NOTICES = 99


def desk(request: HttpRequest) -> dict[str, Callable[[], int]]:
    """Return how many notices wait; asked by the account menu, so for visitors nothing is read."""

    @cache
    def unread_notices() -> int:
        user = page_actor(request).user
        if user is None:
            return 0
        return Notice.objects.unread().to_person(user)[:COUNTED_NOTICES].count()

    return {"unread_notices": unread_notices}

"""Who asks: a session on pages, a bearer token in the API. Never both, never guessed."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from accounts.policy import ANONYMOUS, Actor
from accounts.services import TokenRefused, authenticate_token


def page_actor(request: HttpRequest) -> Actor:
    """Return who is signed in on pages; without a session cookie nothing is looked up.

    A banned person is a visitor: their session opens nothing any more.
    """
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
        return ANONYMOUS
    return ANONYMOUS if request.user.banned_at is not None else Actor(user=request.user)


def api_actor(request: HttpRequest) -> Actor:
    """Return whose bearer token this is; no header is an anonymous actor.

    The API never reads a cookie, which is why it needs no CSRF token. Raises `TokenRefused` for a
    token that opens nothing.
    """
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if not scheme:
        return ANONYMOUS
    if scheme.lower() != "bearer" or not text.strip():
        raise TokenRefused("Send the token as “Authorization: Bearer <token>”.")
    token = authenticate_token(text.strip())
    return Actor(user=token.user, token=token, scopes=frozenset(token.scopes))

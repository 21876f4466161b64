"""Who asks: a session on pages, a bearer token in the API. Never both, never guessed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, cast

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.models import User
from accounts.policy import ANONYMOUS, Actor
from accounts.services import TokenRefused, authenticate_token

P = ParamSpec("P")


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


PageView = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
PersonView = Callable[Concatenate[HttpRequest, User, P], HttpResponseBase]


def signed_in(view: PersonView[P]) -> PageView[P]:
    """Give a page view the person who is signed in; send everybody else to sign in and back.

    What was posted is not kept: after signing in the visitor sees the page the form stood on.
    """

    @functools.wraps(view)
    def call(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        user = page_actor(request).user
        if user is None:
            return redirect_to_login(request.get_full_path())
        return view(request, user, *args, **kwargs)

    return cast("PageView[P]", call)

"""Who asks: a session on pages, a bearer token in the API. Never both, never guessed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, cast

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.utils.cache import add_never_cache_headers, patch_vary_headers

from accounts.models import User
from accounts.policy import ANONYMOUS, Actor, Verb, can
from accounts.services import TokenRefused, authenticate_token
from accounts.sessions import SESSION_PREFIX, SESSION_SCOPES, authenticate_session

P = ParamSpec("P")


def page_actor(request: HttpRequest) -> Actor:
    """Return who is signed in on pages; without a session cookie nothing is looked up.

    A banned person is a visitor: their session opens nothing any more.
    """
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
        return ANONYMOUS
    if request.user.banned_at is not None:
        return ANONYMOUS
    # One actor for the whole request: it remembers the namespaces it asked for.
    known: Actor | None = getattr(request, "page_actor", None)
    if known is None or known.user is not request.user:
        known = request.page_actor = Actor(user=request.user)  # type: ignore[attr-defined]
    return known


def api_actor(request: HttpRequest) -> Actor:
    """Return whose bearer token or session this is; no header is an anonymous actor.

    The API never reads a cookie, which is why it needs no CSRF token. Raises `TokenRefused` for a
    token that opens nothing.
    """
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if not scheme:
        return ANONYMOUS
    if scheme.lower() != "bearer" or not text.strip():
        raise TokenRefused("Send the token as “Authorization: Bearer <token>”.")
    if text.strip().startswith(SESSION_PREFIX):
        session = authenticate_session(text.strip())
        return Actor(user=session.user, session=session, scopes=SESSION_SCOPES)
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


def staff_page(*methods: str, verb: Verb = Verb.STAFF) -> Callable[[PersonView[P]], PageView[P]]:
    """Give a staff view the person who may do `verb`; for everybody else it is not there.

    Who may not is told 404 whatever the method, so that nothing says which addresses exist. The
    answers are never stored, and differ for htmx, which asks for a region only.
    """

    def wrap(view: PersonView[P]) -> PageView[P]:
        @functools.wraps(view)
        def call(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            actor = page_actor(request)
            if actor.user is None or not can(actor, verb):
                raise Http404
            if request.method not in methods:
                return HttpResponseNotAllowed(methods)
            response = view(request, actor.user, *args, **kwargs)
            add_never_cache_headers(response)
            patch_vary_headers(response, ["HX-Request", "HX-Request-Type"])
            return response

        return cast("PageView[P]", call)

    return wrap

"""Who asks: a session on pages, a bearer token in the API. Never both, never guessed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, cast

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.cache import add_never_cache_headers, patch_vary_headers

from accounts.factors import has_factor, is_confirmed, lacks_factor, needs_factor
from accounts.models import ApiToken, User
from accounts.policy import ANONYMOUS, STAFF_SCOPES, Actor, SecondFactorMissing, Verb, can, holds
from accounts.services import TokenRefused, authenticate_token
from accounts.sessions import SESSION_PREFIX, SESSION_SCOPES, authenticate_session
from config.api import error_response, take_quota
from config.site import too_many_requests
from config.zones import tell_times_in

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
        known = _limited(_actor_of_session(request, request.user))
        tell_times_in(request.user.time_zone)
        request.page_actor = known  # type: ignore[attr-defined]
    return known


def _limited(actor: Actor) -> Actor:
    """Note on the person what they may act as here: most services and quotas are given no more."""
    if actor.user is not None:
        actor.user.acting_as = actor.role
    return actor


def _actor_of_session(request: HttpRequest, user: User) -> Actor:
    if lacks_factor(request, user):
        return Actor(user=user, scopes=Actor().scopes - STAFF_SCOPES, lacks_factor=True)
    return Actor(user=user)


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
        return _limited(Actor(user=session.user, session=session, scopes=SESSION_SCOPES))
    token = authenticate_token(text.strip())
    return _limited(_actor_of_token(token))


def _actor_of_token(token: ApiToken) -> Actor:
    scopes = frozenset(token.scopes)
    # Asked only of staff's tokens with rights of staff.
    if scopes & STAFF_SCOPES and needs_factor(token.user) and not has_factor(token.user):
        return Actor(user=token.user, token=token, scopes=scopes - STAFF_SCOPES, lacks_factor=True)
    return Actor(user=token.user, token=token, scopes=scopes)


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


def confirmed(view: PersonView[P]) -> PersonView[P]:
    """Let a view act within ten minutes of a proof of who asks; else ask for one, and come back."""

    @functools.wraps(view)
    def call(
        request: HttpRequest, viewer: User, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponseBase:
        if not is_confirmed(request, viewer):
            return ask_to_confirm(request)
        return view(request, viewer, *args, **kwargs)

    return cast("PersonView[P]", call)


def counted(view: PersonView[P]) -> PersonView[P]:
    """Count what is posted as a write of the person; answer one too many with the time to wait."""

    @functools.wraps(view)
    def call(
        request: HttpRequest, viewer: User, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponseBase:
        if request.method == "POST":
            quota = take_quota(request, "write", viewer)
            if not quota.allowed:
                return too_many_requests(request, quota.reset_seconds)
        return view(request, viewer, *args, **kwargs)

    return cast("PersonView[P]", call)


def ask_to_confirm(request: HttpRequest) -> HttpResponseBase:
    """Lead to the page that asks who it is, and from there back to the page of the form."""
    return redirect_to_login(request.get_full_path(), reverse("accounts:confirm"))


def ask_for_factor(request: HttpRequest) -> HttpResponseBase:
    """Lead somebody of staff to the set-up of a second factor; refuse what is no page to go to."""
    if request.method not in {"GET", "HEAD"} or request.headers.get("HX-Request"):
        return error_response(SecondFactorMissing())
    return redirect_to_login(request.get_full_path(), reverse("accounts:security"))


def staff_page(*methods: str, verb: Verb = Verb.STAFF) -> Callable[[PersonView[P]], PageView[P]]:
    """Give a staff view the person who may do `verb`; for everybody else it is not there.

    Who may not is told 404 whatever the method, so that nothing says which addresses exist. Staff
    without the second factor that they need are led to its set-up. The
    answers are never stored, and differ for htmx, which asks for a region only.
    """

    def wrap(view: PersonView[P]) -> PageView[P]:
        @functools.wraps(view)
        def call(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            actor = page_actor(request)
            if actor.user is None or not can(actor, verb):
                if actor.user is not None and actor.lacks_factor and holds(actor.user, verb):
                    return ask_for_factor(request)
                raise Http404
            if request.method not in methods:
                return HttpResponseNotAllowed(methods)
            response = view(request, actor.user, *args, **kwargs)
            add_never_cache_headers(response)
            patch_vary_headers(response, ["HX-Request", "HX-Request-Type"])
            return response

        return cast("PageView[P]", call)

    return wrap

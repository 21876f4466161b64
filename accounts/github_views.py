"""Signing in with GitHub: there, back, the choice of a name for whoever is new, and connecting."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final

from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.internal.flows.signup import (
    clear_pending_signup,
    complete_social_signup,
    get_pending_signup,
)
from allauth.socialaccount.internal.statekit import get_states
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.forms import HandleForm
from accounts.github import GitHubAdapter, is_on
from accounts.github_links import PROVIDER, GitHubRefused, account_of, disconnect
from accounts.identity import confirmed, counted, page_actor, signed_in
from accounts.lockout import too_many_tries
from accounts.models import User
from accounts.sign_up import AlreadySignedUp, sign_up, suggest_handle
from accounts.views import refuse_unstorable_form
from config.errors import DomainError

FORBIDDEN: Final = 403
View = Callable[[HttpRequest], HttpResponseBase]

_callback = OAuth2CallbackView.adapter_view(GitHubAdapter)


def way_in(view: View) -> View:
    """Let a view answer visitors where GitHub is a way in; what is posted counts as a try."""

    @functools.wraps(view)
    def call(request: HttpRequest) -> HttpResponseBase:
        if not is_on():
            raise Http404
        refuse_unstorable_form(request)
        if page_actor(request).user is not None and not _is_connecting(request):
            return redirect(settings.LOGIN_REDIRECT_URL)
        refusal = too_many_tries(request) if request.method == "POST" else None
        return refusal or view(request)

    return call


def _is_connecting(request: HttpRequest) -> bool:
    """Say whether who comes back set out to connect the account they are signed in to."""
    stashed = get_states(request).get(request.GET.get("state", ""))
    return stashed is not None and stashed[0].get("process") == AuthProcess.CONNECT


@never_cache
@require_POST
@way_in
def start(request: HttpRequest) -> HttpResponseBase:
    """Lead to GitHub; by POST, so that no link signs anybody in as somebody else."""
    provider = get_adapter().get_provider(request, PROVIDER)
    response: HttpResponseBase = provider.redirect(
        request, process=AuthProcess.LOGIN, next_url=get_next_redirect_url(request)
    )
    return response


@never_cache
@require_safe
@way_in
def callback(request: HttpRequest) -> HttpResponseBase:
    """Take who comes back from GitHub: known, new, or refused there, which counts as a try."""
    response: HttpResponseBase = _callback(request)
    if not request.user.is_authenticated and not request.session.is_empty():
        # What waits for a name or a second factor is in no session that somebody planted.
        request.session.cycle_key()
    refusal = too_many_tries(request) if response.status_code == FORBIDDEN else None
    return refusal or response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@way_in
def choose_name(request: HttpRequest) -> HttpResponseBase:
    """Ask whoever is new for a name, and make the account under it."""
    login = get_pending_signup(request)
    if login is None:
        return redirect("accounts:login")
    told, account = login.user, login.account
    if request.method != "POST":
        form = HandleForm(initial={"handle": suggest_handle(told.handle)})
        return render(request, "public/github_name.html", {"form": form, "login": told.handle})
    form = HandleForm(request.POST)
    if form.is_valid():
        try:
            login.user = sign_up(
                handle=form.cleaned_data["handle"], display_name=told.display_name, account=account
            )
        except AlreadySignedUp:
            clear_pending_signup(request)
            return redirect("accounts:login")
        except DomainError as refusal:
            form.add_error("handle", refusal.message)
        else:
            clear_pending_signup(request)
            response: HttpResponseBase = complete_social_signup(request, login)
            return response
    context = {"form": form, "login": told.handle}
    return render(request, "public/github_name.html", context, status=422)


# --- Connecting ---------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@confirmed
@counted
def connect(request: HttpRequest, viewer: User) -> HttpResponseBase:
    """Ask, then lead to GitHub to say which account there shall sign the viewer in."""
    if not is_on():
        raise Http404
    if account_of(viewer) is not None:
        return redirect("accounts:security")
    if request.method != "POST":
        return render(request, "me/github_connect.html")
    provider = get_adapter().get_provider(request, PROVIDER)
    response: HttpResponseBase = provider.redirect(request, process=AuthProcess.CONNECT)
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@confirmed
@counted
def take_away(request: HttpRequest, viewer: User) -> HttpResponseBase:
    """Ask, then let GitHub sign the viewer in no more."""
    if (account := account_of(viewer)) is None:
        return redirect("accounts:security")
    context: dict[str, object] = {"login": account.extra_data.get("login", "")}
    if request.method != "POST":
        return render(request, "me/github_disconnect.html", context)
    try:
        disconnect(user=viewer)
    except GitHubRefused as refusal:
        context["refusal"] = refusal.message
        return render(request, "me/github_disconnect.html", context, status=409)
    messages.success(request, "GitHub signs you in no more.")
    return redirect("accounts:security")

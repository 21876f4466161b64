"""Command lines on pages: the question that answers a login, and those that are signed in."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.identity import counted, signed_in
from accounts.models import DeviceLogin, DeviceSession, User
from accounts.sessions import SESSIONS_PER_USER, answer_login, end_all_sessions, end_session
from config.api import take_quota
from config.errors import DomainError
from config.site import too_many_requests
from config.text import has_unstorable

FINGERPRINT_LENGTH = 64


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def device_login(request: HttpRequest, viewer: User) -> HttpResponse:
    """Ask whether a command line may act as the viewer; nothing but the posted answer lets it."""
    asked = request.GET.get("state", "")
    if len(asked) != FINGERPRINT_LENGTH or has_unstorable(asked):
        return _login_page(request, viewer, None)
    login: DeviceLogin | None = DeviceLogin.objects.filter(state_sha256=asked).first()
    if request.method != "POST" or login is None:
        return _login_page(request, viewer, login)
    quota = take_quota(request, "write", viewer)
    if not quota.allowed:
        return too_many_requests(request, quota.reset_seconds)
    try:
        answer_login(login=login, user=viewer, approve=request.POST.get("answer") == "approve")
    except DomainError:
        # Answered or over in the meantime: the page says how it stands and what to do.
        return _login_page(request, viewer, DeviceLogin.objects.get(pk=login.pk), status=409)
    return redirect(f"{reverse('accounts:device-login')}?{urlencode({'state': asked})}")


def _login_page(
    request: HttpRequest, viewer: User, login: DeviceLogin | None, *, status: int = 200
) -> HttpResponse:
    """Show the question or what came of it; a login nobody knows is told as one that is over."""
    state = login.state if login else "expired"
    if login is not None and login.user_id not in {None, viewer.pk}:
        state = "used"  # by whom is nobody else's business
    context = {"login": login, "state": state}
    return render(request, "me/device_login.html", context, status=status if login else 404)


@never_cache
@require_http_methods(["GET", "HEAD"])
@signed_in
def devices(request: HttpRequest, viewer: User) -> HttpResponse:
    """List the command lines that are signed in as the viewer: at most a hundred can be."""
    rows = viewer.device_sessions.usable().newest_first().with_role()
    sessions = rows.select_related("active_namespace", "user__namespace")[:SESSIONS_PER_USER]
    context: dict[str, Any] = {"sessions": list(sessions)}
    return render(request, "me/devices.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@counted
def end_device(request: HttpRequest, viewer: User, session_id: str) -> HttpResponseBase:
    """Ask, then sign one of the viewer's command lines out; a stranger's is not found."""
    session: DeviceSession = get_object_or_404(viewer.device_sessions, lookup_id=session_id)
    if request.method != "POST":
        return render(request, "me/device_end.html", {"session": session})
    if end_session(session=session, actor=viewer):
        messages.success(request, "Signed out. That command line has to sign in again.")
    else:
        messages.info(request, "That command line was signed out before.")
    return redirect("accounts:devices")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@counted
def end_all_devices(request: HttpRequest, viewer: User) -> HttpResponseBase:
    """Ask, then sign every command line of the viewer out."""
    if request.method != "POST":
        return render(request, "me/device_end.html", {"session": None})
    ended = end_all_sessions(user=viewer, actor=viewer)
    messages.success(request, f"Signed out: {ended} command line{'' if ended == 1 else 's'}.")
    return redirect("accounts:devices")

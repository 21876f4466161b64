"""Invites on pages: those of an organisation, and the one that somebody was sent."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.identity import page_actor, signed_in
from accounts.invites import REFUSALS, accept_invite, create_invite, find_invite, revoke_invite
from accounts.lists import part_of
from accounts.models import Invite, Namespace, User
from accounts.namespace_forms import InviteForm
from accounts.namespace_views import READ_AND_POST, namespace_page, page_of, refuse, show
from config.api import take_quota
from config.errors import DomainError
from config.site import too_many_requests


@namespace_page(*READ_AND_POST, of_organisation=True)
def invites(request: HttpRequest, viewer: User, namespace: Namespace) -> HttpResponse:
    """List the invites of an organisation and make one, whose link stands in this answer only."""
    if request.method != "POST":
        return _page(request, namespace, InviteForm())
    form = InviteForm(request.POST)
    if form.is_valid():
        try:
            made, code = create_invite(namespace=namespace, actor=viewer, **form.cleaned_data)
        except DomainError as refusal:
            refuse(form, refusal, {"maxUses": "max_uses"}.get(refusal.field or ""))
        else:
            link = f"{settings.SITE_URL}{reverse('accounts:invite', args=[code])}"
            return _page(request, namespace, InviteForm(), made=made, link=link)
    return _page(request, namespace, form, status=422)


def _page(
    request: HttpRequest, namespace: Namespace, form: InviteForm, **context: Any
) -> HttpResponse:
    part = part_of(
        request,
        f"invites:{namespace.pk}",
        namespace.invites.select_related("created_by"),
    )
    return show(request, "invites", namespace, form=form, part=part, **context)


@namespace_page(*READ_AND_POST, of_organisation=True)
def revoke(
    request: HttpRequest, viewer: User, namespace: Namespace, invite_id: int
) -> HttpResponse:
    """Ask, then take an invite back."""
    invite: Invite = get_object_or_404(namespace.invites, pk=invite_id)
    if request.method != "POST":
        return show(request, "invite_revoke", namespace, invite=invite)
    if revoke_invite(invite=invite, actor=viewer):
        messages.success(request, "Revoked. Its link lets nobody in any more.")
    else:
        messages.info(request, "This invite was revoked before.")
    return redirect(page_of("invites", namespace))


@never_cache
@require_http_methods(READ_AND_POST)
@signed_in
def accept(request: HttpRequest, viewer: User, code: str) -> HttpResponse:
    """Show who invites into what, and let the viewer join by a press of the button."""
    invite = find_invite(code)
    if invite is None:
        return render(request, "me/invite.html", {"state": "unknown"}, status=404)
    if request.method != "POST":
        return _answer(request, invite)
    quota = take_quota(request, "write", viewer)
    if not quota.allowed:
        return too_many_requests(request, quota.reset_seconds)
    try:
        joined = accept_invite(invite=invite, user=viewer)
    except DomainError as refusal:
        return _answer(request, invite, refusal=refusal.message)
    if joined:
        messages.success(request, f"Welcome: you are a member of {invite.namespace} now.")
    else:
        messages.info(request, f"You were a member of {invite.namespace} already.")
    return redirect(page_of("members", invite.namespace))


def _answer(request: HttpRequest, invite: Invite, refusal: str = "") -> HttpResponse:
    is_member = invite.namespace_id in page_actor(request).namespace_roles
    context = {
        "invite": invite,
        "state": "member" if is_member else invite.state,
        "refusal": refusal or REFUSALS.get(invite.state, ""),
    }
    return render(request, "me/invite.html", context, status=409 if refusal else 200)

"""How a person signs in: second factors, recovery codes, and the proof asked before a change."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from allauth.account.internal.decorators import login_stage_required
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import clear_totp_secret, get_totp_secret
from allauth.mfa.webauthn.internal import auth as webauthn
from django.contrib import messages
from django.contrib.auth import authenticate, logout, update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.adapters import FactorStage
from accounts.factors import (
    APP,
    FACTORS,
    PASSKEY,
    add_app,
    add_passkey,
    codes_left,
    factors_of,
    has_factor,
    lacks_factor,
    name_of,
    needs_factor,
    record_proof,
    remove_factor,
    renew_codes,
)
from accounts.forms import CodeForm, NewPasskeyForm, NewPasswordForm, PasswordForm
from accounts.github import is_on
from accounts.github_links import account_of
from accounts.identity import confirmed, counted, signed_in
from accounts.lockout import too_many_tries
from accounts.models import User
from accounts.passwords import set_password
from accounts.proofs import Proof, read_new_passkey
from accounts.sessions import sign_out_everywhere
from accounts.views import refuse_unstorable_form
from config.errors import DomainError

# --- The second step of signing in --------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@login_stage_required(stage=FactorStage.key, redirect_urlname="account_login")
def sign_in_step(request: HttpRequest) -> HttpResponseBase:
    """Ask whoever typed the right password for the second factor; then they are signed in."""
    stage = request._login_stage  # type: ignore[attr-defined]  # noqa: SLF001 - It is passed so.
    user: User = stage.login.user
    if stage.is_over or not has_factor(user):
        return stage.abort()  # type: ignore[no-any-return]
    proof = Proof(request, user)
    if request.method == "POST":
        refusal = proof.refusal()
        if refusal is not None:
            return refusal
        factor = proof.check()
        if factor is not None:
            record_proof(request, user, factor)
            return stage.exit()  # type: ignore[no-any-return]
    status = 422 if request.method == "POST" else 200
    return render(request, "public/login_code.html", proof.context(), status=status)


# --- Who are you, again? ------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def confirm(request: HttpRequest, viewer: User) -> HttpResponseBase:
    """Ask for the second factor, or for the password of who has none, and lead on to `next`."""
    wanted = _next(request)
    if has_factor(viewer):
        return _confirm_by_factor(request, viewer, wanted)
    if not viewer.has_usable_password():
        return render(request, "me/confirm.html", {"next": wanted})
    form = PasswordForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        refuse_unstorable_form(request)
        refusal = too_many_tries(request)
        if refusal is not None:
            return refusal
        if form.is_valid():
            password = form.cleaned_data["password"]
            if authenticate(request, username=viewer.handle, password=password) == viewer:
                record_proof(request, viewer)
                return redirect(wanted)
            form.add_error("password", "This is not your password. Mind the letter case.")
    context = {"password_form": form, "next": wanted}
    return render(request, "me/confirm.html", context, status=422 if form.errors else 200)


def _confirm_by_factor(request: HttpRequest, viewer: User, wanted: str) -> HttpResponseBase:
    proof = Proof(request, viewer)
    if request.method == "POST":
        refusal = proof.refusal()
        if refusal is not None:
            return refusal
        factor = proof.check()
        if factor is not None:
            record_proof(request, viewer, factor)
            return redirect(wanted)
    context = proof.context() | {"next": wanted}
    status = 422 if request.method == "POST" else 200
    return render(request, "me/confirm.html", context, status=status)


def _next(request: HttpRequest) -> str:
    """Return the address that was asked for, if it is ours, else that of the security page."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else reverse("accounts:security")


# --- My factors ---------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD"])
@signed_in
def security(request: HttpRequest, viewer: User) -> HttpResponse:
    """Show how the viewer signs in; tell staff who came for their pages what is missing."""
    factors = factors_of(viewer)
    is_sent = "next" in request.GET and lacks_factor(request, viewer)
    if is_sent and factors:
        # They have one, but this session has not used it.
        return redirect(f"{reverse('accounts:confirm')}?{urlencode({'next': _next(request)})}")
    context = {
        "app": next((factor for factor in factors if factor.type == APP), None),
        "passkeys": [(name_of(row), row) for row in factors if row.type == PASSKEY],
        "has_factor": bool(factors),
        "codes_left": codes_left(viewer),
        "github": account_of(viewer),
        "may_connect": is_on(),
        "is_needed": needs_factor(viewer),
    }
    return render(request, "me/security.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@confirmed
@counted
def app(request: HttpRequest, viewer: User) -> HttpResponseBase:
    """Show the secret for an app as a picture and a text, and take its first code."""
    if any(factor.type == APP for factor in factors_of(viewer)):
        return redirect("accounts:security")
    form = CodeForm(request.POST if request.method == "POST" else None)
    secret = get_totp_secret()
    if request.method == "POST":
        refuse_unstorable_form(request)
        if form.is_valid():
            try:
                added = add_app(user=viewer, secret=secret, code=form.cleaned_data["code"])
            except DomainError as refusal:
                form.add_error(refusal.field, refusal.message)
            else:
                clear_totp_secret(request)
                return _added(request, viewer, *added)
    adapter = get_adapter()
    picture = adapter.build_totp_svg(adapter.build_totp_url(viewer, secret))
    picture = f"data:image/svg+xml;base64,{b64encode(picture.encode()).decode()}"
    context = {"form": form, "secret": secret, "picture": picture}
    return render(request, "me/factor_app.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@confirmed
@counted
def new_passkey(request: HttpRequest, viewer: User) -> HttpResponseBase:
    """Let the browser make a passkey, and keep what the site needs to know it again."""
    form = NewPasskeyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        refuse_unstorable_form(request)
        if form.is_valid():
            credential = form.cleaned_data["credential"]
            try:
                if read_new_passkey(credential):
                    name = form.cleaned_data["name"]
                    added = add_passkey(user=viewer, name=name, credential=credential)
                    return _added(request, viewer, *added)
                form.add_error(None, "The passkey did not answer as it should; try again.")
            except DomainError as refusal:
                form.add_error(None, refusal.message)
    options = json.dumps(webauthn.begin_registration(viewer, passwordless=False))
    context = {"form": form, "options": options}
    return render(request, "me/factor_passkey.html", context, status=422 if form.errors else 200)


def _added(
    request: HttpRequest, viewer: User, factor: Authenticator, codes: list[str]
) -> HttpResponseBase:
    """Say that a factor was added; with the first one, show the codes, which is done once."""
    # Whoever sets one up has it: this session may go on as if it had signed in with it.
    record_proof(request, viewer, factor)
    if codes:
        return render(request, "me/recovery_codes.html", {"codes": codes, "is_first": True})
    messages.success(request, f"Added: {name_of(factor)}.")
    return redirect("accounts:security")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@confirmed
@counted
def drop_factor(request: HttpRequest, viewer: User, factor_id: int) -> HttpResponseBase:
    """Ask, then remove one of the viewer's own factors; a stranger's is not found."""
    rows = Authenticator.objects.filter(user=viewer, type__in=FACTORS)
    factor = get_object_or_404(rows, pk=factor_id)
    context: dict[str, Any] = {"name": name_of(factor), "is_last": len(rows) == 1}
    if request.method != "POST":
        return render(request, "me/factor_remove.html", context)
    try:
        remove_factor(factor=factor, user=viewer)
    except DomainError as refusal:
        context["refusal"] = refusal.message
        return render(request, "me/factor_remove.html", context, status=409)
    messages.success(request, f"Removed: {context['name']}.")
    return redirect("accounts:security")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@confirmed
@counted
def recovery_codes(request: HttpRequest, viewer: User) -> HttpResponseBase:
    """Ask, then make new recovery codes; they stand in the answer to the POST and nowhere else."""
    if not has_factor(viewer):
        return redirect("accounts:security")
    if request.method != "POST":
        return render(request, "me/recovery_codes.html", {"left": codes_left(viewer)})
    return render(request, "me/recovery_codes.html", {"codes": renew_codes(user=viewer)})


# --- My password --------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@confirmed
@counted
def password(request: HttpRequest, viewer: User) -> HttpResponseBase:
    """Take a new password, the first one too; this browser alone stays signed in."""
    has_one = viewer.has_usable_password()
    form = NewPasswordForm(viewer, request.POST if request.method == "POST" else None)
    if request.method == "POST":
        refuse_unstorable_form(request)
        if form.is_valid():
            if set_password(user=viewer, password=form.cleaned_data["password"]):
                update_session_auth_hash(request, viewer)
                done = "changed" if has_one else "set"
                messages.success(request, f"Your password is {done}.")
            return redirect("accounts:security")
    context = {"form": form, "has_one": has_one}
    return render(request, "me/password.html", context, status=422 if form.errors else 200)


# --- Everywhere ---------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@counted
def end_everywhere(request: HttpRequest, viewer: User) -> HttpResponseBase:
    """Ask, then sign the viewer out of every browser, this one too, and every command line."""
    if request.method != "POST":
        return render(request, "me/sign_out_everywhere.html")
    sign_out_everywhere(user=viewer, actor=viewer)
    logout(request)
    return redirect("accounts:login")

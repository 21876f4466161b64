"""`/me/account/`: a person takes their data along, and deletes their account."""

from __future__ import annotations

from typing import Final

from django import forms
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.closing import ClosingRefused, refuse_staff
from accounts.exports import ExportUnderWay, leased, start_export
from accounts.factors import has_factor, is_confirmed
from accounts.forms import PasswordField
from accounts.identity import ask_to_confirm, signed_in
from accounts.models import HANDLE_LENGTH, User
from accounts.views import refuse_unstorable_form
from config.errors import DomainError
from config.ratelimit import take_exact
from config.site import too_many_requests
from config.zip_stream import zip_stream
from moderation.account_page import Leaving
from moderation.personal_data import SECTIONS
from moderation.services.closing import close_account

HOUR: Final = 3_600
EXPORTS_AN_HOUR: Final = 6
TRIES_AN_HOUR: Final = 10
CONFLICT: Final = 409
UNPROCESSABLE: Final = 422


class DeleteForm(forms.Form):
    """What a person types to say that they mean it."""

    handle = forms.CharField(
        label="Your handle",
        max_length=HANDLE_LENGTH + 1,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    password = PasswordField("Your password")

    def __init__(self, data: object = None, *, user: User) -> None:
        """Ask for a password only where there is one."""
        super().__init__(data)  # type: ignore[arg-type]
        self.fields["handle"].help_text = f"Type {user.handle}."
        if not user.has_usable_password():
            del self.fields["password"]


@never_cache
@require_safe
@signed_in
def account(request: HttpRequest, _viewer: User) -> HttpResponse:
    """Say what the person can do with their account as a whole."""
    return _account_page(request)


def _account_page(request: HttpRequest, refusal: DomainError | None = None) -> HttpResponse:
    context = {"refusal": refusal, "files": [section.name for section in SECTIONS]}
    return render(request, "me/account.html", context, status=CONFLICT if refusal else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def export(request: HttpRequest, viewer: User) -> HttpResponseBase:
    """Send everything that is stored about the person, while it is read; a GET leads back."""
    if request.method != "POST":
        return redirect("moderation:account")
    quota = take_exact("export", f"user:{viewer.pk}", EXPORTS_AN_HOUR, seconds=HOUR)
    if not quota.allowed:
        return too_many_requests(request, quota.reset_seconds)
    try:
        token = start_export(user=viewer)
    except ExportUnderWay as refusal:
        return _account_page(request, refusal)
    now = timezone.now()
    files = ((f"{section.name}.json", section.pieces(viewer)) for section in SECTIONS)
    told = leased(zip_stream(files, now), user=viewer, token=token)
    response = StreamingHttpResponse(told, content_type="application/zip")
    name = f"skillboard-{viewer.handle}-{now:%Y%m%d}.zip"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def delete(request: HttpRequest, viewer: User) -> HttpResponseBase:
    """Say what goes and what stays, ask for handle and password; then delete the account.

    Whoever signs in by more than a password, or without one, proves that it is them first.
    """
    if (has_factor(viewer) or not viewer.has_usable_password()) and not is_confirmed(
        request, viewer
    ):
        return ask_to_confirm(request)
    if request.method != "POST":
        return _delete_page(request, viewer, DeleteForm(user=viewer))
    refuse_unstorable_form(request)
    quota = take_exact("close", f"user:{viewer.pk}", TRIES_AN_HOUR, seconds=HOUR)
    if not quota.allowed:
        return too_many_requests(request, quota.reset_seconds)
    form = DeleteForm(request.POST, user=viewer)
    if not (form.is_valid() and _close(form, viewer)):
        return _delete_page(request, viewer, form, status=UNPROCESSABLE)
    logout(request)
    return redirect("moderation:account-deleted")


def _close(form: DeleteForm, viewer: User) -> bool:
    """Delete the account; False leaves the reason on the form."""
    told = form.cleaned_data
    try:
        close_account(user=viewer, handle=told["handle"], password=told.get("password", ""))
    except DomainError as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        return False
    return True


def _delete_page(
    request: HttpRequest, viewer: User, form: DeleteForm, *, status: int = 200
) -> HttpResponse:
    refused = ""
    try:
        refuse_staff(viewer)
    except ClosingRefused as refusal:
        refused = refusal.message
    context = {"form": form, "leaving": Leaving(viewer), "refused": refused}
    return render(request, "me/account_delete.html", context, status=status)


@require_safe
def deleted(request: HttpRequest) -> HttpResponse:
    """Say what happens now to who deleted their account."""
    return render(request, "public/account_deleted.html")

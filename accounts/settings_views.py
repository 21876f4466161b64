"""`/me/settings/`: how pages behave for a person; what they share by default is set elsewhere."""

from __future__ import annotations

from typing import Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import services
from accounts.identity import counted, signed_in
from accounts.models import User
from accounts.views import refuse_unstorable_form
from config.zones import AREAS, zone_names

UNPROCESSABLE: Final = 422


def _choices() -> list[tuple[str, str | list[tuple[str, str]]]]:
    """Return UTC, then each area with its places, in words."""
    areas: dict[str, list[tuple[str, str]]] = {area: [] for area in AREAS}
    for name in zone_names():
        area, _, place = name.partition("/")
        areas[area].append((name, place.replace("_", " ").replace("/", ", ")))
    return [("", "UTC"), *areas.items()]


class SettingsForm(forms.Form):
    """What a person sets for themselves."""

    time_zone = forms.ChoiceField(
        label="Time zone",
        choices=_choices,
        required=False,
        help_text="Exact times on pages are told in it, with how far it is from UTC.",
        error_messages={"invalid_choice": "Choose one of the time zones of the list."},
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@counted
def settings(request: HttpRequest, viewer: User) -> HttpResponse:
    """Show what a person can set for themselves; a POST sets their time zone."""
    if request.method != "POST":
        return _page(request, SettingsForm(initial={"time_zone": viewer.time_zone}))
    refuse_unstorable_form(request)
    form = SettingsForm(request.POST)
    # A form without it is not this page's: nothing of it was chosen.
    if "time_zone" not in form.data:
        form.add_error("time_zone", "Choose a time zone.")
    if not form.is_valid():
        return _page(request, form, status=UNPROCESSABLE)
    services.set_time_zone(user=viewer, name=form.cleaned_data["time_zone"])
    messages.success(request, "The time zone is saved.")
    return redirect("accounts:settings")


def _page(request: HttpRequest, form: SettingsForm, *, status: int = 200) -> HttpResponse:
    return render(request, "me/settings.html", {"form": form, "now": timezone.now()}, status=status)

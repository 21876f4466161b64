"""The settings of the desk: moderators read them, admins change them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.identity import staff_page
from accounts.models import AuditEvent, User
from accounts.policy import Actor, Verb, can
from accounts.views import refuse_unstorable_form
from config.errors import DomainError
from config.pagination import PAGE_SIZE, CursorRefused, read_cursor, sign_cursor
from moderation.services import settings
from moderation.settings_forms import GateForm, ReserveForm
from skills.gates import read_gate
from skills.models import ReservedSlug

UNPROCESSABLE: Final = 422
VERBS: Final = {"slug.reserve": "reserved", "slug.free": "freed", "gate.change": "changed"}


@dataclass(frozen=True)
class Change:
    """A change of a setting, in words."""

    event: AuditEvent

    @property
    def what(self) -> str:
        """Return what was done to what."""
        return f"{VERBS.get(self.event.verb, self.event.verb)} {self.event.object_label}"

    @property
    def values(self) -> list[str]:
        """Return each value that changed, as it was and as it is."""
        before, after = self.event.before, self.event.after
        if self.event.verb != "gate.change":
            return []
        return [f"{key.replace('_', ' ')}: {before.get(key)} → {after[key]}" for key in after]


@staff_page("GET", "HEAD")
def settings_page(request: HttpRequest, viewer: User) -> HttpResponse:
    """Show what is set, by whom, and what was changed last."""
    return _page(request, viewer)


@staff_page("POST", verb=Verb.CONFIGURE)
def reserve(request: HttpRequest, viewer: User) -> HttpResponse:
    """Keep a name from new skills."""
    refuse_unstorable_form(request)
    form = ReserveForm(request.POST)
    if form.is_valid():
        try:
            kept = settings.reserve_slug(**form.cleaned_data, actor=viewer)
        except DomainError as refusal:
            form.add_error(refusal.field, refusal.message)
        else:
            messages.success(request, f"“{kept.slug}” is reserved.")
            return redirect("moderation:settings")
    return _page(request, viewer, reserve_form=form, status=UNPROCESSABLE)


@staff_page("POST", verb=Verb.CONFIGURE)
def free(request: HttpRequest, viewer: User, reserved_id: int) -> HttpResponse:
    """Let everybody have a name again."""
    if slug := settings.free_slug(reserved_id=reserved_id, actor=viewer):
        messages.success(request, f"“{slug}” is free. Reserve it again if that was a mistake.")
    else:
        messages.info(request, "It was freed before.")
    return redirect("moderation:settings")


@staff_page("POST", verb=Verb.CONFIGURE)
def change_gate(request: HttpRequest, viewer: User) -> HttpResponse:
    """Set the quality gate."""
    refuse_unstorable_form(request)
    form = GateForm(request.POST)
    if not form.is_valid():
        return _page(request, viewer, gate_form=form, status=UNPROCESSABLE)
    if settings.change_gate(actor=viewer, **form.cleaned_data):
        messages.success(request, "The quality gate is set; it holds for skills to come.")
    else:
        messages.info(request, "The quality gate is so already.")
    return redirect("moderation:settings")


def _page(
    request: HttpRequest,
    viewer: User,
    *,
    reserve_form: ReserveForm | None = None,
    gate_form: GateForm | None = None,
    status: int = 200,
) -> HttpResponse:
    slugs = ReservedSlug.objects.order_by("slug").select_related("reserved_by")
    history = AuditEvent.objects.named(settings.SETTING).select_related("actor")
    bad: list[str] = []
    if after := _key(request, "slugs", bad, str):
        slugs = slugs.filter(slug__gt=after)
    if before := _key(request, "changes", bad, int):
        history = history.filter(pk__lt=before)
    kept, more_slugs = _cut(slugs)
    changes, more_changes = _cut(history)
    context: dict[str, Any] = {
        "tab": "settings",
        "may_act": can(Actor(user=viewer), Verb.CONFIGURE),
        "gate": read_gate(),
        "reserve_form": reserve_form or ReserveForm(),
        "gate_form": gate_form or GateForm.of(read_gate()),
        "slugs": kept,
        "more_slugs": sign_cursor("slugs", kept[-1].slug) if more_slugs else None,
        "changes": [Change(event) for event in changes],
        "more_changes": sign_cursor("changes", changes[-1].pk) if more_changes else None,
        "is_bad_cursor": bool(bad),
        "is_first_page": not (after or before),
    }
    return render(request, "staff/settings.html", context, status=status)


def _key(request: HttpRequest, listing: str, bad: list[str], kind: type) -> Any:
    """Return where a list goes on; None for its beginning. A bad cursor is noted."""
    if not (text := request.GET.get(listing, "")):
        return None
    try:
        return read_cursor(listing, text, kind)[0]
    except CursorRefused:
        bad.append(listing)
        return None


def _cut(rows: Any) -> tuple[list[Any], bool]:
    """Return a page of rows, and whether more follow."""
    found = list(rows[: PAGE_SIZE + 1])
    return found[:PAGE_SIZE], len(found) > PAGE_SIZE

"""The reason templates: moderators read them, admins add and edit them."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from accounts.identity import staff_page
from accounts.models import User
from accounts.policy import Actor, Verb, can
from accounts.views import refuse_unstorable_form
from config.errors import DomainError
from moderation.forms import NewReasonForm, ReasonForm
from moderation.models import ReasonTemplate
from moderation.services.reasons import add_reason, save_reason

INVALID = 422


@staff_page("GET", "HEAD")
def reasons(request: HttpRequest, viewer: User) -> HttpResponse:
    """List the reason templates in the order in which they are offered."""
    rows = ReasonTemplate.objects.order_by("-is_active", "position", "pk")
    may_edit = can(Actor(user=viewer), Verb.CONFIGURE)
    context = {"rows": rows, "may_edit": may_edit, "tab": "reasons"}
    return render(request, "staff/reasons.html", context)


@staff_page("GET", "HEAD", "POST", verb=Verb.CONFIGURE)
def add(request: HttpRequest, viewer: User) -> HttpResponse:
    """Add a reason template."""
    if request.method != "POST":
        return _new_page(request, NewReasonForm())
    refuse_unstorable_form(request)
    form = NewReasonForm(request.POST)
    if form.is_valid():
        try:
            row = add_reason(actor=viewer, **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(refusal.field, refusal.message)
        else:
            messages.success(request, f"“{row.title}” is added.")
            return redirect("moderation:reasons")
    return _new_page(request, form, status=INVALID)


@staff_page("GET", "HEAD", "POST", verb=Verb.CONFIGURE)
def edit(request: HttpRequest, viewer: User, key: str) -> HttpResponse:
    """Edit one reason template."""
    row = get_object_or_404(ReasonTemplate, key=key)
    if request.method != "POST":
        return _form_page(request, row, ReasonForm(instance=row))
    refuse_unstorable_form(request)
    form = ReasonForm(request.POST, instance=ReasonTemplate(pk=row.pk, key=row.key))
    if not form.is_valid():
        return _form_page(request, row, form, status=INVALID)
    save_reason(template_id=row.pk, actor=viewer, **form.cleaned_data)
    messages.success(request, f"“{form.cleaned_data['title']}” is saved.")
    return redirect("moderation:reasons")


def _new_page(request: HttpRequest, form: NewReasonForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "tab": "reasons"}
    return render(request, "staff/reason.html", context, status=status)


def _form_page(
    request: HttpRequest, row: ReasonTemplate, form: ReasonForm, *, status: int = 200
) -> HttpResponse:
    context = {"row": row, "form": form, "tab": "reasons"}
    return render(request, "staff/reason.html", context, status=status)

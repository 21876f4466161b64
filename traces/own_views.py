"""`/me/traces/`: what a person shares, and the settings of one trace."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings as site
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.identity import page_actor, signed_in
from accounts.models import Namespace, User, Visibility
from accounts.policy import Actor
from accounts.views import refuse_unstorable_form
from config.api import take_quota
from config.errors import DomainError
from config.pagination import CursorRefused, read_cursor, sign_cursor
from config.site import too_many_requests
from traces.lookup import member_trace
from traces.models import Message, Trace
from traces.own_forms import SettingsForm, TransferForm, end_rows, level_rows
from traces.own_list import read_page
from traces.policy import may_manage
from traces.serializers import shared_url, title_source
from traces.services import publishing
from traces.services.publishing import TraceNotFound
from traces.summary_card import member_card

UNPROCESSABLE: Final = 422
REDACTIONS_SHOWN: Final = 50
PAGE: Final = "own_traces:trace"
BAD_CURSOR: Final = "That part of the list cannot be found. This is its beginning."
SAVED: Final = {
    "own_title": "The title is saved.",
    "visibility": "Saved who may read it.",
    "link_ends_at": "Saved when the link ends.",
    "ai_summary_enabled": "The switch is saved.",
    "exclude_from_ai": "The switch is saved.",
}


# --- The list ------------------------------------------------------------------------------------


@never_cache
@require_safe
@signed_in
def traces(request: HttpRequest, viewer: User) -> HttpResponse:
    """List what a person shares; with by=anybody what their namespaces share."""
    by_anybody = request.GET.get("by") == "anybody"
    visibility = request.GET.get("visibility", "")
    if visibility not in Visibility.values:
        visibility = ""
    listing = f"my-traces:{viewer.pk}:{by_anybody}:{visibility}"
    after, notices = None, list[str]()
    if cursor := request.GET.get("after", ""):
        try:
            (after,) = read_cursor(listing, cursor, int)
        except CursorRefused:
            notices.append(BAD_CURSOR)
    actor = page_actor(request)
    rows, more = read_page(actor, by_anybody=by_anybody, visibility=visibility, after=after)
    filters = {"by": "anybody" if by_anybody else "", "visibility": visibility}
    context = {
        "rows": [(row, may_manage(actor, row)) for row in rows],
        "by_anybody": by_anybody,
        "visibility": visibility,
        "scopes": _links(filters, "by", [("", "Shared by me"), ("anybody", "By anybody")]),
        "levels": _links(filters, "visibility", [("", "All"), *Visibility.choices]),
        "notices": notices,
        "start_url": _address(filters) if after is not None else "",
        "next_url": _address(filters | {"after": sign_cursor(listing, rows[-1].pk)})
        if more and rows
        else "",
        "site_url": site.SITE_URL,
    }
    return render(request, "me/traces.html", context)


def _links(
    filters: dict[str, str], name: str, choices: list[tuple[str, Any]]
) -> list[dict[str, Any]]:
    return [
        {
            "label": label,
            "url": _address(filters | {name: value}),
            "current": filters[name] == value,
        }
        for value, label in choices
    ]


def _address(filters: dict[str, str]) -> str:
    return f"?{urlencode({name: value for name, value in filters.items() if value})}"


# --- One trace -----------------------------------------------------------------------------------


def _find(request: HttpRequest, public_id: str) -> tuple[Actor, Trace]:
    """Return a trace of the visitor's namespaces. 404 otherwise."""
    actor = page_actor(request)
    try:
        return actor, member_trace(actor, public_id)
    except TraceNotFound:
        raise Http404 from None


def _find_to_change(request: HttpRequest, public_id: str) -> tuple[Actor, Trace]:
    actor, trace = _find(request, public_id)
    if not may_manage(actor, trace):
        raise Http404
    return actor, trace


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def trace(request: HttpRequest, viewer: User, public_id: str) -> HttpResponse:
    """Show the settings of a trace; a POST changes those that it names."""
    if request.method != "POST":
        return _page(request, *_find(request, public_id))
    refuse_unstorable_form(request)
    actor, found = _find_to_change(request, public_id)
    quota = take_quota(request, "write", viewer)
    if not quota.allowed:
        return too_many_requests(request, quota.reset_seconds)
    form = SettingsForm(request.POST)
    if form.is_valid():
        changes = form.changes()
        try:
            publishing.change_settings(actor=actor, trace=found, **changes)
        except TraceNotFound:
            messages.warning(request, "It is not shared any more; nothing was changed.")
            return redirect(PAGE, public_id)
        except DomainError as refusal:
            form.add_error(refusal.field, refusal.message)
        else:
            for name in changes:
                messages.success(request, SAVED[name])
            return redirect(PAGE, public_id)
    return _page(request, actor, found, form=form, status=UNPROCESSABLE)


@never_cache
@require_http_methods(["POST"])
@signed_in
def transfer(request: HttpRequest, viewer: User, public_id: str) -> HttpResponse:
    """Move a trace to another namespace of the person."""
    refuse_unstorable_form(request)
    actor, found = _find_to_change(request, public_id)
    quota = take_quota(request, "write", viewer)
    if not quota.allowed:
        return too_many_requests(request, quota.reset_seconds)
    form = TransferForm(request.POST, targets=_targets(actor, found))
    if form.is_valid():
        target = form.cleaned_data["namespace"]
        try:
            moved = publishing.transfer(actor=actor, trace=found, target=target)
        except TraceNotFound:
            messages.warning(request, "It is not shared there any more; nothing was moved.")
            return redirect(PAGE, public_id)
        except DomainError as refusal:
            form.add_error("namespace", refusal.message)
        else:
            messages.success(request, f"It belongs to {target} now. {_who_reads(moved)}")
            return redirect(PAGE, public_id)
    return _page(request, actor, found, transfer_form=form, status=UNPROCESSABLE)


def _who_reads(moved: Trace) -> str:
    return f"Its link is the same; who may read it: {moved.get_visibility_display().lower()}."


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def unshare(request: HttpRequest, viewer: User, public_id: str) -> HttpResponse:
    """Ask, then take a trace back."""
    actor, found = _find_to_change(request, public_id)
    if request.method != "POST":
        return render(request, "me/trace_unshare.html", {"trace": found})
    quota = take_quota(request, "write", viewer)
    if not quota.allowed:
        return too_many_requests(request, quota.reset_seconds)
    if publishing.unpublish(actor=actor, trace=found):
        messages.success(
            request,
            f"“{found.title}” is not shared any more. Share it again from the command line, and it"
            " has the same link.",
        )
    else:
        messages.info(request, "It was taken back before.")
    return redirect("own_traces:traces")


def _targets(actor: Actor, found: Trace) -> Any:
    others = actor.namespace_ids - {found.namespace_id}
    return Namespace.objects.filter(pk__in=others).order_by("handle")


def _page(
    request: HttpRequest,
    actor: Actor,
    found: Trace,
    *,
    form: SettingsForm | None = None,
    transfer_form: TransferForm | None = None,
    status: int = 200,
) -> HttpResponse:
    namespace, can_change = found.namespace, may_manage(actor, found)
    bound = form is not None and "own_title" in form.data
    end_form = form if form is not None and "link_end" in form.data else SettingsForm()
    targets = _targets(actor, found)
    context = {
        "trace": found,
        "namespace": namespace,
        "url": shared_url(found),
        "is_shared": found.unpublished_at is None,
        "can_change": can_change,
        "form": form if bound else SettingsForm(initial={"own_title": found.own_title}),
        "refused": form or transfer_form,
        "level_errors": form.errors.get("visibility", []) if form else [],
        "levels": level_rows(found, namespace, namespace.trace_visibilities),
        "has_link_end": Visibility.DIRECT in {found.visibility, found.visibility_now}
        or found.link_has_ended,
        "end_form": end_form,
        "ends": end_rows(found, end_form.data.get("link_end", "")),
        "title_source": title_source(found),
        "card": member_card(found, may_refresh=can_change),
        "transfer_form": transfer_form or (TransferForm(targets=targets) if targets else None),
        "facts": _facts(found),
        **_redactions(request, found),
    }
    return render(request, "me/trace.html", context, status=status)


def _facts(found: Trace) -> list[tuple[str, str]]:
    told = [
        ("Agent", found.agent_id),
        ("Model", found.model),
        ("Project", found.project_name),
        ("Folder", found.project_path),
        ("Repository", found.git_remote_url),
        ("Branch", found.git_branch),
        ("Commit", found.git_ref),
        ("Related to", " ".join(filter(None, (found.related_to, found.relationship_type)))),
        ("The client's id", found.external_id),
    ]
    return [(label, value) for label, value in told if value]


def _redactions(request: HttpRequest, found: Trace) -> dict[str, Any]:
    """Return what was taken out of the trace's fields and of its messages, page by page."""
    listing, notices, after = f"redactions:{found.pk}", list[str](), None
    if cursor := request.GET.get("redactions", ""):
        try:
            after = read_cursor(listing, cursor, int, int)
        except CursorRefused:
            notices.append(BAD_CURSOR)
    columns = ("position", "pk", "redactions")
    rows = Message.objects.live(found).redacted().in_order(after).values_list(*columns)
    taken = list(rows[: REDACTIONS_SHOWN + 1])
    following = ""
    if len(taken) > REDACTIONS_SHOWN:
        following = sign_cursor(listing, *taken[REDACTIONS_SHOWN - 1][:2])
    return {
        "notices": notices,
        "of_fields": [] if after else found.redactions,
        "of_messages": [(position, told) for position, _pk, told in taken[:REDACTIONS_SHOWN]],
        "more_redactions": following,
        "is_first_page": after is None,
    }

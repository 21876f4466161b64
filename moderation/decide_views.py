"""Deciding, taking back, deciding on several at once; and the list of decisions."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import urlencode

from accounts.identity import staff_page
from accounts.models import User
from accounts.views import refuse_unstorable_form
from config.errors import DomainError
from config.htmx import wants_partial
from config.pagination import CursorRefused
from moderation import answers, bulk_page, decision_list, queue_page
from moderation.models import Action, Decision, ReviewItem
from moderation.queue_forms import QueueFilter, Typed, number_in
from moderation.reasons import verdict_from
from moderation.services.bulk import undo_batch
from moderation.services.decisions import decide
from moderation.services.undo import undo

INVALID = 422


@staff_page("POST")
def decide_item(request: HttpRequest, viewer: User, item_id: int) -> HttpResponse:
    """Decide on an item, then show the next one; what is refused loses nothing that was typed."""
    refuse_unstorable_form(request)
    asked = replace(QueueFilter.parse(request.GET), item=item_id)
    typed = Typed.parse(request.POST)
    item = get_object_or_404(ReviewItem.objects.select_related("version__skill"), pk=item_id)
    try:
        decision = _decide(item, viewer, typed)
    except answers.CONFLICTS as error:
        return answers.refused(request, viewer, item_id, asked, error)
    except DomainError as error:
        kept = typed.refused(error.field, error.message)
        return answers.show_item(request, viewer, item_id, asked, status=INVALID, typed=kept)
    return _decided(request, viewer, item, asked, decision)


class SlugMismatch(DomainError):
    code = "slug_mismatch"


def _decide(item: ReviewItem, viewer: User, typed: Typed) -> Decision:
    slug = item.version.skill.slug
    if typed.action == Action.REMOVE and typed.slug.strip() != slug:
        raise SlugMismatch(f"Type “{slug}” to remove it.", field="slug")
    return decide(
        item_id=item.pk,
        actor=viewer,
        verdict=verdict_from(typed, item),
        revision=typed.revision,
        request_key=typed.request_key,
    )


def _decided(
    request: HttpRequest, viewer: User, item: ReviewItem, asked: QueueFilter, decision: Decision
) -> HttpResponse:
    following = queue_page.next_after(item, asked, viewer)
    asked = replace(asked, item=following, done=0)
    if not wants_partial(request):
        url = asked.item_url(following) if following else asked.url()
        return redirect(f"{url}{'&' if '?' in url else '?'}done={decision.pk}")
    # Its own item is read anew: what the decision made of it says whether it can be taken back.
    item.refresh_from_db(fields=["state", "decision"])
    decision.item = item
    response = HttpResponse()
    if following:
        response = answers.show_item(request, viewer, following, asked)
    else:
        response = render(request, "staff/_no_pane.html", {"asked": asked})
        response.headers["HX-Replace-Url"] = asked.url()
    context = {"done": answers.done_of(decision, viewer), "asked": asked, "gone": item}
    response.write(render_to_string("staff/_decided.html", context, request))
    answers.add_tabs(response, request, viewer, asked)
    return response


@staff_page("POST")
def undo_decision(request: HttpRequest, viewer: User, item_id: int) -> HttpResponse:
    """Take a decision on an item back and show the item, claimed."""
    asked = replace(QueueFilter.parse(request.GET), item=item_id)
    wanted = number_in(request.POST.get("decision", ""))
    found = get_object_or_404(Decision, pk=wanted, item=item_id)
    try:
        undo(decision_id=found.pk, actor=viewer)
    except DomainError as error:
        return answers.refused(request, viewer, item_id, asked, error)
    told = f"Taken back: {found.get_action_display().lower()}. The item is yours again."
    if not wants_partial(request):
        return answers.done_so(request, viewer, item_id, asked, told)
    response = answers.show_item(request, viewer, item_id, asked, told=told)
    answers.add_rows(response, request, viewer, asked)
    answers.add_tabs(response, request, viewer, asked)
    return response


# --- Several at once ------------------------------------------------------------------------------


@staff_page("GET", "HEAD", "POST")
def bulk(request: HttpRequest, viewer: User) -> HttpResponse:
    """Show what a bulk would do, do it, show what it did, take it back."""
    asked = QueueFilter.parse(request.GET)
    if request.method != "POST":
        result = bulk_page.read_result(request.GET, viewer)
        return _bulk_page(request, asked, result=result)
    refuse_unstorable_form(request)
    step = request.POST.get("step", "")
    if step == "undo":
        return _undo_bulk(request, viewer, asked)
    wanted = bulk_page.parse(request.POST)
    if not wanted.pairs:
        messages.warning(request, "Select some items first.")
        return redirect(asked.url())
    if step != "apply":
        return _bulk_page(request, asked, preview=bulk_page.read_preview(wanted, viewer))
    try:
        rows = bulk_page.apply(wanted, viewer)
    except DomainError as error:
        preview = bulk_page.read_preview(wanted, viewer)
        return _bulk_page(request, asked, preview=preview, error=error, status=INVALID)
    query = urlencode(asked.parameters() | bulk_page.result_query(rows), doseq=True)
    return redirect(f"{reverse('moderation:bulk')}?{query}")


def _bulk_page(
    request: HttpRequest, asked: QueueFilter, *, status: int = 200, **also: Any
) -> HttpResponse:
    context = {"asked": asked, "tab": "queue"} | also
    return render(request, "staff/bulk.html", context, status=status)


def _undo_bulk(request: HttpRequest, viewer: User, asked: QueueFilter) -> HttpResponse:
    try:
        batch = uuid.UUID(request.POST.get("batch", ""))
    except ValueError:
        raise Http404 from None
    rows = undo_batch(batch=batch, actor=viewer)
    undone = sum(row.decision is not None for row in rows)
    messages.success(request, f"{undone} of {len(rows)} decisions taken back.")
    for refusal in sorted({row.refusal.message for row in rows if row.refusal}):
        messages.warning(request, refusal)
    return redirect(asked.url())


# --- The list -------------------------------------------------------------------------------------


@staff_page("GET", "HEAD")
def decisions(request: HttpRequest, viewer: User) -> HttpResponse:
    """List decisions, newest first: one's own unless all are asked for."""
    is_all, notices = request.GET.get("who") == "all", []
    after = request.GET.get("after", "")
    try:
        page = decision_list.read_page(viewer, is_all=is_all, after=after)
    except CursorRefused:
        notices.append("That part of the list cannot be found; these are the newest.")
        page = decision_list.read_page(viewer, is_all=is_all)
    context = {"page": page, "is_all": is_all, "notices": notices, "tab": "decisions"}
    partial = wants_partial(request) and page.is_continued
    template = "staff/_decision_rows.html" if partial else "staff/decisions.html"
    return render(request, template, context)


@staff_page("GET", "HEAD")
def export(request: HttpRequest, viewer: User) -> HttpResponseBase:
    """Send decisions as CSV, newest first, as they are read; so many and no more."""
    is_all = request.GET.get("who") == "all"
    lines = decision_list.csv_lines(viewer, is_all=is_all)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="decisions.csv"'
    return response

"""The queue and the item in it: reading, claiming, noting."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.identity import staff_page
from accounts.models import User
from accounts.views import refuse_unstorable_form
from config.errors import DomainError
from config.htmx import wants_partial
from config.pagination import CursorRefused
from moderation import answers, queue_page
from moderation.pane import find_item
from moderation.queue_forms import CLAIMS, KINDS, SEVERITIES, SORT_TITLE, QueueFilter
from moderation.services import items

NOTHING_FREE = "Nothing is free: everything is decided, or somebody is at it."


@staff_page("GET", "HEAD")
def queue(request: HttpRequest, viewer: User) -> HttpResponse:
    """Show the queue, and the item that the address selects beside it."""
    asked = QueueFilter.parse(request.GET)
    if "" in request.GET.values() and "HX-Request" not in request.headers:
        return redirect(asked.url())  # A form without a script sends its empty fields, too.
    only_more = wants_partial(request) and bool(asked.until)
    try:
        page = queue_page.read_page(asked, viewer, only_more=only_more)
    except CursorRefused:
        told = (*asked.notices, "That place in the list is not one of ours; this is its start.")
        asked, only_more = replace(asked, until="", notices=told), False
        page = queue_page.read_page(asked, viewer)
    context = {"asked": asked, "page": page}
    if only_more:
        return render(request, "staff/_queue_rows.html", context)
    context |= {
        "tabs": queue_page.read_tabs(asked, viewer),
        "chips": asked.chips(),
        "quiet": None if page.rows else queue_page.read_quiet(),
        "done": answers.read_done(asked, viewer),
        "kinds": KINDS,
        "severities": SEVERITIES,
        "claims": CLAIMS,
        "sort_title": SORT_TITLE,
        "tab": "queue",
    }
    if asked.item and find_item(asked.item, viewer) is not None:
        context |= answers.pane_context(request, viewer, asked.item, asked)
    response = render(request, "staff/queue.html", context)
    response.headers[_history_header(request, asked)] = asked.url()
    return response


def _history_header(request: HttpRequest, asked: QueueFilter) -> str:
    """Say whether the answer is a new place for “Back”: not the place itself, read once more.

    “Back” reads a place again, too; pushed, it could never be left.
    """
    restored = "HX-History-Restore-Request" in request.headers
    here = urlsplit(request.headers.get("HX-Current-URL", ""))
    is_here = f"{here.path}?{here.query}".rstrip("?") == asked.url()
    return "HX-Replace-Url" if restored or is_here else "HX-Push-Url"


@staff_page("POST")
def take_next(request: HttpRequest, viewer: User) -> HttpResponse:
    """Take up the most urgent free item and show it."""
    asked = QueueFilter.parse(request.GET)
    item = items.claim_next(actor=viewer)
    if item is None:
        messages.info(request, NOTHING_FREE)
        return redirect(asked.url(item=0))
    return redirect(asked.item_url(item.pk))


# --- One item -------------------------------------------------------------------------------------


@staff_page("GET", "HEAD")
def item(request: HttpRequest, viewer: User, item_id: int) -> HttpResponse:
    """Show one item: a page of its own, or the pane."""
    asked = replace(QueueFilter.parse(request.GET), item=item_id)
    return answers.show_item(request, viewer, item_id, asked)


@staff_page("POST")
def claim(request: HttpRequest, viewer: User, item_id: int) -> HttpResponse:
    """Take an item up; from somebody else when asked to."""
    asked = replace(QueueFilter.parse(request.GET), item=item_id)
    take_over = request.POST.get("take_over") == "1"
    try:
        items.claim_item(item_id=item_id, actor=viewer, take_over=take_over)
    except DomainError as error:
        return answers.refused(request, viewer, item_id, asked, error)
    told = "You have taken it over." if take_over else "It is yours for ten minutes."
    return answers.done_so(request, viewer, item_id, asked, told)


@staff_page("POST")
def release(request: HttpRequest, viewer: User, item_id: int) -> HttpResponse:
    """Give the own claim back."""
    asked = replace(QueueFilter.parse(request.GET), item=item_id)
    try:
        released = items.release_item(item_id=item_id, actor=viewer)
    except items.ItemMissing:
        raise Http404 from None
    told = "It is free again." if released else "It was not yours any more."
    return answers.done_so(request, viewer, item_id, asked, told)


@staff_page("POST")
def heartbeat(request: HttpRequest, viewer: User, item_id: int) -> HttpResponse:
    """Prolong the claim of whoever has the item before their eyes; say so when it is not theirs."""
    asked = replace(QueueFilter.parse(request.GET), item=item_id)
    try:
        items.claim_item(item_id=item_id, actor=viewer)
    except DomainError as error:
        return answers.refused(request, viewer, item_id, asked, error)
    return HttpResponse(status=204)


@staff_page("POST")
def note(request: HttpRequest, viewer: User, item_id: int) -> HttpResponse:
    """Note something for the other moderators."""
    refuse_unstorable_form(request)
    asked = replace(QueueFilter.parse(request.GET), item=item_id)
    text = request.POST.get("note", "")
    try:
        items.add_note(item_id=item_id, actor=viewer, text=text)
    except DomainError as error:
        if isinstance(error, items.ItemMissing):
            return answers.refused(request, viewer, item_id, asked, error)
        return answers.show_item(
            request, viewer, item_id, asked, status=422, note_error=error.message, note_text=text
        )
    return answers.done_so(request, viewer, item_id, asked, "Noted for the other moderators.")

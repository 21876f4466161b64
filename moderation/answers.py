"""The answers of the desk's views: a whole page without a script, a region and toast with htmx."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string

from accounts.models import User
from config.errors import DomainError
from config.htmx import wants_partial
from moderation import queue_page
from moderation.models import Decision, ItemState
from moderation.pane import find_item, read_pane
from moderation.queue_forms import QueueFilter, Typed
from moderation.services.cases import KeyUsed
from moderation.services.decisions import ItemChanged
from moderation.services.items import ClaimedByOther, ItemClosed, OwnSkill
from moderation.services.undo import CannotUndo, may_undo

CONFLICT: Final = 409
CONFLICTS: Final = (ClaimedByOther, ItemClosed, ItemChanged, OwnSkill, CannotUndo, KeyUsed)


@dataclass(frozen=True)
class Conflict:
    """Why nothing was done: what happened meanwhile, and whether it can be taken over."""

    message: str
    since: datetime | None = None
    offers_take_over: bool = False


def conflict_of(error: DomainError) -> Conflict:
    """Return what a conflict says on the page."""
    if isinstance(error, ClaimedByOther):
        return Conflict(error.message, error.since, offers_take_over=True)
    return Conflict(error.message)


def pane_context(
    request: HttpRequest,
    viewer: User,
    item_id: int,
    asked: QueueFilter,
    *,
    typed: Typed | None = None,
    **also: Any,
) -> dict[str, Any]:
    """Read one item for the pane. Raises `Http404`."""
    item = find_item(item_id, viewer)
    if item is None:
        raise Http404
    base, file = request.GET.get("base", "")[:100], request.GET.get("file", "")[:500]
    lists_all = request.GET.get("files") == "all"
    pane = read_pane(item, viewer, base=base, file=file, lists_all=lists_all, typed=typed)
    return {
        "pane": pane,
        "item": item,
        "asked": asked,
        "base": base,
        "item_url": asked.item_url(item_id),
        "typed": pane.typed,
        "request_key": uuid.uuid4(),
        "tab": "queue",
    } | also


def show_item(
    request: HttpRequest,
    viewer: User,
    item_id: int,
    asked: QueueFilter,
    *,
    status: int = 200,
    told: str = "",
    **also: Any,
) -> HttpResponse:
    """Answer with one item: the pane for htmx, else a page of its own."""
    if not wants_partial(request):
        alone = replace(asked, is_alone=True)
        context = pane_context(request, viewer, item_id, alone, **also)
        context |= {"back_url": asked.url(item=0), "done": read_done(asked, viewer)}
        return render(request, "staff/item.html", context, status=status)
    context = pane_context(request, viewer, item_id, asked, **also)
    response = render(request, "staff/_pane.html", context, status=status)
    response.headers["HX-Replace-Url"] = asked.item_url(item_id)
    if told:
        response.write(render_to_string("staff/_toast.html", {"message": told}, request))
    return response


def refused(
    request: HttpRequest, viewer: User, item_id: int, asked: QueueFilter, error: DomainError
) -> HttpResponse:
    """Answer that nothing was done, and show the item as it stands now."""
    told = conflict_of(error)
    return show_item(request, viewer, item_id, asked, status=CONFLICT, conflict=told)


def done_so(
    request: HttpRequest, viewer: User, item_id: int, asked: QueueFilter, told: str
) -> HttpResponse:
    """Answer that something was done to an item, which stays where it is."""
    if not wants_partial(request):
        messages.success(request, told)
        return redirect(asked.item_url(item_id))
    response = show_item(request, viewer, item_id, asked, told=told)
    add_row(response, request, viewer, item_id, asked)
    return response


def add_row(
    response: HttpResponse, request: HttpRequest, viewer: User, item_id: int, asked: QueueFilter
) -> None:
    """Add an item's row as it is now; htmx puts it into the place of the old one."""
    row = queue_page.read_row(item_id, replace(asked, item=item_id), viewer)
    context = {"row": row, "asked": asked, "oob": True}
    response.write(render_to_string("staff/_queue_row.html", context, request))


def add_rows(
    response: HttpResponse, request: HttpRequest, viewer: User, asked: QueueFilter
) -> None:
    """Add the rows anew, where an item may have come back to its place among them."""
    page = queue_page.read_page(replace(asked, until=""), viewer)
    context = {"page": page, "asked": asked, "oob": True}
    response.write(render_to_string("staff/_queue_list.html", context, request))


def add_tabs(
    response: HttpResponse, request: HttpRequest, viewer: User, asked: QueueFilter
) -> None:
    """Add how many wait under each tab."""
    context = {"tabs": queue_page.read_tabs(asked, viewer), "oob": True}
    response.write(render_to_string("staff/_queue_counts.html", context, request))


# --- What was just decided ------------------------------------------------------------------------


@dataclass(frozen=True)
class Done:
    """A decision just made, with what it says and whether it can be taken back right here."""

    decision: Decision
    may_undo: bool

    @property
    def sentence(self) -> str:
        """Return what was done, in one sentence."""
        decision = self.decision
        told = f"{decision.get_action_display()}: {decision.skill_label} {decision.version_label}"
        if closed := decision.reports_closed:
            told += f", {closed} report{'s' if closed > 1 else ''} closed"
        return f"{told}."


def read_done(asked: QueueFilter, viewer: User) -> Done | None:
    """Return the decision that the address says was just made: one statement, if there is one."""
    if not asked.done:
        return None
    rows = Decision.objects.select_related("item").filter(pk=asked.done, actor=viewer)
    decision = rows.first()
    return done_of(decision, viewer) if decision is not None else None


def done_of(decision: Decision, viewer: User) -> Done:
    """Return how a decision stands; `item` is as stored now."""
    item = decision.item
    is_last = item is not None and item.decision_id == decision.pk
    is_closed = item is not None and item.state != ItemState.OPEN
    return Done(decision, is_last and is_closed and may_undo(decision, viewer))

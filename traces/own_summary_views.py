"""`/me/traces/{id}/summary/`: an author asks for a summary, and is told how it stands."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.identity import page_actor, signed_in
from accounts.models import User
from accounts.views import refuse_unstorable_form
from config.api import take_quota
from config.errors import DomainError
from config.htmx import wants_partial
from config.site import too_many_requests
from traces.addresses import trace_url
from traces.due import Verdict
from traces.lookup import member_trace
from traces.models import SummaryTrigger, Trace
from traces.policy import may_manage
from traces.services import refreshes
from traces.services.publishing import TraceNotFound
from traces.summary_card import SOON, member_card

CONFLICT: Final = 409
# What the form says about where it stands: the public page, or else the author's.
FROM_PAGE: Final = "page"
ASKED: Final = f"Asked for. {SOON}"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def summary(request: HttpRequest, viewer: User, public_id: str) -> HttpResponse:
    """Show how the summary of a trace stands; a POST asks for one now."""
    actor = page_actor(request)
    try:
        found = member_trace(actor, public_id)
    except TraceNotFound:
        raise Http404 from None
    if not may_manage(actor, found):
        raise Http404
    if request.method != "POST":
        return _card(request, found) if wants_partial(request) else _back(request, found)
    refuse_unstorable_form(request)
    quota = take_quota(request, "write", viewer)
    if not quota.allowed:
        return too_many_requests(request, quota.reset_seconds)
    refused, told = False, ASKED
    try:
        verdict = refreshes.ask(trace=found, actor=viewer, trigger=SummaryTrigger.AUTHOR)
        if verdict != Verdict.DUE:
            told = refreshes.WHY[verdict]
    except DomainError as refusal:
        refused, told = True, refusal.message
    if wants_partial(request):
        found.refresh_from_db()
        return _card(request, found, told, status=CONFLICT if refused else 200)
    (messages.warning if refused else messages.success)(request, told)
    return _back(request, found)


def _back(request: HttpRequest, found: Trace) -> HttpResponse:
    if request.POST.get("from") == FROM_PAGE:
        return redirect(trace_url(found))
    return redirect("own_traces:trace", found.public_id)


def _card(request: HttpRequest, found: Trace, told: str = "", *, status: int = 200) -> HttpResponse:
    context = {"card": member_card(found, may_refresh=True), "told": told}
    response = render(request, "components/_summary_card.html", context, status=status)
    patch_vary_headers(response, ("HX-Request", "HX-Request-Type"))
    return response

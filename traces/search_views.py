"""`/t/search/` and `GET /v1/search`: traces by the words of them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.identity import api_actor, page_actor
from accounts.models import Scope
from accounts.policy import require_scope
from config import envelope
from config.api import take_quota
from config.pagination import parse_limit
from config.patience import SearchTooSlow
from config.site import too_many_requests
from traces.search import MAX_LIMIT, MAX_QUERY, PAGE_LIMIT, clean_query, search
from traces.serializers import trace_data


@never_cache  # Of what is found, some may be the visitor's own.
@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    """Show the traces that match best."""
    actor, typed = page_actor(request), request.GET.get("q", "")
    quota = take_quota(request, "read", actor.user)
    if not quota.allowed:
        return too_many_requests(request, quota.reset_seconds)
    notices = list[str]()
    if len(typed) > MAX_QUERY:
        notices.append(f"Only the first {MAX_QUERY} characters are searched for.")
    try:
        hits = search(actor, typed)
    except SearchTooSlow as refusal:
        hits = []
        notices.append(refusal.message)
    context = {
        "query": clean_query(typed),
        "hits": hits,
        "is_full": len(hits) == PAGE_LIMIT,
        "notices": notices,
    }
    return render(request, "public/trace_search.html", context)


@envelope.call("read", api_actor)
def search_call(request: HttpRequest) -> HttpResponseBase:
    """Tell the traces that match best, in the shape of a list."""
    actor = request.actor  # type: ignore[attr-defined]
    if actor.user is not None:
        require_scope(actor, Scope.TRACES_READ)
    limit = min(parse_limit(request.GET.get("limit"), PAGE_LIMIT), MAX_LIMIT)
    hits = search(actor, request.GET.get("q", ""), limit=limit)
    told = [trace_data(hit.trace) | {"snippet": hit.snippet.text} for hit in hits]
    return envelope.ok({"traces": told, "continueCursor": None, "isDone": True})

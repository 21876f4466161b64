"""Addresses of what authors and staff do with traces, and of the search."""

from __future__ import annotations

from django.urls import URLPattern, path

from traces import own_summary_views, own_views, search_views, staff_views

app_name = "own_traces"

MINE = "me/traces/<str:public_id>/"
STAFF = "staff/traces/<str:public_id>/"

urlpatterns: list[URLPattern] = [
    path("t/search/", search_views.search_page, name="search"),
    path("me/traces/", own_views.traces, name="traces"),
    path(MINE, own_views.trace, name="trace"),
    path(f"{MINE}transfer/", own_views.transfer, name="transfer"),
    path(f"{MINE}unshare/", own_views.unshare, name="unshare"),
    path(f"{MINE}summary/", own_summary_views.summary, name="summary"),
    path("staff/traces/", staff_views.find, name="staff-find"),
    path(STAFF, staff_views.trace, name="staff-trace"),
    path(f"{STAFF}recount/", staff_views.recount, name="staff-recount"),
]

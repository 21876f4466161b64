"""Addresses of what authors and staff do with traces, and of the search."""

from __future__ import annotations

from django.urls import URLPattern, path

from traces import (
    own_summary_views,
    own_views,
    search_views,
    staff_views,
    summary_log_views,
    summary_staff_views,
)

app_name = "own_traces"

MINE = "me/traces/<str:public_id>/"
STAFF = "staff/traces/<str:public_id>/"
SUMMARIES = "staff/summaries/"
OF_NAMESPACE = f"{SUMMARIES}namespaces/<str:handle>/"

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
    path(f"{STAFF}summary/", summary_staff_views.trace_summary, name="trace-summary"),
    path(f"{STAFF}summary/switch/", staff_views.switch_summaries, name="trace-summary-switch"),
    path(SUMMARIES, summary_staff_views.dashboard, name="summaries"),
    path(f"{SUMMARIES}switch/", summary_staff_views.switch_site, name="summary-switch"),
    path(f"{SUMMARIES}caps/", summary_staff_views.set_site_caps, name="summary-caps"),
    path(f"{SUMMARIES}resume/", summary_staff_views.try_again, name="summary-resume"),
    path(f"{SUMMARIES}retry/", summary_staff_views.retry, name="summary-retry"),
    path(f"{SUMMARIES}refresh/", summary_staff_views.refresh, name="summary-refresh"),
    path(f"{SUMMARIES}logs/", summary_log_views.logs, name="summary-logs"),
    path(f"{SUMMARIES}logs/<int:log_id>/", summary_log_views.log, name="summary-log"),
    path(
        f"{SUMMARIES}namespaces/",
        summary_staff_views.find_namespace,
        name="summary-find-namespace",
    ),
    path(OF_NAMESPACE, summary_staff_views.namespace, name="summary-namespace"),
    path(
        f"{OF_NAMESPACE}switch/",
        summary_staff_views.switch_namespace,
        name="summary-namespace-switch",
    ),
    path(
        f"{OF_NAMESPACE}caps/",
        summary_staff_views.set_namespace_caps,
        name="summary-namespace-caps",
    ),
]

"""Addresses of the traces contract that are about traces and their messages.

A client puts its ids into the path as they are, slashes and colons included; so the fixed ends of
an address are looked for first, and an id is whatever stands before them.
"""

from __future__ import annotations

from django.urls import path

from config.envelope import by_method
from traces import v1_views as calls
from traces.search_views import search_call
from traces.trace_views import download

ONE = "traces/<path:external_id>"

urlpatterns = [
    path("feed", by_method(GET=calls.feed)),
    path("search", by_method(GET=search_call)),
    path("traces", by_method(GET=calls.list_own)),
    path("namespaces/<str:handle>/traces", by_method(GET=calls.list_namespace)),
    path(f"{ONE}/messages/batch", by_method(POST=calls.post_messages)),
    path(f"{ONE}/messages", by_method(GET=calls.get_messages)),
    path(f"{ONE}/download", by_method(GET=download)),
    path(f"{ONE}/transfer", by_method(POST=calls.transfer_trace)),
    path(f"{ONE}/messages/<path:message_id>", by_method(PUT=calls.put_message)),
    path(
        ONE,
        by_method(PUT=calls.put_trace, GET=calls.get_trace, DELETE=calls.delete_trace),
    ),
]

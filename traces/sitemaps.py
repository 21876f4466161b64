"""The section of the sitemap that is about public traces, by their ids."""

from __future__ import annotations

from collections.abc import Iterable

from config.sitemaps import SECTIONS, Entry, Section, ids_of
from traces.addresses import FEED, trace_url
from traces.models import Trace


def _traces(part: int) -> Iterable[Entry]:
    if not part:
        yield FEED, None
    rows = Trace.objects.public().filter(**ids_of(part)).order_by("pk")
    for trace in rows.only("public_id", "updated_at"):
        yield trace_url(trace), trace.updated_at


SECTIONS["traces"] = Section(_traces, Trace)

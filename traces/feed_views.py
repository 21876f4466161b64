"""The list of public traces, as a page and as a feed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Self
from xml.sax.saxutils import escape, quoteattr

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from config.feeds import ATOM_TYPE, atom_feed, revalidated, xml_text
from config.formats import machine_time
from config.htmx import wants_partial
from config.pagination import CursorRefused, read_cursor, sign_cursor
from config.text import clean_line
from traces.addresses import FEED, trace_url
from traces.agents import AGENT_NAMES, agent_name
from traces.model_names import model_name
from traces.models import Trace
from traces.querysets import TraceQuerySet
from traces.serializers import title_source

PAGE_ROWS: Final = 25
# Rows shown again above a place in the list, at most.
ROWS_ABOVE: Final = 175
FEED_ROWS: Final = 25
LISTING: Final = "public-traces"
CURSOR_NOTICE: Final = "This place in the list is not known. The list begins at its start."
_NAMES: Final = ("agent", "repo", "until")
_LENGTHS: Final = {"agent": 64, "repo": 1024, "until": 1024}


@dataclass(frozen=True)
class FeedFilter:
    """Which public traces are asked for, from a place on."""

    agent: str = ""
    repo: str = ""
    until: str = ""

    @classmethod
    def parse(cls, given: QueryDict) -> Self:
        """Read a query string; never raises."""

        def read(name: str) -> str:
            return clean_line(given.get(name, "")[: _LENGTHS[name]], _LENGTHS[name])

        return cls(agent=read("agent"), repo=read("repo"), until=read("until"))

    def is_canonical(self, given: QueryDict) -> bool:
        """Say whether `given` spells this filter without empty parameters."""
        return {name: given[name] for name in _NAMES if name in given} == self.parameters()

    def parameters(self) -> dict[str, str]:
        """Return the query string as a mapping, defaults left out, in one order."""
        return {name: value for name in _NAMES if (value := getattr(self, name))}

    def url(self, path: str = FEED, **changes: Any) -> str:
        """Return the address of this list with changes, from its beginning unless `until` says."""
        query = replace(self, **{"until": "", **changes}).parameters()
        return f"{path}?{urlencode(query)}" if query else path

    def traces(self) -> TraceQuerySet:
        """Return what is asked for, in no order, without long texts."""
        rows: TraceQuerySet = Trace.objects.public().without_texts()
        if self.agent:
            rows = rows.filter(agent_id=self.agent)
        if self.repo:
            rows = rows.filter(git_remote_url=self.repo)
        return rows

    @property
    def listing(self) -> str:
        """Return what a cursor is signed for."""
        return f"{LISTING}:{self.agent}:{self.repo}"


@dataclass(frozen=True)
class FeedPage:
    """A part of the list; `above` so many rows lead to the place asked for."""

    traces: list[Trace]
    above: int = 0
    next: str = ""
    is_start: bool = True


def read_feed(asked: FeedFilter, *, alone: bool = False) -> FeedPage:
    """Return the rows of a filter at its place, and unless `alone` those above that lead there.

    Raises `CursorRefused`. One statement at the beginning, two below.
    """
    after, lead, is_start = None, list[Trace](), True
    if asked.until:
        (after,) = read_cursor(asked.listing, asked.until, int)
        if not alone:
            upwards = asked.traces().filter(pk__gte=after).order_by("pk")
            lead = list(upwards[: ROWS_ABOVE + 1])[::-1]
            is_start, lead = len(lead) <= ROWS_ABOVE, lead[-ROWS_ABOVE:]
    found = list(asked.traces().newest_first(after)[: PAGE_ROWS + 1])
    shown = found[:PAGE_ROWS]
    following = sign_cursor(asked.listing, shown[-1].pk) if len(found) > PAGE_ROWS else ""
    return FeedPage([*lead, *shown], len(lead), following, is_start)


@require_safe
def feed(request: HttpRequest) -> HttpResponse:
    """Show the public traces that the query string asks for, newest first."""
    asked = FeedFilter.parse(request.GET)
    if not asked.is_canonical(request.GET):
        return redirect(asked.url(until=asked.until))
    partial, notice = wants_partial(request), ""
    try:
        found = read_feed(asked, alone=partial)
    except CursorRefused:
        asked, notice = replace(asked, until=""), CURSOR_NOTICE
        found = read_feed(asked)
    rows = [row_of(trace) for trace in found.traces]
    context = {
        "above": rows[: found.above],
        "rows": rows[found.above :],
        "next_url": found.next and asked.url(until=found.next),
    }
    if partial:
        response = render(request, "public/_trace_rows.html", context)
        response.headers["HX-Replace-Url"] = asked.url(until=asked.until)
    else:
        response = render(request, "public/traces.html", context | _around(asked, found, notice))
    patch_vary_headers(response, ("Cookie", "HX-Request", "HX-Request-Type"))
    # Asked again each time: what is taken back is gone in the next request.
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def row_of(trace: Trace) -> dict[str, Any]:
    """Return what a list shows of a trace."""
    return {
        "url": trace_url(trace),
        "title": trace.title,
        "has_ai_title": title_source(trace) == "ai",
        "author": trace.author_handle,
        "owner": trace.owner_handle,
        "agent": agent_name(trace.agent_id),
        "agent_url": FeedFilter(agent=trace.agent_id).url(),
        "model": model_name(trace.model),
        "repo": trace.git_remote_url.removeprefix("https://"),
        "repo_url": FeedFilter(repo=trace.git_remote_url).url() if trace.git_remote_url else "",
        "messages": trace.message_count,
        "created_at": trace.created_at,
    }


def _around(asked: FeedFilter, found: FeedPage, notice: str) -> dict[str, Any]:
    agents = dict(AGENT_NAMES)
    if asked.agent:
        agents.setdefault(asked.agent, asked.agent)
    return {
        "asked": asked,
        "agents": agents,
        "notices": [notice] if notice else [],
        "start_url": "" if found.is_start else asked.url(),
        "is_narrowed": bool(asked.agent or asked.repo),
        "canonical": settings.SITE_URL + FEED,
        "is_indexable": not asked.parameters(),
        "atom_url": asked.url("/t.atom"),
        "site_url": settings.SITE_URL,
    }


# --- The feed -------------------------------------------------------------------------------------


@require_safe
def atom(request: HttpRequest) -> HttpResponse:
    """Answer with the newest public traces as an Atom feed."""
    asked = replace(FeedFilter.parse(request.GET), until="")
    traces = list(asked.traces().newest_first()[:FEED_ROWS])
    changed = max((trace.updated_at for trace in traces), default=None)
    body = write_atom(asked, traces, changed)
    return revalidated(request, body, ATOM_TYPE, changed)


def write_atom(asked: FeedFilter, traces: list[Trace], changed: datetime | None) -> bytes:
    """Return the feed of these traces."""
    return atom_feed(
        page=settings.SITE_URL + asked.url(),
        feed=settings.SITE_URL + asked.url("/t.atom"),
        title="Traces",
        updated=changed,
        entries="".join(map(_entry, traces)),
    )


def _entry(trace: Trace) -> str:
    url = settings.SITE_URL + trace_url(trace)
    author = escape(trace.author_handle or trace.owner_handle)
    about = f"{trace.message_count:,} messages of {agent_name(trace.agent_id)}"
    return (
        f"<entry><id>{escape(url)}</id><title>{xml_text(trace.title, 200) or 'Untitled'}</title>"
        f"<updated>{machine_time(trace.updated_at)}</updated>"
        f"<published>{machine_time(trace.created_at)}</published>"
        f'<link rel="alternate" type="text/html" href={quoteattr(url)}/>'
        f"<author><name>{author}</name></author>"
        f"<summary>{xml_text(about, 200)}</summary></entry>\n"
    )

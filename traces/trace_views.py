"""The pages of a trace: its conversation, every message of it, one message, and the file of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.identity import api_actor, page_actor
from accounts.models import Visibility
from accounts.policy import Actor
from config import envelope
from config.htmx import wants_partial
from config.pagination import CursorRefused, read_cursor, sign_cursor
from config.text import clean_line
from traces import chunk_rows, chunks
from traces.addresses import at_url, messages_url, trace_url
from traces.agents import agent_name
from traces.chunk_rows import END, START, TOOL_KINDS, Key, Place, Row
from traces.chunks import Body, Chunk
from traces.derived import COUNTED
from traces.lookup import find_trace
from traces.markdown_export import ExportMessage, ExportTrace, lines
from traces.model_names import model_name
from traces.models import Kind, Message, Trace
from traces.policy import may_manage
from traces.serializers import shared_url, title_source
from traces.services.publishing import TraceNotFound
from traces.summary_card import SummaryCard, member_card, reader_card
from traces.tool_types import tools_named
from traces.trace_images import image_url

CONVERSATION: Final = tuple(kind for kind in Kind if kind not in TOOL_KINDS)
# What `?type=` names: the tabs, whose counts stand on the trace, and the parts of the contract.
TABS: Final = {
    "user": "User",
    "assistant": "Assistant",
    "tool": "Tools",
    "error": "Errors",
}
TYPES: Final = {
    **{name: COUNTED[f"{name}_count"] for name in TABS},
    "tool_call": (Kind.TOOL_CALL,),
    "tool_result": (Kind.TOOL_RESULT, Kind.TOOL_ERROR),
    "thinking": (Kind.THINKING,),
}
VISIBILITIES: Final = {
    Visibility.PUBLIC: "Public",
    Visibility.DIRECT: "Everybody with the link",
    Visibility.PRIVATE: "Private",
}
LINK_ENDED: Final = "Link ended"
# What others are told of a trace that is shared by its link alone.
GENERIC_TITLE: Final = "A shared session of a coding agent"
GENERIC_DESCRIPTION: Final = "Shared by its link."
# A trace that messages came to since is still being written, as far as anybody can tell.
LIVE: Final = timedelta(minutes=10)
LOST_PLACE: Final = "This place of the trace is not known any more. It begins at its start."
NO_CONTENT: Final = 204
OUTLINE_HTML: Final = 6_000
LABEL_LENGTH: Final = 60
DOWNLOADED_AT_ONCE: Final = 200
WHOLE_TEXT: Final = 200_000
_NUMBER: Final = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Asked:
    """Which messages of a trace a page shows, and from where on."""

    full: bool
    kinds: tuple[str, ...]
    tools: tuple[str, ...] = ()
    type: str = ""
    tool_type: str = ""

    @classmethod
    def parse(cls, request: HttpRequest, *, full: bool) -> Asked:
        """Read the filters of an address; what is none is ignored."""
        if not full:
            return cls(full=False, kinds=CONVERSATION)
        kind = request.GET.get("type", "")
        kind = kind if kind in TYPES else ""
        tool = clean_line(request.GET.get("toolType", "")[:200], 100)
        tools = tools_named(tool)
        kinds = TYPES.get(kind) or (TOOL_KINDS if tools else tuple(Kind))
        return cls(full=True, kinds=kinds, tools=tools, type=kind, tool_type=tool if tools else "")

    @property
    def query(self) -> dict[str, str]:
        """Return the filters as an address names them."""
        named = {"type": self.type, "toolType": self.tool_type}
        return {name: value for name, value in named.items() if value}

    def listing(self, trace: Trace) -> str:
        """Return what a cursor is signed for."""
        return f"messages:{trace.pk}:{self.full}:{self.type}:{self.tool_type}"


# --- Which trace ----------------------------------------------------------------------------------


def readable(actor: Actor, wanted: str) -> Trace:
    """Return the trace that an address names. Raises `Http404`, also for what may not be read."""
    try:
        return find_trace(actor, wanted)
    except TraceNotFound:
        raise Http404 from None


@require_safe
def to_page(request: HttpRequest, wanted: str) -> HttpResponse:
    """Lead from other spellings of the address to the one."""
    return redirect(trace_url(readable(page_actor(request), wanted)))


@require_safe
def conversation(request: HttpRequest, wanted: str) -> HttpResponse:
    """Show what people and agent said; what tools did is told in a line."""
    return _page(request, readable(page_actor(request), wanted), full=False)


@require_safe
def every_message(request: HttpRequest, wanted: str) -> HttpResponse:
    """Show every message, or those of a type."""
    return _page(request, readable(page_actor(request), wanted), full=True)


# --- A page of messages ---------------------------------------------------------------------------


def _page(request: HttpRequest, trace: Trace, *, full: bool) -> HttpResponse:
    asked = Asked.parse(request, full=full)
    url = trace_url(trace) + ("/full" if full else "")
    place, notice = Place(), ""
    try:
        if request.GET.get("newer"):
            return uncached(_newer(request, trace, asked, url))
        found = _place(request, trace, asked)
        if isinstance(found, str):
            return redirect(found)
        place = found
    except CursorRefused:
        notice = LOST_PLACE
    chunk = read_chunk(trace, asked, place)
    live = is_live(trace)
    if place.is_backwards and not chunk.blocks:
        return redirect(_with(url, asked.query))
    context = {
        "chunk": chunk,
        "next_url": _cursor_url(url, trace, asked, "after", chunk.blocks[-1].last)
        if chunk.has_after
        else "",
        "previous_url": _cursor_url(url, trace, asked, "before", chunk.blocks[0].first)
        if chunk.has_before
        else "",
        **(_live(trace, asked, url, place, chunk) if live else {}),
    }
    if wants_partial(request):
        # What comes before stands above it on the page already.
        context["previous_url"] = ""
        response = render(request, "public/_messages.html", context)
        response.headers["HX-Replace-Url"] = request.get_full_path()
    else:
        is_start = place == Place() and not asked.query
        context |= head(trace, is_live=live) | {
            "asked": asked,
            "card": _card(request, trace),
            "tabs": _tabs(trace, asked),
            "outline": _outline(trace),
            "notice": notice,
            "start_url": "" if place == Place() else _with(url, asked.query),
            "noindex": not is_listed(trace) or not is_start or full,
        }
        response = render(request, "public/trace.html", context)
    return uncached(response)


def _live(trace: Trace, asked: Asked, url: str, place: Place, chunk: Chunk) -> dict[str, str]:
    """Return where what is still to come will be, below the last message there is so far."""
    # Of one tool nobody waits for more: its index is another.
    if chunk.has_after or asked.tools:
        return {}
    last = chunk.blocks[-1].last if chunk.blocks else place.key
    if last == START:
        return {}
    names = {"newer_url": "after", "poll_url": "newer"}
    return {key: _cursor_url(url, trace, asked, name, last) for key, name in names.items()}


def _newer(request: HttpRequest, trace: Trace, asked: Asked, url: str) -> HttpResponse:
    """Tell a page how many messages came behind its last one; no content while none did.

    Once no more are to be expected, or more are not counted, the page is told to ask no further.
    Raises `CursorRefused`.
    """
    position, pk = read_cursor(asked.listing(trace), request.GET["newer"], int, int)
    newer_url = _cursor_url(url, trace, asked, "after", (position, pk))
    if not wants_partial(request):
        return redirect(newer_url)
    count, came_at = chunk_rows.read_newer(trace, asked.kinds, (position, pk))
    is_full = count == chunk_rows.NEWER_COUNTED
    label = f"{count}{'+' if is_full else ''} new, show" if count else ""
    if is_full or not _is_recent(came_at):
        response = render(request, "public/_newer.html", {"newer_url": newer_url, "label": label})
        response.headers["HX-Retarget"] = "this"
        response.headers["HX-Reswap"] = "outerHTML"
        return response
    return HttpResponse(label) if count else HttpResponse(status=NO_CONTENT)


def _place(request: HttpRequest, trace: Trace, asked: Asked) -> Place | str:
    """Return from where on to show messages, or where to look for a message not shown here.

    Raises `CursorRefused`.
    """
    for name, compare in (("after", ">"), ("before", "<")):
        if cursor := request.GET.get(name):
            position, pk = read_cursor(asked.listing(trace), cursor, int, int)
            return Place(compare, (position, pk))
    if number := request.GET.get("from", ""):
        if _NUMBER.fullmatch(number) is None:
            raise CursorRefused
        return Place(">=", (int(number), 0))
    if wanted := request.GET.get("at", ""):
        found = chunk_rows.place_of(trace, wanted[:255])
        if found is None:
            raise CursorRefused
        key, kind = found
        if kind not in asked.kinds:
            return at_url(trace_url(trace), wanted)
        return Place(">=", key)
    return Place()


def _cursor_url(url: str, trace: Trace, asked: Asked, name: str, key: Key) -> str:
    return _with(url, {**asked.query, name: sign_cursor(asked.listing(trace), *key)})


def _with(url: str, query: dict[str, str]) -> str:
    return f"{url}?{urlencode(query)}" if query else url


def read_chunk(trace: Trace, asked: Asked, place: Place) -> Chunk:
    """Return what fits on a page from a place on: one statement, two for a conversation."""
    rows = chunk_rows.read_rows(trace, asked.kinds, place, asked.tools)
    url, backwards = trace_url(trace), place.is_backwards
    # The furthest is not shown: it says that there is more, and where the tools before it end.
    furthest = len(rows) == chunk_rows.READ_AT_ONCE and rows.pop(0 if backwards else -1)
    blocks = chunks.blocks_of(rows, url, is_backwards=backwards)
    if not asked.full:
        after, before = _tools_between(rows, place, furthest or None)
        tools = chunk_rows.tool_keys(trace, after, before)
        blocks = chunks.with_groups(blocks, [row.key for row in rows], tools, url)
    taken, was_left_out = chunks.fill(blocks, is_backwards=backwards)
    more = was_left_out or bool(furthest)
    return Chunk(
        taken,
        has_before=bool(taken) and (more if backwards else place != Place()),
        has_after=bool(taken) and (backwards or more),
    )


def _tools_between(rows: Sequence[Row], place: Place, furthest: Row | None) -> tuple[Key, Key]:
    """Return between which places the tools are that belong to these messages: behind each of them.

    In front of the first one they belong to the chunk before, if there is one.
    """
    if place.is_backwards:
        return (START if furthest is None else rows[0].key), place.key
    before = END if furthest is None else furthest.key
    if place.compare == ">" and place != Place():
        return (rows[0].key if rows else END), before
    return place.key, before


# --- What stands around the messages --------------------------------------------------------------


def is_listed(trace: Trace) -> bool:
    """Say what `TraceQuerySet.public` says of a trace that may be read."""
    return trace.is_published and trace.visibility == Visibility.PUBLIC


def is_live(trace: Trace) -> bool:
    """Say whether a trace is still being written, by when messages last came.

    Settings and summaries change it, too; one without any change needs no look: a statement less.
    """
    if not _is_recent(trace.updated_at):
        return False
    return _is_recent(chunk_rows.read_newer(trace, (), END).came_at)


def _is_recent(moment: datetime | None) -> bool:
    return moment is not None and timezone.now() - moment < LIVE


def head(trace: Trace, *, is_live: bool) -> dict[str, Any]:
    """Return what the top of each page of a trace says."""
    is_public = is_listed(trace)
    agent = agent_name(trace.agent_id)
    author = trace.author_handle or trace.owner_handle
    told = f"{trace.message_count:,} messages of {agent}, shared by @{author}."
    return {
        "trace": trace,
        "url": trace_url(trace),
        "agent": agent,
        "is_live": is_live,
        "model": model_name(trace.model),
        "has_ai_title": title_source(trace) == "ai",
        "original_title": trace.client_title if trace.client_title != trace.title else "",
        "visibility": LINK_ENDED if trace.link_has_ended else VISIBILITIES[trace.visibility_now],
        "ends_at": trace.link_ends_at if trace.visibility_now == Visibility.DIRECT else None,
        "taken_out": chunks.redaction_words(trace.redactions),
        "canonical": shared_url(trace),
        "shared_title": trace.title if is_public else GENERIC_TITLE,
        "description": told if is_public else GENERIC_DESCRIPTION,
        "image": settings.SITE_URL + image_url(trace) if is_public else "",
        "json_url": "" if trace.visibility_now == Visibility.PRIVATE else messages_url(trace),
    }


def _card(request: HttpRequest, trace: Trace) -> SummaryCard:
    """Return what a model wrote of it; to who manages it, how that stands, too."""
    if may_manage(page_actor(request), trace):
        return member_card(trace, may_refresh=True)
    return reader_card(trace)


def _tabs(trace: Trace, asked: Asked) -> list[dict[str, Any]]:
    url = trace_url(trace)
    tabs: list[dict[str, Any]] = [
        {"label": "Conversation", "url": url, "count": None, "current": not asked.full},
        {
            "label": "All",
            "url": f"{url}/full",
            "count": trace.message_count,
            "current": asked.full and not asked.query,
        },
    ]
    return tabs + [
        {
            "label": label,
            "url": f"{url}/full?type={name}",
            "count": getattr(trace, f"{name}_count"),
            "current": asked.type == name,
        }
        for name, label in TABS.items()
    ]


def _outline(trace: Trace) -> list[dict[str, Any]]:
    """Return the first turns and errors with links, as many as the page has room for."""
    found: list[dict[str, Any]] = []
    room = OUTLINE_HTML
    for row in chunk_rows.outline(trace):
        is_error = row.kind != Kind.USER
        said = clean_line(row.label or "", LABEL_LENGTH + 1)
        label = said[:LABEL_LENGTH] + "…" if len(said) > LABEL_LENGTH else said
        if is_error and not label:
            label = clean_line(row.tool, LABEL_LENGTH) or "A tool"
        room -= len(label.encode()) + 100
        if room < 0:
            break
        found.append({"position": row.position, "label": label, "is_error": is_error})
    return found


def uncached(response: HttpResponse) -> HttpResponse:
    """Let nobody keep a page: a trace that is taken back is gone in the next request."""
    patch_vary_headers(response, ("Cookie", "HX-Request", "HX-Request-Type"))
    response.headers["Cache-Control"] = "private, no-cache"
    return response


# --- One message ----------------------------------------------------------------------------------


@require_safe
def message(request: HttpRequest, wanted: str, message_id: str) -> HttpResponse:
    """Show one message whole, up to 200 KB of it."""
    trace = readable(page_actor(request), wanted)
    row = chunk_rows.whole_row(trace, message_id, WHOLE_TEXT)
    if row is None:
        raise Http404
    url, anchor = trace_url(trace), f"m-{row.position}"
    bodies: list[Body] = []
    was_cut, room = row.part_count > len(row.parts), chunks.WHOLE_HTML
    for body, is_cut in chunks.bodies_of(row, WHOLE_TEXT):
        room -= len(body.html)
        was_cut = was_cut or is_cut or room < 0
        if room < 0 and bodies:
            break
        bodies.append(body)
    context = head(trace, is_live=is_live(trace)) | {
        "html": chunks.write_message(row, bodies, anchor, url, is_cut=False, heading="h2"),
        "row": row,
        "was_cut": was_cut,
        "back_url": f"{at_url(url, row.external_id)}#{anchor}",
    }
    return uncached(render(request, "public/trace_message.html", context))


# --- The file -------------------------------------------------------------------------------------


@require_safe
def markdown(request: HttpRequest, wanted: str) -> HttpResponseBase:
    """Send a trace as a Markdown file to whoever may read its page."""
    return _file(readable(page_actor(request), wanted))


@envelope.call("download", api_actor)
def download(request: HttpRequest, external_id: str) -> HttpResponseBase:
    """Send a trace as a Markdown file: the call of the contract."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _file(find_trace(actor, external_id))


def _file(trace: Trace) -> HttpResponseBase:
    about = ExportTrace(trace.title, trace.agent_id, trace.model, trace.project_name)
    told = (f"{line}\n".encode() for line in lines(about, _exported(trace)))
    response = StreamingHttpResponse(told, content_type="text/markdown; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="trace-{trace.public_id}.md"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _exported(trace: Trace) -> Iterator[ExportMessage]:
    """Yield the messages, read in parts: no session holds a cursor open on the server."""
    after: Key | None = None
    while True:
        rows = Message.objects.live(trace).in_order(after)
        told = rows.values_list("role", "parts", "text", "position", "pk")
        found = list(told[:DOWNLOADED_AT_ONCE])
        for role, parts, text, _position, _pk in found:
            yield ExportMessage(role, parts, text or "")
        if len(found) < DOWNLOADED_AT_ONCE:
            return
        after = found[-1][3], found[-1][4]

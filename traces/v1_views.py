"""The calls of the traces client about traces and messages; one view per call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import orjson
from django.db.models import TextField
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from accounts.identity import api_actor
from accounts.models import Namespace, Scope
from accounts.organisations import AdminRequired, NamespaceNotFound, find_namespace
from accounts.policy import Actor, require_scope
from accounts.session_api import key_holder
from config import envelope
from config.bodies import BodyRefused, BodyTooLarge
from config.formats import bytes_size
from config.pagination import read_cursor, sign_cursor
from traces import batch
from traces.batch import MessageInvalid
from traces.lookup import find_trace, own_trace
from traces.models import Message, Trace
from traces.policy import may_manage
from traces.serializers import MESSAGE_COLUMNS, message_json, trace_data, trace_detail
from traces.services import ingest, publishing
from traces.uploads import read_upload

MAX_BODY: Final = 32 * 1024 * 1024
LIST_LIMIT: Final = 25
MAX_LIST: Final = 256
CHUNK: Final = 500
READ: Final = envelope.call("read", api_actor)
OWN: Final = envelope.call("read", key_holder)
WRITE: Final = envelope.call("upload", key_holder)
_LIMIT: Final = re.compile(r"[0-9]{1,6}")


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


def _writer(request: HttpRequest) -> Actor:
    """Return who writes; asked before a body of megabytes is read."""
    actor = _actor(request)
    require_scope(actor, Scope.TRACES_WRITE)
    return actor


def read_body(request: HttpRequest) -> Any:
    """Return the JSON of a body of at most 32 MiB; Django's own limit is for everything else.

    Raises `BodyTooLarge`, `BodyRefused`.
    """
    told = request.META.get("CONTENT_LENGTH") or ""
    length = int(told) if told.isascii() and told.isdecimal() and len(told) < 12 else None  # noqa: PLR2004
    if length is not None and length > MAX_BODY:
        raise BodyTooLarge(f"Send at most {bytes_size(MAX_BODY)} at once.")
    raw = request.read(MAX_BODY + 1)
    if len(raw) > MAX_BODY:
        raise BodyTooLarge(f"Send at most {bytes_size(MAX_BODY)} at once.")
    if length is not None and len(raw) < length:
        raise BodyRefused("The body was cut off on its way; send it again.")
    return batch.read_json(raw)


# --- One trace -----------------------------------------------------------------------------------


@WRITE
def put_trace(request: HttpRequest, external_id: str) -> HttpResponseBase:
    """Create a trace, change it, or publish it again."""
    actor = _writer(request)
    upload = read_upload(external_id, read_body(request))
    trace = publishing.put_trace(actor=actor, external_id=external_id, upload=upload)
    return envelope.ok({"trace": trace_detail(trace)})


@READ
def get_trace(request: HttpRequest, external_id: str) -> HttpResponseBase:
    """Tell of one trace."""
    return envelope.ok({"trace": trace_detail(find_trace(_reader(request), external_id))})


@WRITE
def delete_trace(request: HttpRequest, external_id: str) -> HttpResponseBase:
    """Take a trace back."""
    actor = _writer(request)
    trace = _managed(actor, external_id)
    publishing.unpublish(actor=actor, trace=trace)
    return envelope.ok({"trace": {"id": trace.public_id, "externalId": trace.external_id}})


@WRITE
def transfer_trace(request: HttpRequest, external_id: str) -> HttpResponseBase:
    """Move a trace to another namespace of the person."""
    actor = _writer(request)
    body = read_body(request)
    wanted = body.get("targetNamespaceId") if isinstance(body, dict) else None
    # Compared as texts: an id that could be none of ours never reaches the database.
    mine = {str(pk): pk for pk in actor.namespace_ids}
    if not isinstance(wanted, str) or wanted not in mine:
        raise NamespaceNotFound(str(wanted))
    target = Namespace.objects.get(pk=mine[wanted])
    trace = _managed(actor, external_id)
    moved = publishing.transfer(actor=actor, trace=trace, target=target)
    return envelope.ok({"trace": trace_detail(moved)})


def _managed(actor: Actor, external_id: str) -> Trace:
    trace = own_trace(actor, external_id)
    if not may_manage(actor, trace):
        raise AdminRequired(trace.namespace)
    return trace


def _reader(request: HttpRequest) -> Actor:
    """Return who reads one trace; a key needs to be one of traces at all."""
    actor = _actor(request)
    if actor.user is not None and Scope.TRACES_WRITE not in actor.scopes:
        require_scope(actor, Scope.TRACES_READ)
    return actor


# --- Messages ------------------------------------------------------------------------------------


@WRITE
def post_messages(request: HttpRequest, external_id: str) -> HttpResponseBase:
    """Store a batch of messages."""
    actor = _writer(request)
    messages = batch.read_batch(read_body(request))
    return _appended(actor, external_id, messages)


@envelope.call("message", key_holder)
def put_message(request: HttpRequest, external_id: str, message_id: str) -> HttpResponseBase:
    """Store one message, as a client does that follows a session."""
    actor = _writer(request)
    if not 0 < len(message_id) <= batch.MAX_ID:
        raise MessageInvalid(f"An id has at most {batch.MAX_ID} characters.", field="externalId")
    now = batch.milliseconds_now()
    message = batch.read_message(read_body(request), now, "message", message_id)
    # Who follows a session sends hundreds of these; the sweep sees what they make due.
    return _appended(actor, external_id, [message], wakes=False)


def _appended(
    actor: Actor, external_id: str, messages: list[batch.Received], *, wakes: bool = True
) -> HttpResponse:
    fates, count = ingest.append_messages(
        actor=actor, external_id=external_id, messages=messages, wakes=wakes
    )
    told = [{"externalId": f.external_id, "id": str(f.id), "status": f.status} for f in fates]
    return envelope.ok({"messages": told, "messageCount": count})


@READ
def get_messages(request: HttpRequest, external_id: str) -> HttpResponseBase:
    """Send every message of a trace, from top to bottom; read and sent in chunks."""
    actor = _reader(request)
    if actor.user is not None:
        require_scope(actor, Scope.TRACES_READ)
    trace = find_trace(actor, external_id)
    return StreamingHttpResponse(_messages(trace), content_type=envelope.JSON)


def _messages(trace: Trace) -> Iterator[bytes]:
    rows = Message.objects.live(trace).annotate(parts_json=Cast("parts", TextField()))
    after: tuple[int, int] | None = None
    lead = b'{"ok":true,"data":{"messages":['
    while True:
        chunk = list(rows.in_order(after).values_list(*MESSAGE_COLUMNS, "pk")[:CHUNK])
        yield lead + b",".join(message_json(row[:-1]) for row in chunk)
        if len(chunk) < CHUNK:
            break
        lead, after = b",", (chunk[-1][MESSAGE_COLUMNS.index("position")], chunk[-1][-1])
    yield b"]}}"


# --- Lists ---------------------------------------------------------------------------------------


@OWN
def list_own(request: HttpRequest) -> HttpResponseBase:
    """List what the caller shares in the active namespace, or what there is of a repository."""
    actor = _actor(request)
    require_scope(actor, Scope.TRACES_READ)
    repository = request.GET.get("gitRemoteUrl")
    if repository:
        rows = Trace.objects.listed_for(actor).filter(git_remote_url=repository)
    else:
        rows = Trace.objects.published().filter(namespace=actor.active_namespace)
        if actor.token is None:
            rows = rows.filter(created_by=actor.user)
    return _page(request, f"own:{actor.user and actor.user.pk}", rows)


@READ
def list_namespace(request: HttpRequest, handle: str) -> HttpResponseBase:
    """List the traces of a namespace that the caller may list."""
    actor = _actor(request)
    if actor.user is not None:
        require_scope(actor, Scope.TRACES_READ)
    namespace = find_namespace(handle)
    is_own = actor.speaks_for(namespace.pk)
    rows = Trace.objects.published() if is_own else Trace.objects.public()
    return _page(request, f"namespace:{namespace.pk}", rows.filter(namespace=namespace))


@READ
def feed(request: HttpRequest) -> HttpResponseBase:
    """List what everybody may list, of one agent or repository where they are named."""
    rows = Trace.objects.public()
    if agent := request.GET.get("agent"):
        rows = rows.filter(agent_id=agent)
    if repository := request.GET.get("repo"):
        rows = rows.filter(git_remote_url=repository)
    return _page(request, "feed", rows)


def _page(request: HttpRequest, listing: str, rows: Any) -> HttpResponse:
    limit = _limit(request.GET.get("limit", ""))
    cursor = request.GET.get("cursor")
    after = read_cursor(f"traces:{listing}", cursor, int)[0] if cursor else None
    found = list(rows.newest_first(after).without_texts()[: limit + 1])
    is_done, found = len(found) <= limit, found[:limit]
    following = None if is_done else sign_cursor(f"traces:{listing}", found[-1].pk)
    return envelope.ok(
        {
            "traces": [trace_data(trace) for trace in found],
            "continueCursor": following,
            "isDone": is_done,
        }
    )


def _limit(text: str) -> int:
    """Return how many a list shall hold; the client asks for up to 256."""
    wanted = int(text) if _LIMIT.fullmatch(text) else LIST_LIMIT
    return max(1, min(wanted, MAX_LIST))


@require_safe
def config_json(_request: HttpRequest) -> HttpResponse:
    """Tell the client's terminal interface our limits."""
    told = {"maxBatchItems": 50, "maxBatchBytes": 4 * 1024 * 1024, "maxEventBytes": 512 * 1024}
    return HttpResponse(orjson.dumps(told), content_type=envelope.JSON)

"""The namespaces of whoever asks, new organisations, and invites: contract 3.3."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.invites import create_invite
from accounts.models import MemberRole, Namespace
from accounts.organisations import HandleRefused, create_organisation, find_namespace
from accounts.policy import Actor
from accounts.session_api import key_holder, namespace_json, session_holder, session_of
from config import envelope
from config.api import milliseconds
from config.bodies import number_of, read_object, text_of

CREATED = 201


@envelope.call("read", key_holder)
def mine(request: HttpRequest) -> HttpResponseBase:
    """List where the caller can upload to: a person's own first; for a key its own only."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    assert actor.user is not None  # noqa: S101  (key_holder lets nobody else in)
    rows = Namespace.objects.of_person(actor.user)
    if actor.token is not None and actor.token.namespace_id is not None:
        rows = rows.filter(pk=actor.token.namespace_id)
    return envelope.ok({"namespaces": [namespace_json(row) for row in rows]})


@envelope.call("write", session_holder)
def create(request: HttpRequest) -> HttpResponseBase:
    """Make an organisation. Its slug is made from what was typed, and told in the answer."""
    body = read_object(request)
    kind = text_of(body, "type") or "org"
    if kind != "org":
        raise HandleRefused("Only organisations can be made: type is org.", field="type")
    made = create_organisation(
        user=session_of(request).user,
        slug=text_of(body, "slug"),
        display_name=text_of(body, "displayName"),
    )
    made.role = MemberRole.OWNER
    return envelope.ok({"namespace": namespace_json(made)}, status=CREATED)


@envelope.call("write", session_holder)
def invite(request: HttpRequest, handle: str) -> HttpResponseBase:
    """Make an invite into an organisation; its code is told here and nowhere else."""
    body = read_object(request)
    uses = number_of(body, "maxUses")
    made, code = create_invite(
        namespace=find_namespace(handle),
        actor=session_of(request).user,
        max_uses=1 if uses is None else uses,
        email=text_of(body, "email"),
    )
    told = {
        "id": str(made.pk),
        "code": code,
        "maxUses": made.max_uses,
        "expiresAt": milliseconds(made.expires_at),
    }
    return envelope.ok({"invite": told}, status=CREATED)

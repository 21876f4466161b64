"""Signing a command line in, and who it is signed in as: contract 3.1 and 3.2."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

from accounts.identity import api_actor
from accounts.models import DeviceSession, LoginStatus, Namespace, User
from accounts.policy import ANONYMOUS, Actor
from accounts.services import TokenRefused
from accounts.sessions import (
    LOGIN_SPAN,
    complete_login,
    end_session,
    exchange_code,
    find_login,
    start_login,
    switch_session,
)
from config import envelope
from config.bodies import read_object, text_of
from config.errors import DomainError

POLL_SECONDS: Final = 2
STATE_LENGTH: Final = 200
# Whoever may act for a namespace is one of two things to the client.
ADMIN_ROLES: Final = {"owner": "admin", "admin": "admin"}


class SessionRequired(DomainError):
    code = "session_required"

    def __init__(self) -> None:
        super().__init__("This call needs a login, not a token or key; run the login first.")


def health(_request: HttpRequest) -> HttpResponseBase:
    """Say that the server answers."""
    return envelope.ok({"status": "ok"})


# --- Who asks -----------------------------------------------------------------------------------


def anybody(_request: HttpRequest) -> Actor:
    """Return a visitor: who signs in has nothing to show yet."""
    return ANONYMOUS


def key_holder(request: HttpRequest) -> Actor:
    """Return whose session, token or key this is. Raises `TokenRefused`."""
    actor = api_actor(request)
    if actor.user is None:
        raise TokenRefused("Sign in first; run the login.", code="token_missing")
    return actor


def session_holder(request: HttpRequest) -> Actor:
    """Return whose session this is. Raises `TokenRefused`, `SessionRequired`."""
    actor = key_holder(request)
    if actor.session is None:
        raise SessionRequired
    return actor


def session_of(request: HttpRequest) -> DeviceSession:
    """Return the session of a call; `session_holder` lets nobody else in."""
    session: DeviceSession = request.actor.session  # type: ignore[attr-defined]
    return session


# --- Signing in ---------------------------------------------------------------------------------


@envelope.call("login", anybody)
def start(request: HttpRequest) -> HttpResponseBase:
    """Begin a login: a person answers it at `verificationUrl`. The provider is always this site."""
    login, state = start_login(device_id=text_of(read_object(request), "deviceId"))
    page = reverse("accounts:device-login")
    return envelope.ok(
        {
            "state": state,
            "verificationUrl": f"{settings.SITE_URL}{page}?state={login.state_sha256}",
            "pollInterval": POLL_SECONDS,
            "expiresIn": int(LOGIN_SPAN.total_seconds()),
        }
    )


# Asked every two seconds, and one refusal ends the login: not counted with the others.
@envelope.call("read", anybody)
def status(request: HttpRequest) -> HttpResponseBase:
    """Say how a login stands; a login nobody knows is one that is over."""
    state = request.GET.get("state", "")[:STATE_LENGTH]
    login = find_login(state)
    match login and login.state:
        case LoginStatus.PENDING:
            return envelope.ok({"status": "pending"})
        case LoginStatus.APPROVED:
            return envelope.ok({"status": "complete", "exchangeCode": exchange_code(state)})
        case LoginStatus.DENIED:
            return _failed("error", "The login was denied in the browser.")
        case LoginStatus.USED:
            return _failed("error", "This login was used; run the login again.")
        case _:
            return _failed("expired", "This login has expired; run the login again.")


def _failed(word: str, why: str) -> HttpResponseBase:
    return envelope.ok({"status": word, "error": why})


@envelope.call("login", anybody)
def complete(request: HttpRequest) -> HttpResponseBase:
    """Hand out the session of an approved login, once."""
    body = read_object(request)
    session, text = complete_login(
        state=text_of(body, "state")[:STATE_LENGTH],
        code=text_of(body, "exchangeCode")[:STATE_LENGTH],
    )
    own = session.namespace
    assert own is not None  # noqa: S101  (every person has one)
    told = {
        "token": str(text),
        "userId": str(session.user_id),
        "namespaceId": str(own.pk),
        "namespaceSlug": own.handle,
        "namespaceType": own.kind,
    }
    return envelope.ok({"session": told})


# --- The session --------------------------------------------------------------------------------


@envelope.call("read", session_holder)
def show(request: HttpRequest) -> HttpResponseBase:
    """Say who is signed in, and where uploads go."""
    session = session_of(request)
    active = session.namespace
    assert active is not None  # noqa: S101  (every person has one)
    active.role = (session.active_role if active == session.active_namespace else None) or "owner"
    return envelope.ok(_session_json(session.user, active))


@envelope.call("write", session_holder)
def switch(request: HttpRequest) -> HttpResponseBase:
    """Let this session upload to another namespace of its person."""
    slug = text_of(read_object(request), "slug")
    session = session_of(request)
    return envelope.ok(_session_json(session.user, switch_session(session=session, slug=slug)))


@envelope.call("write", session_holder)
def end(request: HttpRequest) -> HttpResponseBase:
    """Sign this command line out."""
    session = session_of(request)
    end_session(session=session, actor=session.user)
    return envelope.ok({})


def _session_json(user: User, active: Namespace) -> dict[str, Any]:
    namespace = namespace_json(active)
    return {
        "user": {"id": str(user.pk), "handle": user.handle, "displayName": user.name},
        # The client asks for either name.
        "activeNamespace": namespace,
        "namespace": namespace,
    }


def namespace_json(namespace: Namespace) -> dict[str, Any]:
    """Return a namespace of the caller's, read with their `role`, as the contract spells it."""
    return {
        "id": str(namespace.pk),
        "slug": namespace.handle,
        "displayName": namespace.name,
        "type": namespace.kind,
        "role": ADMIN_ROLES.get(namespace.role, "member"),
    }

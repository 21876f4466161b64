"""People, for staff: who is here, and what may they do (contract 5.19)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import orjson
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from ninja import P, QueryEx, Router

from accounts.api import token_holder
from accounts.models import HANDLE_LENGTH, User
from accounts.policy import Actor, ScopeMissing, SecondFactorMissing, Verb, can
from accounts.services import find_person, set_role
from config.api import endpoint, error_response, json_response
from config.errors import DomainError
from config.pagination import parse_limit
from config.text import refuse_unstorable

router = Router(tags=["people"])

COUNTED: Final = 1_000
"""How far matches are counted; `totalIsMore` says that there are others."""

QUERY_LENGTH: Final = 120
NEEDS_TOKEN: Final[dict[str, Any]] = {"security": [{"token": []}]}


class BodyRefused(DomainError):
    code = "body_invalid"


def allowed(verb: Verb, sentence: str) -> Callable[[HttpRequest], Actor]:
    """Make the check of a call: a token whose holder may do `verb`; others read the sentence."""

    def identify(request: HttpRequest) -> Actor:
        actor = token_holder(request)
        if not can(actor, verb):
            if actor.lacks_factor:
                raise SecondFactorMissing
            raise ScopeMissing(sentence)
        return actor

    return identify


admin_only = allowed(Verb.MANAGE_PEOPLE, "Only admins may do this, with a token that administers.")


@router.get("/users", summary="Look people up (admins)", openapi_extra=NEEDS_TOKEN)
@endpoint("read", admin_only, error_response)
def search_users(
    request: HttpRequest,  # noqa: ARG001
    *,
    q: QueryEx[str, P(description="what the handle or the display name begins with")] = "",
    limit: str = "",
) -> HttpResponse:
    """People by the beginning of their handle, then by that of their display name.

    `total` counts the matches up to 1,000; `totalIsMore` is true where there are others.
    """
    size = parse_limit(limit)
    wanted = q.strip().removeprefix("@")[:QUERY_LENGTH].lower()
    people = list(User.objects.by_handle(wanted)[:size])
    if wanted and len(people) < size:
        known = {person.pk for person in people}
        # As many more as are wanted, should all those found by their handle be among them.
        named = User.objects.by_name(wanted)[:size]
        people += [person for person in named if person.pk not in known]
    total = _count(wanted)
    return json_response(
        {
            "items": [_item(person) for person in people[:size]],
            "total": min(total, COUNTED),
            "totalIsMore": total > COUNTED,
        }
    )


def _count(wanted: str) -> int:
    """Count the matches by one statement that stops behind `COUNTED`."""
    found = User.objects.by_handle(wanted).values("pk")[: COUNTED + 1]
    if wanted:
        found = found.union(User.objects.by_name(wanted).values("pk")[: COUNTED + 1])
    return int(found.count())


def _item(person: User) -> dict[str, Any]:
    return {
        "userId": str(person.pk),
        "handle": person.handle,
        "displayName": person.display_name or None,
        "role": person.role,
        "isBanned": person.banned_at is not None,
    }


@router.post("/users/role", summary="Give a person a role (admins)", openapi_extra=NEEDS_TOKEN)
@endpoint("write", admin_only, error_response)
def role(request: HttpRequest) -> HttpResponse:
    """Body: `handle` or `userId`, and `role`. Nobody changes their own role."""
    body = read_object(request)
    wanted = text_in(body, "role")
    set_role(user=person_in(body), role=wanted, actor=user_of(request))
    return json_response({"ok": True, "role": wanted})


# --- What the calls about people share ------------------------------------------------------------


def user_of(request: HttpRequest) -> User:
    """Return the person whose token this is; `allowed` lets nobody else in."""
    user: User = request.actor.user  # type: ignore[attr-defined]
    return user


def read_object(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON object of the body; none is an empty one. Raises `BodyRefused`."""
    try:
        body = orjson.loads(request.body or b"{}")
    except (orjson.JSONDecodeError, RequestDataTooBig):
        raise BodyRefused("Send a small JSON object.") from None
    if not isinstance(body, dict):
        raise BodyRefused("Send a JSON object.")
    return body


def text_in(body: dict[str, Any], name: str, *, most: int = HANDLE_LENGTH) -> str:
    """Return a text of the body, "" where it is absent or null. Raises `BodyRefused`."""
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > most:
        raise BodyRefused(f"{name} is text of at most {most} characters.", field=name)
    return refuse_unstorable(value, field=name)


def person_in(body: dict[str, Any]) -> User:
    """Return the person that the body names. Raises `BodyRefused`, `PersonNotFound`."""
    handle, user_id = text_in(body, "handle"), text_in(body, "userId")
    if not handle.strip() and not user_id.strip():
        raise BodyRefused("Say who: handle or userId.", field="handle")
    return find_person(handle=handle, user_id=user_id)

"""Who am I: the call a client makes to check its token."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Router

from accounts.identity import api_actor
from accounts.policy import Actor
from accounts.services import TokenRefused
from config.api import endpoint, error_response, json_response

router = Router(tags=["accounts"])


def token_holder(request: HttpRequest) -> Actor:
    """Return whose token this is. Raises `TokenRefused` with a sentence for each reason."""
    actor = api_actor(request)
    if actor.user is None:
        raise TokenRefused(
            "This call needs a token; run login with one from My tokens.", code="token_missing"
        )
    return actor


@router.get("/whoami", summary="Whose token is this?", openapi_extra={"security": [{"token": []}]})
@endpoint("read", token_holder, error_response)
def whoami(request: HttpRequest) -> HttpResponse:
    """The person a token acts as."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    user = actor.user
    assert user is not None  # noqa: S101  (token_holder lets nobody else in)
    return json_response(
        {
            "user": {
                "handle": user.handle,
                "displayName": user.display_name or None,
                "image": None,
                "role": actor.role,
            }
        }
    )

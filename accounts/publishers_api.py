"""Publishers, as clients call organisations that skills are published in (contract 5.17)."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Router

from accounts.api import token_holder
from accounts.models import Scope
from accounts.organisations import create_organisation
from accounts.policy import Actor, require_scope
from config.api import endpoint, error_response, json_response
from config.bodies import read_object, text_of

router = Router(tags=["people"])

NEEDS_TOKEN: Final[dict[str, Any]] = {"security": [{"token": []}]}


@router.post("/publishers", summary="Make an organisation", openapi_extra=NEEDS_TOKEN)
@endpoint("write", token_holder, error_response)
def create_publisher(request: HttpRequest) -> HttpResponse:
    """Body: `handle`, if you like `displayName`. You own it and publish in its name."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    require_scope(actor, Scope.SKILLS_WRITE)
    assert actor.user is not None  # noqa: S101  (token_holder lets nobody else in)
    body = read_object(request)
    made = create_organisation(
        user=actor.user, slug=text_of(body, "handle"), display_name=text_of(body, "displayName")
    )
    told = {"ok": True, "publisherId": str(made.pk), "handle": made.handle}
    return json_response(told | {"created": True, "trusted": False}, status=201)

"""Bans, for staff: banning, lifting, saying another reason (contract 5.19)."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from ninja import Router

from accounts.policy import Verb
from accounts.users_api import (
    NEEDS_TOKEN,
    BodyRefused,
    admin_only,
    allowed,
    person_in,
    read_object,
    text_in,
    user_of,
)
from config.api import endpoint, error_response, json_response
from moderation.services.bans import REASON_LENGTH, ban_user, reclassify_ban, unban_user

router = Router(tags=["people"])

moderators: Final = endpoint(
    "write",
    allowed(Verb.BAN, "Only moderators may do this, with a token that moderates."),
    error_response,
)
admins: Final = endpoint("write", admin_only, error_response)


@router.post("/users/ban", summary="Ban a person (moderators)", openapi_extra=NEEDS_TOKEN)
@moderators
def ban(request: HttpRequest) -> HttpResponse:
    """Body: `handle` or `userId`, and `reason`. Hides all skills in the person's own namespace.

    `deletedSkills` counts those that are hidden by now; with `isUnderWay` a job hides the others.
    """
    body = read_object(request)
    reason = text_in(body, "reason", most=REASON_LENGTH)
    done = ban_user(user=person_in(body), actor=user_of(request), reason=reason)
    return json_response(
        {
            "ok": True,
            "alreadyBanned": not done.is_new,
            "deletedSkills": done.skills,
            "isUnderWay": done.is_under_way,
        }
    )


@router.post("/users/unban", summary="Lift a ban (admins)", openapi_extra=NEEDS_TOKEN)
@admins
def unban(request: HttpRequest) -> HttpResponse:
    """Body: `handle` or `userId`, and `reason`. Skills that nothing else holds are public again.

    `restoredSkills` counts those of which the ban is lifted by now; with `isUnderWay` a job does
    the others.
    """
    body = read_object(request)
    reason = text_in(body, "reason", most=REASON_LENGTH)
    done = unban_user(user=person_in(body), actor=user_of(request), reason=reason)
    return json_response(
        {
            "ok": True,
            "alreadyUnbanned": not done.is_new,
            "restoredSkills": done.skills,
            "isUnderWay": done.is_under_way,
        }
    )


@router.post(
    "/users/reclassify-ban", summary="Give a ban another reason (admins)", openapi_extra=NEEDS_TOKEN
)
@admins
def reclassify(request: HttpRequest) -> HttpResponse:
    """Body: `handle` or `userId`, `reason`, and `dryRun`, which is true unless it says false."""
    body = read_object(request)
    reason = text_in(body, "reason", most=REASON_LENGTH)
    is_rehearsal = body.get("dryRun", True)
    if not isinstance(is_rehearsal, bool):
        raise BodyRefused("dryRun is true or false.", field="dryRun")
    if not reason.strip():
        raise BodyRefused("Say the reason.", field="reason")
    person = person_in(body)
    changed = reclassify_ban(
        user=person, actor=user_of(request), reason=reason, is_rehearsal=is_rehearsal
    )
    return json_response(
        {
            "ok": True,
            "dryRun": is_rehearsal,
            "userId": str(person.pk),
            "handle": person.handle,
            "previousReason": changed.before or None,
            "nextReason": changed.after,
            "changed": changed.before != changed.after,
        }
    )

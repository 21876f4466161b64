"""Handing skills over by client (contract 5.13)."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Router

from accounts.api import token_holder
from accounts.models import Namespace, Scope
from accounts.policy import Verb, require_scope
from config.api import endpoint, json_response, milliseconds
from config.bodies import read_object, text_of
from config.errors import DomainError
from skills import lookup, transfers
from skills.api import actor_of, on_refusal
from skills.models import Skill, SkillTransfer
from skills.owner_calls import named_owner, own_skill, writer
from skills.querysets import SkillTransferQuerySet
from skills.stats_api import NEEDS_TOKEN, writes

router = Router(tags=["skills"])

own_reads = endpoint("read", token_holder, on_refusal)
# Offers that wait for one person; the lists have no pages.
MOST: Final = 200
ANSWERS: Final = {"accept": transfers.accept_transfer, "reject": transfers.reject_transfer}
CANCEL: Final = "cancel"


class CallUnknown(DomainError):
    code = "not_found"


@router.post("/skills/{reference:slug}/transfer", summary="Offer", openapi_extra=NEEDS_TOKEN)
@writes
def request_transfer(request: HttpRequest, slug: str) -> HttpResponse:
    """Offer a skill to another owner for a week. Body: `toUserHandle`, if you like `message`."""
    body, user = read_object(request), writer(request)
    skill = own_skill(request, body, slug, verb=Verb.MANAGE)
    to = transfers.find_recipient(text_of(body, "toUserHandle"))
    transfer = transfers.request_transfer(
        skill=skill, to=to, actor=user, message=text_of(body, "message")
    )
    told: dict[str, Any] = {
        "ok": True,
        "transferId": str(transfer.pk),
        "skillSlug": skill.slug,
        "expiresAt": milliseconds(transfer.expires_at),
        "transferred": transfer.decided_at is not None,
        ("toUserHandle" if to.user_id else "toPublisherHandle"): to.handle,
    }
    return json_response(told)


@router.post(
    "/skills/{reference:slug}/transfer/{action}", summary="Answer", openapi_extra=NEEDS_TOKEN
)
@writes
def answer_transfer(request: HttpRequest, slug: str, action: str) -> HttpResponse:
    """Accept or reject what you were offered; cancel what you offered."""
    body, user = read_object(request), writer(request)
    asked = lookup.split_reference(slug, named_owner(request, body))
    if action == CANCEL:
        transfer = _find(SkillTransfer.objects.outgoing_for(actor_of(request)), asked)
        skill = transfers.cancel_transfer(transfer=transfer, actor=user)
    elif action in ANSWERS:
        transfer = _find(SkillTransfer.objects.incoming_for(actor_of(request)), asked)
        skill = ANSWERS[action](transfer=transfer, actor=user)
    else:
        raise CallUnknown("A transfer is answered by accept, reject or cancel.")
    return json_response({"ok": True, "skillSlug": skill.slug})


def _find(offers: SkillTransferQuerySet, asked: tuple[str, str]) -> SkillTransfer:
    """Return the offer that somebody names. Raises `TransferNotFound`, `AmbiguousSlug`."""
    found: list[SkillTransfer] = list(offers.of_skill(*asked)[:MOST])
    if not found:
        raise transfers.TransferNotFound
    if len(found) > 1:
        skills: list[Skill] = [transfer.skill for transfer in found]
        raise lookup.AmbiguousSlug(found[0].skill.slug, skills)
    return found[0]


@router.get("/transfers/{direction}", summary="Pending offers", openapi_extra=NEEDS_TOKEN)
@own_reads
def list_transfers(request: HttpRequest, direction: str) -> HttpResponse:
    """Offers to you, or by you, that wait for an answer; the newest 200."""
    actor = actor_of(request)
    require_scope(actor, Scope.SKILLS_READ)
    if direction == "incoming":
        rows = SkillTransfer.objects.incoming_for(actor)[:MOST]
        told = [_item(row) | {"fromUser": _owner(row.from_namespace)} for row in rows]
    elif direction == "outgoing":
        rows = SkillTransfer.objects.outgoing_for(actor)[:MOST]
        told = [_item(row) | {"toUser": _owner(row.to_namespace)} for row in rows]
    else:
        raise CallUnknown("Transfers are incoming or outgoing.")
    return json_response({"transfers": told})


def _item(transfer: SkillTransfer) -> dict[str, Any]:
    skill = transfer.skill
    told: dict[str, Any] = {
        "_id": str(transfer.pk),
        "skill": {"_id": str(skill.pk), "slug": skill.slug, "displayName": skill.display_name},
        "requestedAt": milliseconds(transfer.requested_at),
        "expiresAt": milliseconds(transfer.expires_at),
    }
    if transfer.message:
        told["message"] = transfer.message
    return told


def _owner(namespace: Namespace) -> dict[str, Any]:
    return {
        "_id": str(namespace.pk),
        "handle": namespace.handle,
        "displayName": namespace.display_name or None,
    }

"""The queue for programs: deciding on an item, by the door that the pages use."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from config.api import json_response, milliseconds
from config.bodies import key_of, number_of, read_object, text_of
from moderation.callers import moderator_of
from moderation.models import Decision, ReviewItem
from moderation.services.cases import Verdict
from moderation.services.decisions import decide
from skills.stats_api import NEEDS_TOKEN, writes

router = Router(tags=["moderation"])


@router.post(
    "/admin/queue/{int:item_id}:decide", summary="Decide on an item", openapi_extra=NEEDS_TOKEN
)
@writes
def decide_item(request: HttpRequest, item_id: int) -> HttpResponse:
    """Decide as on the page; sent again with the same `requestKey` (a UUID) it is one decision.

    Body: `action`, `text` (what the author reads), `note` (internal), `template` (the key of a
    reason), `revision` (that of the item you looked at). Moderators only.
    """
    moderator, body = moderator_of(request), read_object(request)
    decision = decide(
        item_id=item_id,
        actor=moderator,
        verdict=Verdict(
            action=text_of(body, "action"),
            text=text_of(body, "text"),
            note=text_of(body, "note"),
            template=text_of(body, "template"),
        ),
        revision=number_of(body, "revision"),
        request_key=key_of(body, "requestKey"),
    )
    item = ReviewItem.objects.get(pk=item_id)
    return json_response({"ok": True, "decision": told_decision(decision), "item": _item(item)})


def told_decision(decision: Decision) -> dict[str, Any]:
    """Return a decision as staff read it, its note included."""
    return {
        "id": str(decision.pk),
        "action": decision.action,
        "label": decision.get_action_display(),
        "skillId": str(decision.skill_id),
        "skill": decision.skill_label,
        "version": decision.version_label,
        "category": decision.category,
        "template": decision.template,
        "text": decision.text,
        "note": decision.note,
        "reportsClosed": decision.reports_closed,
        "by": decision.actor.handle if decision.actor else None,
        "createdAt": milliseconds(decision.created_at),
    }


def _item(item: ReviewItem) -> dict[str, Any]:
    return {"id": str(item.pk), "state": item.state, "revision": item.revision}

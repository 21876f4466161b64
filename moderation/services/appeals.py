"""Appealing against a decision: once, in time, by whoever it concerns."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from accounts import audit
from accounts.models import User
from accounts.policy import Actor
from config.derived import deferred
from config.errors import DomainError
from config.text import refuse_unstorable
from moderation.models import Action, Appeal, Decision, ItemKind, ReviewItem
from moderation.services import items
from skills.models import Skill

APPEAL_DAYS: Final = 30
TEXT_LIMIT: Final = 4000

# What restricts an author, and so can be appealed against.
APPEALABLE: Final = frozenset(
    {
        Action.CAUTION,
        Action.CHANGES,
        Action.HIDE_VERSION,
        Action.HIDE,
        Action.REMOVE,
        Action.BLOCK,
        Action.HOLD_REPORTS,
        Action.HOLD_QUALITY,
    }
)


class AppealRefused(DomainError):
    code = "appeal_refused"


def appeal_until(decision: Decision) -> datetime:
    """Return the moment until which an appeal is taken."""
    return decision.created_at + timedelta(days=APPEAL_DAYS)


def appeal_refusal(decision: Decision) -> str:
    """Return why no (further) appeal is taken against this decision; "" where one is."""
    if decision.action not in APPEALABLE:
        return "There is nothing in it to appeal against."
    if hasattr(decision, "appeal"):
        return "There is an appeal against it already."
    if hasattr(decision, "undone_by"):
        return "It was taken back."
    if timezone.now() > appeal_until(decision):
        return f"Appeals are taken for {APPEAL_DAYS} days."
    return ""


def appeal(*, decision_id: int, actor: User, text: str) -> Appeal:
    """Appeal against a decision in the name of its skill's owner; it joins the queue.

    One transaction, under the skill's lock; the same text sent twice is one appeal. Raises
    `AppealRefused`.
    """
    text = refuse_unstorable(text.strip(), field="text")
    if not text:
        raise AppealRefused("Say why the decision is wrong.", field="text")
    if len(text) > TEXT_LIMIT:
        raise AppealRefused(f"Keep it within {TEXT_LIMIT} characters.", field="text")
    with deferred():
        skill_id = Decision.objects.filter(pk=decision_id).values_list("skill", flat=True).first()
        if skill_id is None:
            raise AppealRefused("There is no such decision.")
        skill = Skill.objects.select_for_update(no_key=True).get(pk=skill_id)
        if skill.namespace_id not in Actor(user=actor).namespace_ids:
            raise AppealRefused("There is no such decision.")
        decision = Decision.objects.select_related("appeal", "undone_by", "version__skill").get(
            pk=decision_id
        )
        standing: Appeal | None = getattr(decision, "appeal", None)
        if standing is not None and (standing.author_id, standing.text) == (actor.pk, text):
            return standing
        if refusal := appeal_refusal(decision):
            raise AppealRefused(refusal)
        made = Appeal.objects.create(decision=decision, author=actor, text=text)
        _queue(made, skill)
        audit.record(actor=actor, verb="decision.appeal", thing=decision)
    return made


def _queue(made: Appeal, skill: Skill) -> None:
    decision = made.decision
    assert decision.version is not None  # noqa: S101 - What can be appealed names a version.
    evidence = decision.evidence
    item = ReviewItem(
        kind=ItemKind.APPEAL,
        appeal=made,
        version=decision.version,
        namespace_id=skill.namespace_id,
        opened_at=timezone.now(),
        revision=0,
    )
    items.show_worst(item, evidence)
    items.refresh_item(item)

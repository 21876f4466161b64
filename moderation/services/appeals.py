"""Appealing against a decision: once, in time, by whoever it concerns; and the answer to it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from accounts import audit
from accounts.models import Role, User
from accounts.policy import Actor
from config.derived import deferred
from config.errors import DomainError
from config.text import refuse_unstorable
from moderation.models import (
    Action,
    Appeal,
    AppealState,
    Decision,
    ItemKind,
    ItemState,
    NoticeKind,
    ReportStatus,
    ReviewItem,
)
from moderation.services import items
from moderation.services.cases import (
    ActionUnknown,
    Case,
    NotAllowed,
    ReasonMissing,
    change,
    close_item,
    record,
    record_closing,
    snapshot,
)
from moderation.services.effects import APPEAL_ACTIONS, LIFTED, REPLACED
from moderation.services.notices import tell_owner
from skills.models import Decided, HoldKind, Skill

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


# --- The answer -----------------------------------------------------------------------------------


def answer_appeal(case: Case, request_key: uuid.UUID | None) -> Decision:
    """Answer an appeal: granted, the version is approved and what was placed on it lifted."""
    verdict = case.verdict
    if verdict.action not in APPEAL_ACTIONS:
        raise ActionUnknown("Grant the appeal or reject it.", field="action")
    appeal = case.item.appeal
    assert appeal is not None  # noqa: S101 - An item of this kind has one.
    contested = appeal.decision
    if contested.actor_id == case.actor.pk:
        raise NotAllowed("You made the decision; somebody else answers the appeal against it.")
    if appeal.author_id == case.actor.pk:
        raise NotAllowed("It is your own appeal; somebody else answers it.")
    if not verdict.text:
        raise ReasonMissing("Write the answer that the author shall read.", field="text")
    is_granted = verdict.action == Action.GRANT_APPEAL
    if is_granted and contested.action == Action.REMOVE and case.actor.role != Role.ADMIN:
        raise NotAllowed("It is removed; only an admin can bring it back.")
    case.before = snapshot(case)
    if is_granted:
        change(case, Decided.APPROVED, None, _lifted_by_grant(case, contested))
        decision = record_closing(case, ReportStatus.DISMISSED, request_key)
    else:
        decision = record(case, request_key)
    Appeal.objects.filter(pk=appeal.pk).update(
        state=AppealState.GRANTED if is_granted else AppealState.REJECTED,
        answered_by=case.actor,
        answer=verdict.text,
        answered_at=Now(),
    )
    close_item(case.item, decision, ItemState.DONE)
    if is_granted:
        # The version's own item is decided with it.
        own = ReviewItem.objects.filter(version=case.version, appeal__isnull=True)
        own.exclude(state=ItemState.DONE).update(
            state=ItemState.DONE, decision=decision, closed_at=Now(), revision=F("revision") + 1
        )
    tell_owner(NoticeKind.APPEAL, decision)
    return decision


def _lifted_by_grant(case: Case, contested: Decision) -> set[HoldKind]:
    """Return the holds that a granted appeal lifts: not a hide on grounds of another version."""
    if contested.action == Action.REMOVE:
        return {*LIFTED, HoldKind.REMOVED}
    hides = Decision.objects.filter(skill=case.skill, action=Action.HIDE, undone_by__isnull=True)
    last = hides.order_by("-pk").values_list("version", flat=True).first()
    is_about_it = contested.action == Action.HIDE or last in {None, case.version.pk}
    return set(LIFTED if is_about_it else REPLACED)

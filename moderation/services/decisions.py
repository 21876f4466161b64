"""Deciding on an item: one transaction, with all that follows."""

from __future__ import annotations

import uuid
from typing import Final

from django.db import IntegrityError
from django.db.models import F

from accounts.models import Role, User
from config.derived import deferred
from config.errors import DomainError
from config.text import refuse_unstorable
from moderation.models import Action, Decision, ItemKind, ItemState, NoticeKind, ReviewItem
from moderation.scanners import Severity
from moderation.services import items
from moderation.services.appeals import answer_appeal
from moderation.services.cases import (
    ActionUnknown,
    Case,
    KeyUsed,
    NotAllowed,
    ReasonMissing,
    Verdict,
    change,
    close_item,
    open_case,
    record,
    record_closing,
    snapshot,
)
from moderation.services.effects import APPEAL_ACTIONS, EFFECTS, ITEM_ACTIONS, Effect
from moderation.services.notices import tell_owner
from skills.models import HoldKind

TEXT_LIMIT: Final = 2000


class ItemChanged(DomainError):
    """The page was out of date; nothing was applied."""

    code = "item_changed"

    def __init__(self) -> None:
        super().__init__("The item changed since you opened it; look again, then decide.")


def decide(
    *,
    item_id: int,
    actor: User,
    verdict: Verdict,
    revision: int | None = None,
    request_key: uuid.UUID | None = None,
) -> Decision:
    """Decide on an item and do all that follows; return the decision.

    One transaction, under the locks of skill and item: the version's decision or the skill's hold,
    `latest`, the standing, open reports, the owner's notice, the audit row. Replayed with the same
    `request_key` it returns the first decision and writes nothing. `revision` is that of the page
    decided on; None where there was none (API), which decides on open items only. Raises
    `ActionUnknown`, `ItemMissing`, `ItemClosed`, `ClaimedByOther`, `ItemChanged`, `OwnSkill`,
    `NotAllowed`, `ReasonMissing`, `KeyUsed`.
    """
    verdict = _cleaned(verdict)
    try:
        return _decide(item_id, actor, verdict, revision, request_key)
    except IntegrityError as error:
        # Sent for another item at the same moment, which that item's lock does not hold up.
        if Decision.objects.filter(request_key=request_key, request_key__isnull=False).exists():
            raise KeyUsed from error
        raise


def _decide(
    item_id: int,
    actor: User,
    verdict: Verdict,
    revision: int | None,
    request_key: uuid.UUID | None,
) -> Decision:
    with deferred():
        case = open_case(item_id, actor, verdict, request_key)
        if replayed := _replayed(case):
            return replayed
        _require_decidable(case, revision)
        if case.item.kind == ItemKind.APPEAL:
            return answer_appeal(case, request_key)
        if verdict.action in APPEAL_ACTIONS:
            raise ActionUnknown("This item is no appeal.", field="action")
        _require_authority(case)
        _require_reason(case)
        if verdict.action == Action.PROPOSE_REMOVAL:
            return _propose(case, request_key)
        return _apply(case, EFFECTS[Action(verdict.action)], request_key)


def _cleaned(verdict: Verdict) -> Verdict:
    if verdict.action not in {*ITEM_ACTIONS, *APPEAL_ACTIONS}:
        raise ActionUnknown("Choose one of the decisions.", field="action")
    return Verdict(
        action=verdict.action,
        text=refuse_unstorable(verdict.text.strip()[:TEXT_LIMIT], field="text"),
        note=refuse_unstorable(verdict.note.strip()[:TEXT_LIMIT], field="note"),
        template=refuse_unstorable(verdict.template[:40], field="template"),
        category=refuse_unstorable(verdict.category[:40], field="category"),
        batch=verdict.batch,
    )


def _replayed(case: Case) -> Decision | None:
    if case.request_key is None:
        return None
    found: Decision = Decision.objects.get(request_key=case.request_key)
    if (found.item_id, found.actor_id) != (case.item.pk, case.actor.pk):
        raise KeyUsed
    return found


def _require_decidable(case: Case, revision: int | None) -> None:
    item = case.item
    items.refuse_own(item)
    is_seen = revision == item.revision
    # What is held can be decided anew by whoever has seen how; others are told.
    if item.state == ItemState.DONE or (item.state == ItemState.HELD and not is_seen):
        raise items.ItemClosed(item)
    if items.is_claimed_by_other(item, case.actor):
        raise items.ClaimedByOther(item)
    if revision is not None and not is_seen:
        raise ItemChanged


def _require_authority(case: Case) -> None:
    """Removing, and bringing back what is removed, takes an admin or a second moderator."""
    action, actor = case.verdict.action, case.actor
    if actor.role == Role.ADMIN:
        return
    if action == Action.REMOVE:
        proposal = case.item.proposal
        if proposal is None:
            raise NotAllowed("Propose the removal; a second moderator or an admin confirms it.")
        if proposal.actor_id == actor.pk:
            raise NotAllowed("You proposed it yourself; a second moderator has to confirm it.")
    if HoldKind.REMOVED in case.holds and action in {Action.APPROVE, Action.CAUTION}:
        raise NotAllowed("It is removed; only an admin can bring it back.")


def _require_reason(case: Case) -> None:
    action = case.verdict.action
    effect = EFFECTS.get(Action(action))
    is_critical = items.severity_at(case.item.severity) == Severity.CRITICAL
    if case.verdict.text or case.verdict.note:
        if effect is None or not effect.needs_reason or case.verdict.text:
            return
        raise ReasonMissing("Write what the author shall read; the note is internal.", field="text")
    if effect is None or effect.needs_reason:
        raise ReasonMissing("Give the author a reason.", field="text")
    if is_critical:
        raise ReasonMissing("A finding is critical: say why it may pass.", field="text")


# --- What a decision does -------------------------------------------------------------------------


def _apply(case: Case, effect: Effect, request_key: uuid.UUID | None) -> Decision:
    lifts = effect.lifts
    if case.actor.role == Role.ADMIN and HoldKind.HIDDEN in lifts:
        lifts |= {HoldKind.REMOVED}
    case.before = snapshot(case)
    change(case, effect.decision, effect.places, lifts)
    decision = record_closing(case, effect.reports, request_key)
    close_item(case.item, decision, effect.item_state)
    tell_owner(NoticeKind.DECISION, decision)
    return decision


def _propose(case: Case, request_key: uuid.UUID | None) -> Decision:
    """Put the removal before a second moderator; the item stays open and is free again."""
    decision = record(case, request_key)
    ReviewItem.objects.filter(pk=case.item.pk).update(
        proposal=decision,
        claimed_by=None,
        claimed_at=None,
        claimed_until=None,
        revision=F("revision") + 1,
    )
    return decision

"""Deciding on an item and taking a decision back: one transaction each, with all that follows."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Now
from django.utils import timezone

from accounts import audit
from accounts.models import Role, User
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
    Report,
    ReportStatus,
    ReviewItem,
)
from moderation.scanners import Severity
from moderation.services import items
from moderation.services.notices import tell_owner
from skills.models import Decided, HoldKind, Skill, SkillHold, SkillVersion
from skills.standing import point_latest, settle

UNDO_DAYS: Final = 7
TEXT_LIMIT: Final = 2000


class ActionUnknown(DomainError):
    code = "action_unknown"


class ItemChanged(DomainError):
    """The page was out of date; nothing was applied."""

    code = "item_changed"

    def __init__(self) -> None:
        super().__init__("The item changed since you opened it; look again, then decide.")


class ReasonMissing(DomainError):
    code = "reason_missing"


class NotAllowed(DomainError):
    code = "not_allowed"


class CannotUndo(DomainError):
    code = "cannot_undo"


@dataclass(frozen=True)
class Effect:
    """What an action does to the version, to the holds of its skill, to its reports and item."""

    # None leaves the version's decision as it is.
    decision: str | None = None
    places: HoldKind | None = None
    lifts: frozenset[HoldKind] = frozenset()
    reports: str = ReportStatus.CONFIRMED
    item_state: str = ItemState.DONE
    needs_reason: bool = True


_LIFTED: Final = frozenset({HoldKind.HIDDEN, HoldKind.REPORTS, HoldKind.QUALITY})
# Holds that only wait for somebody to look: what is decided stands in their place. A new skill
# held for its quality stays held until a version of it is approved.
_LOOKED_AT: Final = frozenset({HoldKind.REPORTS})
_REPLACED: Final = frozenset({HoldKind.REPORTS, HoldKind.QUALITY})
EFFECTS: Final = {
    Action.APPROVE: Effect(
        Decided.APPROVED, lifts=_LIFTED, reports=ReportStatus.DISMISSED, needs_reason=False
    ),
    Action.CAUTION: Effect(Decided.CAUTION, lifts=_LIFTED),
    Action.CHANGES: Effect(Decided.CHANGES, lifts=_LOOKED_AT, item_state=ItemState.HELD),
    Action.HIDE_VERSION: Effect(Decided.HIDDEN, lifts=_LOOKED_AT, item_state=ItemState.HELD),
    Action.HIDE: Effect(places=HoldKind.HIDDEN, lifts=_REPLACED, item_state=ItemState.HELD),
    Action.REMOVE: Effect(places=HoldKind.REMOVED, lifts=_REPLACED),
}
APPEAL_ACTIONS: Final = frozenset({Action.GRANT_APPEAL, Action.REJECT_APPEAL})
# The actions of a moderator on an item, in the order of their buttons.
ITEM_ACTIONS: Final = (*EFFECTS, Action.PROPOSE_REMOVAL)


@dataclass(frozen=True)
class Verdict:
    """What a moderator says: the action, what the author reads, what stays inside."""

    action: str
    text: str = ""
    template: str = ""
    category: str = ""
    note: str = ""
    batch: uuid.UUID | None = None


@dataclass
class _Case:
    """An item under its lock, with what its decision is about."""

    item: ReviewItem
    version: SkillVersion
    skill: Skill
    actor: User
    verdict: Verdict
    # What holds the skill now; the reports that deciding closes, by id.
    holds: set[str]
    open_reports: list[int]
    # The key under which something was decided already; None where it is new.
    request_key: uuid.UUID | None
    before: dict[str, Any] = field(default_factory=dict)


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
    `NotAllowed`, `ReasonMissing`.
    """
    verdict = _cleaned(verdict)
    with deferred():
        case = _open_case(item_id, actor, verdict, request_key)
        if replayed := _replayed(case):
            return replayed
        _require_decidable(case, revision)
        if case.item.kind == ItemKind.APPEAL:
            return _answer_appeal(case, request_key)
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


def _open_case(
    item_id: int, actor: User, verdict: Verdict, request_key: uuid.UUID | None = None
) -> _Case:
    """Lock skill and item, in the order of every other writer, and read what they are judged by."""
    locked = Skill.objects.select_for_update(no_key=True, of=("self",))
    skill = locked.filter(versions__review_items=item_id).first()
    if skill is None:
        raise items.ItemMissing
    held = SkillHold.objects.filter(skill=skill).order_by("kind").values("kind")
    reported = Report.objects.open().filter(version=OuterRef("version")).order_by("pk")
    item: Any = items.locked_item(
        item_id,
        actor,
        holds=ArraySubquery(held),
        open_reports=ArraySubquery(reported.values("pk")),
        is_replay=Exists(Decision.objects.filter(request_key=request_key)),
    )
    return _Case(
        item=item,
        version=item.version,
        skill=skill,
        actor=actor,
        verdict=verdict,
        holds=set(item.holds),
        open_reports=item.open_reports,
        request_key=request_key if item.is_replay else None,
    )


def _replayed(case: _Case) -> Decision | None:
    if case.request_key is None:
        return None
    found: Decision = Decision.objects.get(request_key=case.request_key)
    if (found.item_id, found.actor_id) != (case.item.pk, case.actor.pk):
        raise NotAllowed("This key belongs to another decision; reload the page.")
    return found


def _require_decidable(case: _Case, revision: int | None) -> None:
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


def _require_authority(case: _Case) -> None:
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


def _require_reason(case: _Case) -> None:
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


def _apply(case: _Case, effect: Effect, request_key: uuid.UUID | None) -> Decision:
    lifts = effect.lifts
    if case.actor.role == Role.ADMIN and HoldKind.HIDDEN in lifts:
        lifts |= {HoldKind.REMOVED}
    case.before = _snapshot(case)
    _change(case, effect.decision, effect.places, lifts)
    decision = _record_closing(case, effect.reports, request_key)
    _close(case, decision, effect.item_state)
    tell_owner(NoticeKind.DECISION, decision)
    return decision


def _record_closing(case: _Case, status: str, request_key: uuid.UUID | None) -> Decision:
    """Append the decision and close every open report on the version with it."""
    case.before["reports"] = case.open_reports
    decision = _record(case, request_key, reports_closed=len(case.open_reports))
    if case.open_reports:
        Report.objects.open().filter(version=case.version).update(
            status=status,
            decision=decision,
            triaged_by=case.actor,
            triaged_at=Now(),
            triage_note=(case.verdict.note or decision.get_action_display())[:500],
        )
    return decision


def _change(
    case: _Case,
    decision: str | None,
    places: HoldKind | None,
    lifts: Collection[HoldKind],
) -> None:
    """Change what the skill's standing follows from, and let it follow; note what changed."""
    version = case.version
    was_blocked = version.is_blocked
    if decision is not None and decision != version.decision:
        version.decision = decision
        version.save(update_fields=["decision"])
    lifted = case.holds & set(lifts)
    placed = {places} - case.holds if places is not None else set()
    if lifted:
        SkillHold.objects.filter(skill=case.skill, kind__in=lifted).delete()
    SkillHold.objects.bulk_create(
        SkillHold(skill=case.skill, kind=kind, placed_by=case.actor) for kind in placed
    )
    case.before |= {"lifted": sorted(lifted), "placed": sorted(placed)}
    point_latest(skill=case.skill, version=version, was_blocked=was_blocked)
    settle([case.skill.pk])


def _snapshot(case: _Case) -> dict[str, Any]:
    """Return what an undo restores."""
    item = case.item
    return {
        "decision": case.version.decision,
        "item_state": item.state,
        "item_decision": item.decision_id,
        "proposal": item.proposal_id,
        "closed_at": item.closed_at.isoformat() if item.closed_at else None,
    }


def _record(case: _Case, request_key: uuid.UUID | None, **columns: Any) -> Decision:
    """Append the decision and its audit row."""
    verdict, version, item = case.verdict, case.version, case.item
    decision = Decision.objects.create(
        action=verdict.action,
        actor=case.actor,
        actor_role=case.actor.role,
        item=item,
        skill=case.skill,
        version=version,
        skill_label=str(case.skill)[:200],
        version_label=version.version,
        category=verdict.category or item.top_class,
        template=verdict.template,
        text=verdict.text,
        note=verdict.note,
        evidence=version.scan_evidence,
        evidence_keys=evidence_keys(version),
        before=case.before,
        batch=verdict.batch,
        request_key=request_key,
        **columns,
    )
    audit.record(
        actor=case.actor,
        verb=f"review.{verdict.action}",
        thing=version,
        label=f"{case.skill} {version.version}",
        before=case.before,
        after={"decision": decision.pk},
        reason=verdict.text[:500],
    )
    return decision


def evidence_keys(version: SkillVersion) -> list[tuple[str, str]]:
    """Return (rule, file) of what the version's last scan found: what a decision has seen.

    Files of a version never change, so a path stands for its content.
    """
    return sorted({(found["rule"], found["file"]) for found in version.scan_evidence})


def _close(case: _Case, decision: Decision, state: str) -> None:
    ReviewItem.objects.filter(pk=case.item.pk).update(
        state=state,
        decision=decision,
        proposal=None,
        closed_at=Now(),
        reporters=0,
        claimed_by=None,
        claimed_at=None,
        claimed_until=None,
        revision=F("revision") + 1,
    )


def _propose(case: _Case, request_key: uuid.UUID | None) -> Decision:
    """Put the removal before a second moderator; the item stays open and is free again."""
    decision = _record(case, request_key)
    ReviewItem.objects.filter(pk=case.item.pk).update(
        proposal=decision,
        claimed_by=None,
        claimed_at=None,
        claimed_until=None,
        revision=F("revision") + 1,
    )
    return decision


# --- Appeals --------------------------------------------------------------------------------------


def _answer_appeal(case: _Case, request_key: uuid.UUID | None) -> Decision:
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
    case.before = _snapshot(case)
    if is_granted:
        _change(case, Decided.APPROVED, None, _lifted_by_grant(case, contested))
        decision = _record_closing(case, ReportStatus.DISMISSED, request_key)
    else:
        decision = _record(case, request_key)
    Appeal.objects.filter(pk=appeal.pk).update(
        state=AppealState.GRANTED if is_granted else AppealState.REJECTED,
        answered_by=case.actor,
        answer=verdict.text,
        answered_at=Now(),
    )
    _close(case, decision, ItemState.DONE)
    if is_granted:
        # The version's own item is decided with it.
        own = ReviewItem.objects.filter(version=case.version, appeal__isnull=True)
        own.exclude(state=ItemState.DONE).update(
            state=ItemState.DONE, decision=decision, closed_at=Now(), revision=F("revision") + 1
        )
    tell_owner(NoticeKind.APPEAL, decision)
    return decision


def _lifted_by_grant(case: _Case, contested: Decision) -> set[HoldKind]:
    """Return the holds that a granted appeal lifts: not a hide on grounds of another version."""
    if contested.action == Action.REMOVE:
        return {*_LIFTED, HoldKind.REMOVED}
    hides = Decision.objects.filter(skill=case.skill, action=Action.HIDE, undone_by__isnull=True)
    last = hides.order_by("-pk").values_list("version", flat=True).first()
    is_about_it = contested.action == Action.HIDE or last in {None, case.version.pk}
    return set(_LIFTED if is_about_it else _REPLACED)


# --- Undo -----------------------------------------------------------------------------------------


def undo(*, decision_id: int, actor: User) -> Decision:
    """Take a decision back: status, reports and claim are as before, and the owner is told.

    A moderator takes back their own for 7 days, an admin any. Only the last decision on an item
    can be taken back. Twice is once: the second call returns the first's row. Raises
    `ItemMissing`, `CannotUndo`, `ClaimedByOther`, `OwnSkill`.
    """
    found = Decision.objects.select_related("undone_by").filter(pk=decision_id).first()
    if found is None or found.item_id is None:
        raise items.ItemMissing
    with deferred():
        case = _open_case(found.item_id, actor, Verdict(Action.UNDO))
        repeated: Decision | None = Decision.objects.filter(undoes=found).first()
        if repeated is not None:
            return repeated
        _require_undoable(case, found)
        _restore(case, found)
        taken_back = _record(case, None, undoes=found)
        _give_back(case, found)
        tell_owner(NoticeKind.TAKEN_BACK, found)
    return taken_back


def may_undo(decision: Decision, actor: User) -> bool:
    """Say whether this person may take it back, by its age and maker; it may be too late."""
    is_own = decision.actor_id == actor.pk
    is_recent = decision.created_at > timezone.now() - timedelta(days=UNDO_DAYS)
    return decision.action in EFFECTS and (actor.role == Role.ADMIN or (is_own and is_recent))


def _require_undoable(case: _Case, found: Decision) -> None:
    items.refuse_own(case.item)
    if items.is_claimed_by_other(case.item, case.actor):
        raise items.ClaimedByOther(case.item)
    if found.action not in EFFECTS:
        raise CannotUndo("This kind of act cannot be taken back; decide anew instead.")
    if case.item.decision_id != found.pk or case.item.state == ItemState.OPEN:
        raise CannotUndo("Something came after it; open the item and decide anew.")
    if not may_undo(found, case.actor):
        raise CannotUndo(
            f"You can take back your own decisions for {UNDO_DAYS} days; ask an admin for this one."
        )
    if Appeal.objects.filter(decision=found).exists():
        raise CannotUndo("Its author appealed; answer the appeal instead.")


def _restore(case: _Case, found: Decision) -> None:
    """Take back what this decision changed; what somebody else placed or lifted since stays."""
    former = found.before
    standing = SkillHold.objects.filter(skill=case.skill)
    if not _is_said_since(found):
        standing.filter(kind__in=former["placed"]).delete()
    missing = set(former["lifted"]) - set(standing.values_list("kind", flat=True))
    SkillHold.objects.bulk_create(
        SkillHold(skill=case.skill, kind=kind, placed_by=case.actor) for kind in sorted(missing)
    )
    _change(case, former["decision"], None, ())
    # Who reported it again meanwhile has an open report, and has only one.
    again = Report.objects.open().filter(version=case.version).values("reporter")
    closed = Report.objects.filter(pk__in=former["reports"], decision=found)
    closed.exclude(reporter__in=again).update(
        status=ReportStatus.OPEN,
        decision=None,
        triaged_by=None,
        triaged_at=None,
        triage_note="",
    )


def _is_said_since(found: Decision) -> bool:
    """Say whether somebody decided the same of the skill later, on another version: it stays."""
    later = Decision.objects.filter(skill=found.skill_id, action=found.action, pk__gt=found.pk)
    return bool(later.filter(undone_by__isnull=True).exists())


def _give_back(case: _Case, found: Decision) -> None:
    """Put the item back as it was, claimed by whoever took the decision back."""
    item, former = case.item, found.before
    item.refresh_from_db()
    item.state = former["item_state"]
    item.decision_id, item.proposal_id = former["item_decision"], former["proposal"]
    closed_at = former["closed_at"]
    item.closed_at = datetime.fromisoformat(closed_at) if closed_at else None
    item.claimed_by, item.claimed_at = case.actor, timezone.now()
    item.claimed_until = timezone.now() + items.CLAIM_LEASE
    items.refresh_item(item)


# --- Several at once ------------------------------------------------------------------------------

BULK_MOST: Final = 50
BULK_ACTIONS: Final = (Action.APPROVE, Action.CAUTION, Action.CHANGES, Action.HIDE)


@dataclass(frozen=True)
class BulkRow:
    """One item of a bulk: decided, or why not."""

    item_id: int
    decision: Decision | None = None
    refusal: DomainError | None = None


def decide_many(
    *,
    pairs: Sequence[tuple[int, int]],
    actor: User,
    verdict: Verdict,
    fill: Callable[[str, ReviewItem], str] = lambda text, _item: text,
) -> list[BulkRow]:
    """Decide alike on several items, each given with the revision that was seen.

    `fill` makes the text of each from the one given.

    Each is a transaction of its own: what cannot be decided is skipped with its reason, and the
    others stand. Critical findings and appeals are never decided in bulk.
    """
    verdict = replace(verdict, batch=uuid.uuid4())
    found = ReviewItem.objects.select_related("claimed_by", "decision__actor", "version__skill")
    known = found.in_bulk([item_id for item_id, _revision in pairs])
    rows = []
    for item_id, revision in pairs:
        item = known.get(item_id)
        text = fill(verdict.text, item) if item else ""
        rows.append(_one_of_many(item_id, revision, actor, replace(verdict, text=text), item))
    return rows


def _one_of_many(
    item_id: int, revision: int, actor: User, verdict: Verdict, item: ReviewItem | None
) -> BulkRow:
    refusal = bulk_refusal(item, actor) if item else items.ItemMissing()
    if refusal is not None:
        return BulkRow(item_id, refusal=refusal)
    try:
        decided = decide(item_id=item_id, actor=actor, verdict=verdict, revision=revision)
    except DomainError as error:
        return BulkRow(item_id, refusal=error)
    return BulkRow(item_id, decision=decided)


def bulk_refusal(item: ReviewItem, actor: User) -> DomainError | None:
    """Return why an item is left out of a bulk, as far as its row tells; None: it is not."""
    if item.kind == ItemKind.APPEAL:
        return NotAllowed("An appeal is answered by itself.")
    if items.severity_at(item.severity) == Severity.CRITICAL:
        return NotAllowed("A finding is critical; look at it by itself.")
    if item.state == ItemState.DONE:
        return items.ItemClosed(item)
    if items.is_claimed_by_other(item, actor):
        return items.ClaimedByOther(item)
    return None


def undo_batch(*, batch: uuid.UUID, actor: User) -> list[BulkRow]:
    """Take back all that one bulk decided, as far as it can be."""
    decisions = Decision.objects.filter(batch=batch, undoes__isnull=True).order_by("pk")
    return [_undo_one(one, actor) for one in decisions]


def _undo_one(decision: Decision, actor: User) -> BulkRow:
    item_id = decision.item_id or 0
    try:
        return BulkRow(item_id, decision=undo(decision_id=decision.pk, actor=actor))
    except DomainError as error:
        return BulkRow(item_id, refusal=error)

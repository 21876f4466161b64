"""Taking a decision back: what it changed is as before, and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from accounts.models import Role, User
from config.derived import deferred
from config.errors import DomainError
from moderation.models import (
    Action,
    Appeal,
    Decision,
    ItemState,
    NoticeKind,
    Report,
    ReportStatus,
)
from moderation.querysets.report import HIDES_AT
from moderation.services import items
from moderation.services.cases import Case, Verdict, change, evidence_keys, open_case, record
from moderation.services.effects import EFFECTS
from moderation.services.notices import tell_owner
from skills.models import HOLDING, SkillHold

UNDO_DAYS: Final = 7


class CannotUndo(DomainError):
    code = "cannot_undo"


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
        case = open_case(found.item_id, actor, Verdict(Action.UNDO))
        repeated: Decision | None = Decision.objects.filter(undoes=found).first()
        if repeated is not None:
            return repeated
        _require_undoable(case, found)
        _restore(case, found)
        taken_back = record(case, None, undoes=found)
        _give_back(case, found)
        tell_owner(NoticeKind.TAKEN_BACK, found)
    return taken_back


def may_undo(decision: Decision, actor: User) -> bool:
    """Say whether this person may take it back, by its age and maker; it may be too late."""
    is_own = decision.actor_id == actor.pk
    is_recent = decision.created_at > timezone.now() - timedelta(days=UNDO_DAYS)
    return decision.action in EFFECTS and (actor.role == Role.ADMIN or (is_own and is_recent))


def _require_undoable(case: Case, found: Decision) -> None:
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


def _restore(case: Case, found: Decision) -> None:
    """Take back what this decision changed; what somebody else placed or lifted since stays."""
    former = found.before
    _reopen_reports(case, found)
    standing = SkillHold.objects.filter(skill=case.skill)
    if not _is_said_since(found):
        standing.filter(kind__in=former["placed"]).delete()
    missing = _lifted(case, former) - set(standing.values_list("kind", flat=True))
    SkillHold.objects.bulk_create(
        SkillHold(
            skill=case.skill,
            kind=kind,
            placed_by=case.actor,
            detail=former.get("details", {}).get(kind, ""),
        )
        for kind in sorted(missing)
    )
    change(case, _former_decision(case, found), None, ())


def _former_decision(case: Case, found: Decision) -> str:
    """Return what the version was decided to be, unless that let pass what nobody had seen.

    A scan may have found more since; then it is undecided, as if the scan had come after that.
    """
    former: str = found.before["decision"]
    unseen = set(evidence_keys(case.version)) - set(map(tuple, found.evidence_keys))
    return "" if unseen and former not in HOLDING else former


def _reopen_reports(case: Case, found: Decision) -> None:
    """Open the reports that the decision closed.

    Who reported it again meanwhile has an open report, and has only one.
    """
    again = Report.objects.open().filter(version=case.version).values("reporter")
    closed = Report.objects.filter(pk__in=found.before["reports"], decision=found)
    closed.exclude(reporter__in=again).update(
        status=ReportStatus.OPEN,
        decision=None,
        triaged_by=None,
        triaged_at=None,
        triage_note="",
    )


def _lifted(case: Case, former: dict[str, Any]) -> set[str]:
    """Return the holds to be placed again.

    One that the decision left in place for other versions' reports may have been lifted when those
    were decided, because the reports on this version were closed: now they are open.
    """
    lifted = set(former["lifted"])
    counting = Report.objects.counting().filter(skill=case.skill)
    if former.get("kept") and counting.count_people() >= HIDES_AT:
        lifted |= set(former["kept"])
    return lifted


def _is_said_since(found: Decision) -> bool:
    """Say whether somebody decided the same of the skill later, on another version: it stays."""
    later = Decision.objects.filter(skill=found.skill_id, action=found.action, pk__gt=found.pk)
    return bool(later.filter(undone_by__isnull=True).exists())


def _give_back(case: Case, found: Decision) -> None:
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

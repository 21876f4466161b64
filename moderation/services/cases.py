"""An item under its lock, and the writing of what is decided on it.

Deciding, answering an appeal and taking back open a case, change what the skill's standing follows
from, append the decision with its audit row, and close the item. What the system does by itself
appends its decision here, too.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Exists, F, OuterRef, Subquery
from django.db.models.functions import Coalesce, JSONObject, Now

from accounts import audit
from accounts.models import User
from config.errors import DomainError
from moderation.models import Action, Decision, Report, ReviewItem
from moderation.querysets.report import HIDES_AT
from moderation.services import items
from skills.models import HoldKind, Skill, SkillHold, SkillVersion
from skills.scan_results import Evidence
from skills.standing import point_latest, settle


class ActionUnknown(DomainError):
    code = "action_unknown"


class NotAllowed(DomainError):
    code = "not_allowed"


class KeyUsed(DomainError):
    """The request's key stands for another decision already."""

    code = "request_key_used"

    def __init__(self) -> None:
        super().__init__("This key belongs to another decision; reload the page.")


class ReasonMissing(DomainError):
    code = "reason_missing"


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
class Case:
    """An item under its lock, with what its decision is about."""

    item: ReviewItem
    version: SkillVersion
    skill: Skill
    actor: User
    verdict: Verdict
    # What holds the skill now, with what failed; the reports that deciding closes, by id.
    holds: dict[str, str]
    open_reports: list[int]
    # How many people have a report on another version of it that counts towards hiding.
    reporters_elsewhere: int
    # The key under which something was decided already; None where it is new.
    request_key: uuid.UUID | None
    before: dict[str, Any] = field(default_factory=dict)


def open_case(
    item_id: int, actor: User, verdict: Verdict, request_key: uuid.UUID | None = None
) -> Case:
    """Lock skill and item, in the order of every other writer, and read what they are judged by."""
    locked = Skill.objects.select_for_update(no_key=True, of=("self",))
    skill = locked.filter(versions__review_items=item_id).first()
    if skill is None:
        raise items.ItemMissing
    told = JSONObject(kind="kind", detail="detail")
    held = SkillHold.objects.filter(skill=skill).order_by("kind").values(told=told)
    reported = Report.objects.open().filter(version=OuterRef("version")).order_by("pk")
    item: Any = items.locked_item(
        item_id,
        actor,
        holds=ArraySubquery(held),
        open_reports=ArraySubquery(reported.values("pk")),
        reporters_elsewhere=reporters_elsewhere(),
        is_replay=Exists(Decision.objects.filter(request_key=request_key)),
    )
    return Case(
        item=item,
        version=item.version,
        skill=skill,
        actor=actor,
        verdict=verdict,
        holds={hold["kind"]: hold["detail"] for hold in item.holds},
        open_reports=item.open_reports,
        reporters_elsewhere=item.reporters_elsewhere,
        request_key=request_key if item.is_replay else None,
    )


def reporters_elsewhere() -> Coalesce:
    """Return how many people report other versions of an item's skill, as far as they count.

    An expression. So many as hide a skill keep it hidden until those reports are decided, too.
    """
    others = Report.objects.counting().filter(skill=OuterRef("version__skill"))
    counted = (
        others.exclude(version=OuterRef("version"))
        .order_by()
        .values("skill")
        .annotate(people=Count("reporter", distinct=True))
        .values("people")
    )
    return Coalesce(Subquery(counted), 0)


def snapshot(case: Case) -> dict[str, Any]:
    """Return what an undo restores."""
    item = case.item
    return {
        "decision": case.version.decision,
        "item_state": item.state,
        "item_decision": item.decision_id,
        "proposal": item.proposal_id,
        "closed_at": item.closed_at.isoformat() if item.closed_at else None,
    }


def change(
    case: Case,
    decision: str | None,
    places: HoldKind | None,
    lifts: Collection[HoldKind],
) -> None:
    """Change what the skill's standing follows from, and let it follow; note what changed.

    The hold of reports stays where enough people report other versions, unless another takes its
    place.
    """
    version = case.version
    was_blocked = version.is_blocked
    if decision is not None and decision != version.decision:
        version.decision = decision
        version.save(update_fields=["decision"])
    lifted = case.holds.keys() & set(lifts)
    kept = set()
    if places is None and case.reporters_elsewhere >= HIDES_AT:
        kept = lifted & {HoldKind.REPORTS}
        lifted -= kept
    placed = {places} - case.holds.keys() if places is not None else set()
    if lifted:
        SkillHold.objects.filter(skill=case.skill, kind__in=lifted).delete()
    SkillHold.objects.bulk_create(
        SkillHold(skill=case.skill, kind=kind, placed_by=case.actor) for kind in placed
    )
    case.before |= {
        "lifted": sorted(lifted),
        "placed": sorted(placed),
        "kept": sorted(kept),
        "details": {kind: case.holds[kind] for kind in sorted(lifted) if case.holds[kind]},
    }
    point_latest(skill=case.skill, version=version, was_blocked=was_blocked)
    settle([case.skill.pk])


def record_closing(case: Case, status: str, request_key: uuid.UUID | None) -> Decision:
    """Append the decision and close every open report on the version with it."""
    case.before["reports"] = case.open_reports
    decision = record(case, request_key, reports_closed=len(case.open_reports))
    if case.open_reports:
        Report.objects.open().filter(version=case.version).update(
            status=status,
            decision=decision,
            triaged_by=case.actor,
            triaged_at=Now(),
            triage_note=(case.verdict.note or decision.get_action_display())[:500],
        )
    return decision


def record(case: Case, request_key: uuid.UUID | None, **columns: Any) -> Decision:
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


def record_automatic(
    action: Action,
    item: ReviewItem,
    version: SkillVersion,
    *,
    evidence: Sequence[Evidence] = (),
    **said: str,
) -> Decision:
    """Append what the system did about a version, with its audit row."""
    said.setdefault("category", item.top_class)
    decision = Decision.objects.create(
        action=action,
        item=item,
        skill=version.skill,
        version=version,
        skill_label=str(version.skill)[:200],
        version_label=version.version,
        evidence=list(evidence),
        evidence_keys=evidence_keys(version),
        **said,
    )
    audit.record(
        actor=None,
        verb=f"review.{action}",
        thing=version,
        label=f"{version.skill} {version.version}",
        after={"decision": decision.pk},
    )
    return decision


def close_item(item: ReviewItem, decision: Decision, state: str, **columns: Any) -> None:
    """Let an item be decided, and free; the caller holds its lock."""
    ReviewItem.objects.filter(pk=item.pk).update(
        state=state,
        decision=decision,
        proposal=None,
        closed_at=Now(),
        reporters=0,
        claimed_by=None,
        claimed_at=None,
        claimed_until=None,
        revision=F("revision") + 1,
        **columns,
    )

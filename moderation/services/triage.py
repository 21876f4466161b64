"""What a finished scan means for the desk: what joins the queue, who is told, what is cleared."""

from __future__ import annotations

from collections.abc import Sequence

from config.derived import deferred
from moderation.models import Action, Decision, ItemKind, ItemState, NoticeKind, ReviewItem
from moderation.services import items
from moderation.services.cases import close_item, evidence_keys, record_automatic
from moderation.services.notices import tell_findings, tell_owner
from skills.models import HoldKind, ScanState, Skill, SkillHold, SkillVersion
from skills.scan_results import RESULTS, Evidence, record_scan

# Holds that wait for nobody: under them only what is new joins, that is, has its first result. A
# rescan of everything brings no removed skill back.
_SETTLED = frozenset({HoldKind.REMOVED, HoldKind.BAN})
DOUBTFUL = frozenset({ScanState.SUSPICIOUS, ScanState.MALICIOUS})


def triage_scan(
    *, version_id: int, state: ScanState, evidence: Sequence[Evidence], scanner: str = "static"
) -> None:
    """Apply a scan's result and bring the version before a moderator where it needs one.

    Part of the transaction that records the scan, under the skill's lock. Repeated with the same
    result it changes nothing. A decision outranks the scan unless the scan found what the decided
    one had not: a pair of rule and file.
    """
    with deferred():
        skill = Skill.objects.select_for_update(no_key=True).filter(versions=version_id).first()
        if skill is None:
            return
        version = SkillVersion.objects.get(pk=version_id)
        version.skill = skill
        former = ScanState(version.scan_state), version.scan_evidence
        is_new = bool(version.decision) and _is_new(version, evidence)
        record_scan(
            version_id=version_id,
            state=state,
            evidence=evidence,
            scanner=scanner,
            is_new_evidence=is_new,
        )
        version.refresh_from_db(fields=["scan_state", "scanner", "scan_evidence", "decision"])
        if state in DOUBTFUL and not version.decision:
            _bring_up(version, former, evidence, is_new=is_new)
        elif holds := set(SkillHold.objects.filter(skill=skill).values_list("kind", flat=True)):
            if former[0] not in RESULTS or holds - _SETTLED:
                _bring_up_held(version, evidence)
        elif state == ScanState.CLEAN and not version.decision:
            _clear(version)
        _tell_of_gate(version, evidence)


def _is_new(version: SkillVersion, evidence: Sequence[Evidence]) -> bool:
    decided = (
        Decision.objects.filter(version=version, actor__isnull=False)
        .order_by("-pk")
        .values_list("evidence_keys", flat=True)
        .first()
    )
    known = decided if decided is not None else evidence_keys(version)
    return bool({(found["rule"], found["file"]) for found in evidence} - set(map(tuple, known)))


def _bring_up(
    version: SkillVersion,
    former: tuple[ScanState, Sequence[Evidence]],
    evidence: Sequence[Evidence],
    *,
    is_new: bool,
) -> None:
    """Open the item; where that is news, block or flag the version in words, to its owner.

    Other findings of the same state are news to whoever has the item before their eyes.
    """
    standing = ReviewItem.objects.filter(version=version, appeal__isnull=True).first()
    is_known = standing is not None and standing.state != ItemState.DONE and not is_new
    if is_known and former[0] == version.scan_state:
        if former[1] != list(evidence):
            items.open_item(version=version, kind=ItemKind.SCAN, evidence=evidence)
        return
    item = items.open_item(version=version, kind=ItemKind.SCAN, evidence=evidence)
    if version.scan_state == ScanState.MALICIOUS:
        tell_owner(
            NoticeKind.DECISION, record_automatic(Action.BLOCK, item, version, evidence=evidence)
        )
    else:
        tell_findings(version.skill, version, evidence)


def _bring_up_held(version: SkillVersion, evidence: Sequence[Evidence]) -> None:
    """Let a version of a held skill join the queue, unless it is there."""
    waiting = ReviewItem.objects.filter(version=version, appeal__isnull=True)
    if waiting.exclude(state=ItemState.DONE).exists() or version.decision:
        return
    items.open_item(version=version, kind=ItemKind.HOLD, evidence=evidence)


def _tell_of_gate(version: SkillVersion, evidence: Sequence[Evidence]) -> None:
    """Decide for the quality gate, once: it held the skill when that was published.

    Publishing only places the hold, for it knows nothing of the desk; the scan always comes.
    """
    hold = SkillHold.objects.filter(skill=version.skill, kind=HoldKind.QUALITY).first()
    if hold is None or not hold.detail:
        return
    if Decision.objects.filter(skill=version.skill, action=Action.HOLD_QUALITY).exists():
        return
    standing = ReviewItem.objects.filter(version=version, appeal__isnull=True).first()
    item = standing or items.open_item(version=version, kind=ItemKind.HOLD, evidence=evidence)
    decision = record_automatic(
        Action.HOLD_QUALITY,
        item,
        version,
        evidence=evidence,
        category="quality",
        text=hold.detail,
    )
    tell_owner(NoticeKind.DECISION, decision)


def _clear(version: SkillVersion) -> None:
    """Close what only an earlier scan had opened, now that nothing is found any more."""
    open_items = ReviewItem.objects.open().filter(
        version=version, kind=ItemKind.SCAN, appeal__isnull=True, reporters=0
    )
    item = open_items.select_for_update(no_key=True).first()
    if item is None:
        return
    decision = record_automatic(Action.CLEAR, item, version)
    close_item(item, decision, ItemState.DONE, severity=-1)
    tell_owner(NoticeKind.DECISION, decision)

"""What a finished scan changes: its version, where `latest` leads, and how the skill stands.

The one place that applies the scanner's rows of the truth table (docs/architecture.md, "One
verdict"). A hold or a decision of staff on the skill outranks every scan.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypedDict

from django.db.models.functions import Now

from config.derived import deferred
from skills import verdict
from skills.models import ModerationStatus, ScanState, Skill, SkillTag, SkillVersion
from skills.services import LATEST

RESULTS: Final = frozenset({ScanState.CLEAN, ScanState.SUSPICIOUS, ScanState.MALICIOUS})
"""States that say something; before one, the skill keeps the flags of the version before."""


class Evidence(TypedDict):
    """A finding as a version shows it: what was found, and where to check it (line 0: the file)."""

    rule: str
    attack_class: str
    severity: str
    file: str
    line: int
    snippet: str


def record_scan(*, version_id: int, state: ScanState, evidence: Sequence[Evidence]) -> None:
    """Store how a version's scan ended and what follows from it; nothing for a version gone.

    One transaction, under the skill's lock. Idempotent. A malicious version is blocked alone:
    `latest` goes back to the newest one that can be installed and returns when the block is
    lifted; with none left the skill is hidden.
    """
    with deferred():
        version = SkillVersion.objects.filter(pk=version_id).only("skill_id", "scan_state").first()
        if version is None:
            return
        skill = Skill.objects.select_for_update(no_key=True).get(pk=version.skill_id)
        former = SkillVersion.objects.values_list("scan_state", flat=True).get(pk=version_id)
        told: dict[str, Any] = {"scan_state": state, "scan_evidence": list(evidence)}
        if state in RESULTS:
            # A failed one has looked at nothing, so it leaves no time of a scan.
            told["scanned_at"] = Now()
            _note_scan_of_restored(skill, version_id)
        SkillVersion.objects.filter(pk=version_id).update(**told)
        if ScanState.MALICIOUS in {former, state} and former != state:
            _point_latest(skill, version_id, is_blocked=state == ScanState.MALICIOUS)
        _settle(skill)


def _note_scan_of_restored(skill: Skill, version_id: int) -> None:
    """Forget that a skill came back unscanned: what it hands out has been scanned since."""
    if SkillTag.objects.filter(skill=skill, name=LATEST, version=version_id).exists():
        Skill.objects.filter(pk=skill.pk).update(restored_at=None)


def _point_latest(skill: Skill, version_id: int, *, is_blocked: bool) -> None:
    tags = SkillTag.objects.filter(skill=skill, name=LATEST)
    current = tags.values_list("version", flat=True).first()
    newest = SkillVersion.objects.filter(skill=skill).available().newest_first().first()
    if newest is None:
        return
    leads_here = current == version_id
    # Back when the block is lifted: only to the version itself, and only if nothing newer came.
    returns = not is_blocked and newest.pk == version_id
    if (leads_here and is_blocked) or returns:
        tags.update(version=newest)


def _settle(skill: Skill) -> None:
    """Let the skill say what the scan of its latest version says, unless somebody decided."""
    if not skill.moderation_reason.startswith("scanner."):
        return
    state = (
        SkillVersion.objects.filter(skill=skill, tag_rows__name=LATEST, tag_rows__skill=skill)
        .values_list("scan_state", flat=True)
        .first()
    )
    if state is None:
        return
    flags = set(skill.moderation_flags)
    status = skill.moderation_status
    if state in RESULTS:
        flags -= {verdict.FLAG_SUSPICIOUS, verdict.FLAG_MALWARE}
        if state == ScanState.SUSPICIOUS:
            flags.add(verdict.FLAG_SUSPICIOUS)
        if state == ScanState.MALICIOUS:
            flags.add(verdict.FLAG_MALWARE)
        # The scanner alone hid it, so the scanner alone shows it again.
        status = (
            ModerationStatus.HIDDEN if state == ScanState.MALICIOUS else ModerationStatus.ACTIVE
        )
    Skill.objects.filter(pk=skill.pk).update(
        moderation_status=status,
        moderation_flags=sorted(flags),
        moderation_reason=f"scanner.static.{state}",
    )

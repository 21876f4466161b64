"""What a finished scan changes: its version, where `latest` leads, and how the skill stands.

A hold outranks every scan, and so does a decision until a scan brings new evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypedDict

from django.db.models.functions import Now

from config.derived import deferred
from skills.models import HOLDING, ScanState, Skill, SkillTag, SkillVersion
from skills.standing import LATEST, point_latest, settle

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


def record_scan(
    *,
    version_id: int,
    state: ScanState,
    evidence: Sequence[Evidence],
    scanner: str = "static",
    is_new_evidence: bool = False,
) -> None:
    """Store how a version's scan ended and what follows from it; nothing for a version gone.

    One transaction, under the skill's lock. Idempotent. `scanner` is the one whose result it is.
    With `is_new_evidence` a decision that let the version pass is void; one that holds it stands.
    A malicious version is blocked alone: `latest` goes back to the newest one that can be
    installed and returns when the block is lifted; with none left the skill is hidden.
    """
    with deferred():
        skill = Skill.objects.select_for_update(no_key=True).filter(versions=version_id).first()
        if skill is None:
            return
        rows = SkillVersion.objects.filter(pk=version_id)
        version = rows.only("skill", "scan_state", "decision")
        was_blocked = version.get().is_blocked
        told: dict[str, Any] = {
            "scan_state": state,
            "scanner": scanner,
            "scan_evidence": list(evidence),
        }
        if state in RESULTS:
            # A failed one has looked at nothing, so it leaves no time of a scan.
            told["scanned_at"] = Now()
            _note_scan_of_restored(skill, version_id)
        if is_new_evidence:
            passing = rows.exclude(decision__in=["", *HOLDING])
            passing.update(decision="", **told) or rows.update(**told)
        else:
            rows.update(**told)
        point_latest(skill=skill, version=version.get(), was_blocked=was_blocked)
        settle([skill.pk])


def _note_scan_of_restored(skill: Skill, version_id: int) -> None:
    """Forget that a skill came back unscanned: what it hands out has been scanned since."""
    if SkillTag.objects.filter(skill=skill, name=LATEST, version=version_id).exists():
        Skill.objects.filter(pk=skill.pk).update(restored_at=None)

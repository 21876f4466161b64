"""Storing what a scanner found, and what all scanners say of a version together.

The worst result wins, that of the static rules on a tie, and the evidence of all stands. Of
VirusTotal only a result counts: while it is waited for, where it knows nothing and where it
failed, it says nothing. So it holds nothing back, and it alone makes nothing clean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from django.db.models.functions import Now

from config.derived import deferred
from moderation.models import Finding, Scan, ScannerName, ScanStatus
from moderation.scanners import Finding as Found
from moderation.scanners import Severity
from moderation.services.triage import triage_scan
from skills.models import ScanState, Skill, SkillFile, SkillVersion
from skills.scan_results import RESULTS, Evidence, record_scan

# What a finding names as its file when it is about the version as a whole, or about its ZIP.
WHOLE: Final = ""
# The worst findings, which the version itself shows; all of them stay with their scan.
EVIDENCE_KEPT: Final = 50
EVIDENCE_FROM: Final = Severity.MEDIUM
WORST_FIRST: Final = (
    ScanState.MALICIOUS,
    ScanState.SUSPICIOUS,
    ScanState.FAILED,
    ScanState.PENDING,
    ScanState.RUNNING,
    ScanState.CLEAN,
)
_SHOWN: Final = ("scanner", "scan_state", "scan_evidence")


class Said(NamedTuple):
    """What one scanner says of a version."""

    scanner: str
    state: ScanState
    evidence: list[Evidence]


def hand_in(scan: Scan, status: ScanStatus, findings: Iterable[Found], **told: Any) -> ScanStatus:
    """Record the result of a claimed scan and let the version say it; return how the scan stands.

    `told` are further columns of the scan. Nothing is written for who lost the lease.
    """
    with deferred():
        # The skill first, as everybody: who asks for a rescan holds it and may wait for this scan.
        _lock_skill(scan.version_id)
        mine = Scan.objects.filter(pk=scan.pk, lease_token=scan.lease_token)
        if not mine.update(
            status=status, lease_token=None, lease_until=None, finished_at=Now(), error="", **told
        ):
            return ScanStatus.RUNNING
        files = dict(SkillFile.objects.filter(version=scan.version_id).values_list("path", "blob"))
        files[WHOLE] = SkillVersion.objects.values_list("archive", flat=True).get(
            pk=scan.version_id
        )
        Finding.objects.bulk_create(_row(scan, finding, files) for finding in findings)
        apply_results(scan.version_id)
    return status


def apply_results(version_id: int) -> None:
    """Let a version say what its scanners say together; idempotent."""
    with deferred():
        # Before anything is read: of two scanners that end at once the second sees the first.
        if not _lock_skill(version_id):
            return
        version = SkillVersion.objects.only(*_SHOWN).get(pk=version_id)
        said = [_static(version), *_virustotal(version)]
        worst = worst_of(said)
        evidence = [finding for one in said for finding in one.evidence]
        evidence.sort(key=lambda finding: -Severity(finding["severity"]).rank)
        # A scan that has yet to say something brings nothing before a moderator.
        apply = triage_scan if worst.state in RESULTS else record_scan
        apply(
            version_id=version_id,
            state=worst.state,
            scanner=worst.scanner,
            evidence=evidence[:EVIDENCE_KEPT],
        )


def _lock_skill(version_id: int) -> bool:
    """Lock the skill of a version; False where it is gone."""
    skills = Skill.objects.select_for_update(no_key=True, of=("self",))
    return bool(skills.filter(versions=version_id).values_list("pk"))


def worst_of(said: Iterable[Said]) -> Said:
    """Return the worst; of equals the one named first."""
    return min(said, key=lambda one: WORST_FIRST.index(one.state))


def has_static_result(version_id: int) -> bool:
    """Say whether the static rules have ever come to a result about a version."""
    version = SkillVersion.objects.only(*_SHOWN).filter(pk=version_id).first()
    return version is not None and _static(version).state in RESULTS


def _static(version: SkillVersion) -> Said:
    """The last result of the static rules; without one, whether they failed or have yet to look."""
    static = ScannerName.STATIC
    scans = Scan.objects.of(static).filter(version=version)
    if result := scans.finished().first():
        return Said(static, ScanState(result.status), _evidence_of(result))
    if version.scanner == static and version.scan_state in RESULTS:
        # A result that came without a scan, such as the demo's.
        return Said(static, ScanState(version.scan_state), version.scan_evidence)
    has_failed = scans.exclude(error="").exists()
    return Said(static, ScanState.FAILED if has_failed else ScanState.PENDING, [])


def _virustotal(version: SkillVersion) -> list[Said]:
    result = Scan.objects.of(ScannerName.VT).filter(version=version).finished().first()
    if result is None:
        return []
    return [Said(ScannerName.VT, ScanState(result.status), _evidence_of(result))]


def _evidence_of(scan: Scan) -> list[Evidence]:
    """The worst findings of a scan; they were stored worst first."""
    told = [severity for severity in Severity if severity.rank >= EVIDENCE_FROM.rank]
    rows = Finding.objects.filter(scan=scan, severity__in=told).order_by("pk")[:EVIDENCE_KEPT]
    return [as_evidence(row) for row in rows]


def as_evidence(found: Finding | Found) -> Evidence:
    """Return a finding as a version keeps it."""
    return Evidence(
        rule=found.rule,
        attack_class=found.attack_class,
        severity=found.severity,
        file=found.file,
        line=found.line,
        snippet=found.snippet,
    )


def _row(scan: Scan, found: Found, files: Mapping[str, str]) -> Finding:
    return Finding(
        scan=scan,
        rule=found.rule,
        attack_class=found.attack_class,
        severity=found.severity,
        confidence=found.confidence,
        file=found.file,
        file_sha256=files.get(found.file, ""),
        line=found.line,
        snippet=found.snippet[:300],
    )

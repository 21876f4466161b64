"""What an author is told before publishing: what it comes to, what stands in the way, findings."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from django.utils import timezone

from config.errors import DomainError
from moderation import scanners
from moderation.scanners import Severity
from moderation.services.results import EVIDENCE_FROM, EVIDENCE_KEPT, as_evidence
from moderation.services.scans import popular_names
from skills.bundle import BundleFile
from skills.evidence import Reader, Told, told_to
from skills.models import Skill
from skills.services import Submission, rehearse
from skills.shown import told_to_owner

logger = logging.getLogger(__name__)

SCANNED_AT_ONCE: Final = 2 * 1024 * 1024
SCAN_SECONDS: Final = 3.0
"""A page waits for the scan of so many bytes, and so long; what takes more waits for the job."""

LATER: Final = "The files are scanned once they are published; that takes longer than a page waits."

FILES_SHOWN: Final = 100

_SCAN: Final = {
    scanners.ScanVerdict.CLEAN: "A scan of these files finds nothing above low.",
    scanners.ScanVerdict.SUSPICIOUS: "A scan of these files finds what a moderator will look at."
    " Until then the skill is marked “Under review” and left out of boards.",
    scanners.ScanVerdict.MALICIOUS: "A scan of these files finds what looks like malware. The"
    " version would be blocked at once.",
}


@dataclass(frozen=True)
class Checks:
    """What the page says of a bundle; `refusal` is what publishing it would be refused with."""

    outcome: str
    refusal: DomainError | None
    warnings: list[str]
    findings: list[Told]
    scan: str
    files: tuple[BundleFile, ...]
    more_files: int
    size_bytes: int


def check(submission: Submission) -> Checks:
    """Rehearse a publish and scan its files. Nothing of it stays but stored content."""
    bundle = submission.bundle
    said, namespace = submission.publication, submission.namespace
    before: Skill | None = Skill.objects.filter(namespace=namespace, slug=said.slug).first()
    outcome, refusal, warnings = _rehearsed(submission, before)
    findings, scan = _scanned(submission, before)
    return Checks(
        outcome=outcome,
        refusal=refusal,
        warnings=[*bundle.warnings, *warnings],
        findings=findings,
        scan=scan,
        files=bundle.files[:FILES_SHOWN],
        more_files=max(0, len(bundle.files) - FILES_SHOWN),
        size_bytes=bundle.size_bytes,
    )


def _rehearsed(
    submission: Submission, before: Skill | None
) -> tuple[str, DomainError | None, list[str]]:
    """Return what publishing comes to, its refusal, and what the author should know of it."""
    said = submission.publication
    try:
        published = rehearse(submission)
    except DomainError as refusal:
        return "", refusal, []
    skill = published.skill
    name = f"@{submission.namespace.handle}/{skill.slug}"
    if not published.created:
        return f"{name} has version {said.version} with these files already.", None, []
    warnings = [] if skill.is_public else [told_to_owner(skill)]
    if before is None:
        return f"A new skill: {name} {said.version}.", None, warnings
    latest = (before.latest_version_summary or {}).get("version", "")
    told = f", after {latest}" if latest else ""
    return f"A new version of {name}: {said.version}{told}.", None, warnings


def _scanned(submission: Submission, before: Skill | None) -> tuple[list[Told], str]:
    """Return the findings as an owner is told of them, and what is said of the scan."""
    bundle = submission.bundle
    if bundle.size_bytes > SCANNED_AT_ONCE:
        return [], LATER
    since = timezone.now() if before is None else before.created_at
    try:
        report = scanners.scan(
            {file.path: _content(file) for file in bundle.files},
            name=submission.publication.slug,
            popular_names=popular_names(submission.namespace.pk, since),
            seconds=SCAN_SECONDS,
        )
    except Exception:
        # As in the job, which tries again: no scanner keeps anybody from publishing.
        logger.exception("the scan of a check failed")
        return [], LATER
    if any(found.rule == scanners.UNFINISHED for found in report.findings):
        return [], LATER
    evidence = [
        as_evidence(found)
        for found in report.findings
        if Severity(found.severity).rank >= EVIDENCE_FROM.rank
    ]
    return told_to(Reader.OWNER, evidence[:EVIDENCE_KEPT]), _SCAN[report.verdict]


def _content(file: BundleFile) -> bytes:
    with file.open() as stream:
        return stream.read()

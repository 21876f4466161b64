"""Scanning versions: asking for it, taking it up, performing it, recording what was found."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Subquery
from django.db.models.functions import Now

from accounts import audit
from accounts.models import User
from config.derived import deferred
from moderation import scanners
from moderation.models import Finding, Scan, ScanStatus
from moderation.scanners import catalogue
from moderation.services.triage import triage_scan
from skills.blobs import open_blob
from skills.models import ScanState, Skill, SkillFile, SkillListing, SkillVersion
from skills.scan_results import RESULTS, Evidence, record_scan

logger = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 3
LEASE: Final = timedelta(minutes=2)
# A failed scan is tried again after so many minutes, by the number of failures.
RETRY_AFTER: Final = (timedelta(minutes=1), timedelta(minutes=5))
BATCH: Final = 500
# The worst findings, which the version itself shows; all of them stay with the scan.
EVIDENCE_KEPT: Final = 50
EVIDENCE_FROM: Final = scanners.Severity.MEDIUM
# A name worth passing for: among the most downloaded, and of so many downloads.
POPULAR: Final = 200
POPULAR_FROM: Final = 1000


def queue_new_versions() -> None:
    """Ask for a scan of every version that none has seen.

    Reads the finder "scan pending", so a version whose wake-up got lost is found all the same.
    """
    unasked = SkillVersion.objects.scan_pending().filter(
        ~Exists(Scan.objects.unfinished().filter(version=OuterRef("pk")))
    )
    while found := list(unasked.values_list("pk", flat=True)[:BATCH]):
        request_scans(found)


def request_scans(version_ids: Iterable[int]) -> None:
    """Ask for scans of these versions; one that is waiting or under way is enough."""
    Scan.objects.bulk_create(
        [Scan(version_id=version_id) for version_id in version_ids], ignore_conflicts=True
    )


@transaction.atomic
def request_rescan(*, version: SkillVersion, actor: User) -> None:
    """Ask for another scan of a version on a person's behalf. Its state stays until the result."""
    request_scans([version.pk])
    audit.record(actor=actor, verb="version.rescan", thing=version)


def queue_outdated(after: int) -> tuple[int, int] | None:
    """Ask for scans of the versions whose last result is of other rules; idempotent.

    From the version behind `after` on, some hundreds; return the last one looked at and how many
    were, None at the end.
    """
    last_rules = Scan.objects.finished().filter(version=OuterRef("pk"))
    looked = list(
        SkillVersion.objects.filter(pk__gt=after, withdrawn_at__isnull=True)
        .order_by("pk")
        .annotate(rules=Subquery(last_rules.values("rules_version")[:1]))
        .values_list("pk", "rules")[:BATCH]
    )
    if not looked:
        return None
    current = scanners.RULES_VERSION
    request_scans(pk for pk, rules in looked if rules is not None and rules != current)
    return looked[-1][0], len(looked)


def claim_scan() -> Scan | None:
    """Take up the scan that is due longest; None when none is. Several workers share the queue."""
    with transaction.atomic():
        scan: Scan | None = Scan.objects.due().select_for_update(skip_locked=True).first()
        if scan is None:
            return None
        scan.status = ScanStatus.RUNNING
        scan.attempts += 1
        scan.lease_token = uuid.uuid4()
        Scan.objects.filter(pk=scan.pk).update(
            status=scan.status,
            attempts=scan.attempts,
            lease_token=scan.lease_token,
            lease_until=Now() + LEASE,
        )
    return scan


def perform_scan(scan: Scan) -> ScanStatus:
    """Look at the files of a claimed scan and record the result; return how the scan stands now.

    Idempotent: the result of a scan that somebody else took over is discarded. What goes wrong is
    stored and tried again; after three tries the version is suspicious, never clean.
    """
    skill = Skill.objects.filter(versions=scan.version_id).first()
    if skill is None:
        return ScanStatus.RUNNING
    if scan.attempts > MAX_ATTEMPTS:
        return _fail(scan, TimeoutError("Each worker that scanned it died over it."))
    try:
        report = scanners.scan(
            _files(scan.version_id), name=skill.slug, popular_names=_popular_names(skill)
        )
    except Exception as error:
        logger.exception("%s failed", scan)
        return _fail(scan, error)
    return _record(scan, ScanStatus(report.verdict), report.findings)


def _files(version_id: int) -> dict[str, bytes]:
    """Return the content of a version's files by path; a version is at most 50 MB."""
    found = {}
    rows = SkillFile.objects.filter(version=version_id).order_by("path")
    for path, sha256 in rows.values_list("path", "blob"):
        with open_blob(sha256) as content:
            found[path] = content.read()
    return found


def _popular_names(skill: Skill) -> set[str]:
    """Return the names that a skill must not pass for: popular, older, and somebody else's."""
    rows = SkillListing.objects.under("").filter(downloads__gte=POPULAR_FROM)
    popular = rows.order_by("-downloads", "-skill").values_list(
        "slug", "created_at", "skill__namespace"
    )[:POPULAR]
    return {
        slug
        for slug, created_at, namespace in popular
        if created_at < skill.created_at and namespace != skill.namespace_id
    }


def _record(scan: Scan, status: ScanStatus, findings: Iterable[scanners.Finding]) -> ScanStatus:
    with deferred():
        mine = Scan.objects.filter(pk=scan.pk, lease_token=scan.lease_token)
        if not mine.update(
            status=status,
            lease_token=None,
            lease_until=None,
            rules_version=scanners.RULES_VERSION,
            finished_at=Now(),
            error="",
        ):
            return ScanStatus.RUNNING
        found = tuple(findings)
        hashes = dict(SkillFile.objects.filter(version=scan.version_id).values_list("path", "blob"))
        Finding.objects.bulk_create(_row(scan, finding, hashes) for finding in found)
        told = [finding for finding in found if finding.severity.rank >= EVIDENCE_FROM.rank]
        evidence = [_evidence(finding) for finding in told[:EVIDENCE_KEPT]]
        triage_scan(version_id=scan.version_id, state=ScanState(status), evidence=evidence)
    return status


def _evidence(finding: scanners.Finding) -> Evidence:
    return Evidence(
        rule=finding.rule,
        attack_class=finding.attack_class,
        severity=finding.severity,
        file=finding.file,
        line=finding.line,
        snippet=finding.snippet,
    )


def _row(scan: Scan, found: scanners.Finding, hashes: Mapping[str, str]) -> Finding:
    return Finding(
        scan=scan,
        rule=found.rule,
        attack_class=found.attack_class,
        severity=found.severity,
        confidence=found.confidence,
        file=found.file,
        file_sha256=hashes.get(found.file, ""),
        line=found.line,
        snippet=found.snippet[:300],
    )


def _fail(scan: Scan, error: Exception) -> ScanStatus:
    """Let the scan be tried again, or end it. What an earlier scan found of the version stays."""
    version = SkillVersion.objects.filter(pk=scan.version_id)
    is_known = version.filter(scan_state__in=RESULTS).exists()
    is_last = scan.attempts >= MAX_ATTEMPTS
    if is_last and not is_known:
        return _record(scan, ScanStatus.SUSPICIOUS, [catalogue.found("scan.unfinished", "", "")])
    told: dict[str, Any] = {"error": f"{type(error).__name__}: {error}"[:500]}
    if is_last:
        told |= {"status": ScanStatus.FAILED, "finished_at": Now()}
    else:
        due_at = Now() + RETRY_AFTER[scan.attempts - 1]
        told |= {"status": ScanStatus.PENDING, "due_at": due_at}
    with transaction.atomic():
        mine = Scan.objects.filter(pk=scan.pk, lease_token=scan.lease_token)
        if mine.update(lease_token=None, lease_until=None, **told) and not is_known:
            record_scan(version_id=scan.version_id, state=ScanState.FAILED, evidence=[])
    return ScanStatus.FAILED

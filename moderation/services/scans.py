"""Scanning versions: asking for it, taking it up, performing it, recording what was found."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef, Subquery
from django.db.models.functions import Now
from django.utils import timezone
from django_q.tasks import async_task

from accounts import audit
from accounts.models import User
from accounts.policy import Actor, owns
from config.errors import DomainError
from jobs.schedules import SCHEDULED_TASK
from moderation import scanners, virustotal
from moderation.models import Scan, ScannerName, ScanPriority, ScanStatus
from moderation.querysets.scan import ScanQuerySet
from moderation.scanners import catalogue
from moderation.services.results import apply_results, hand_in, has_static_result
from skills.blobs import open_blob
from skills.models import ScanState, Skill, SkillFile, SkillListing, SkillVersion
from skills.services import SCAN_JOB

logger = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 3
LEASE: Final = timedelta(minutes=2)
# A failed scan is tried again after so many minutes, by the number of failures.
RETRY_AFTER: Final = (timedelta(minutes=1), timedelta(minutes=5))
BATCH: Final = 500
# The static rules look first: they know a program by its content, whatever its name says.
LOOKUP_AFTER: Final = timedelta(minutes=1)
# So long an owner waits before a version is scanned again at their wish.
RESCAN_AFTER: Final = timedelta(minutes=10)
# A name worth passing for: among the most downloaded, and of so many downloads.
POPULAR: Final = 200
POPULAR_FROM: Final = 1000


class RescanRefused(DomainError):
    code = "rescan_refused"


def queue_new_versions() -> None:
    """Ask for a scan of every version that none has seen.

    Reads the finder "scan pending", so a version whose wake-up got lost is found all the same.
    """
    unasked = SkillVersion.objects.scan_pending().filter(
        ~Exists(Scan.objects.of(ScannerName.STATIC).unfinished().filter(version=OuterRef("pk")))
    )
    while found := list(unasked.values_list("pk", flat=True)[:BATCH]):
        request_scans(found)
        if virustotal.is_on():
            request_lookups(found)


def request_scans(
    version_ids: Iterable[int], *, priority: ScanPriority = ScanPriority.ASKED
) -> None:
    """Ask for scans of these versions; one that is waiting or under way is enough."""
    Scan.objects.bulk_create(
        [Scan(version_id=version_id, priority=priority) for version_id in version_ids],
        ignore_conflicts=True,
    )


def request_lookups(
    version_ids: Iterable[int], *, polls: int = 0, priority: ScanPriority = ScanPriority.ASKED
) -> None:
    """Ask for VirusTotal's word on these versions; one that is waited for already is enough."""
    due_at = timezone.now() + LOOKUP_AFTER
    Scan.objects.bulk_create(
        [
            Scan(
                version_id=version_id,
                scanner=ScannerName.VT,
                due_at=due_at,
                polls=polls,
                priority=priority,
            )
            for version_id in version_ids
        ],
        ignore_conflicts=True,
    )


def request_rescan(*, version: SkillVersion, actor: User) -> bool:
    """Ask for another scan of a version on a person's behalf; False: one is waiting already.

    Its state stays until the result. Its owner may ask once in `RESCAN_AFTER`, staff at any time.
    One transaction, under the skill's lock. Raises `RescanRefused`.
    """
    who = Actor(user=actor)
    with transaction.atomic():
        skill = Skill.objects.select_for_update(no_key=True).get(pk=version.skill_id)
        if not (who.is_staff or owns(who, skill)):
            raise RescanRefused("Only its owner and moderators have a version scanned again.")
        if version.withdrawn_at is not None:
            raise RescanRefused("A withdrawn version is not scanned again.")
        if waiting_for_scan([version.pk]):
            # One that a job had asked for is taken up before all others of it.
            swept = Scan.objects.filter(version=version, status=ScanStatus.PENDING)
            swept.exclude(priority=ScanPriority.ASKED).update(priority=ScanPriority.ASKED)
            return False
        again_at = rescan_at([version.pk]).get(version.pk)
        if again_at is not None and not who.is_staff:
            raise RescanRefused(
                f"It was scanned a moment ago; ask again after {again_at:%H:%M} UTC."
            )
        request_scans([version.pk])
        if virustotal.is_on():
            request_lookups([version.pk])
        audit.record(actor=actor, verb="version.rescan", thing=version)
        # Only a wake-up; the job comes every minute all the same.
        async_task(SCHEDULED_TASK, SCAN_JOB)
    return True


def rescan_at(version_ids: Collection[int]) -> dict[int, datetime]:
    """Return when an owner may ask again for a scan of each version that has to wait."""
    since = timezone.now() - RESCAN_AFTER
    rows = _of_rules(version_ids).filter(requested_at__gt=since).order_by("pk")
    asked = rows.values_list("version", "requested_at")
    return {version_id: moment + RESCAN_AFTER for version_id, moment in asked}


def waiting_for_scan(version_ids: Collection[int]) -> set[int]:
    """Return which of these versions the rules are about to look at."""
    rows = _of_rules(version_ids).unfinished()
    return set(rows.values_list("version", flat=True))


def _of_rules(version_ids: Collection[int]) -> ScanQuerySet:
    """Return the scans of these versions by the rules: another scanner may take a day."""
    found: ScanQuerySet = Scan.objects.of(ScannerName.STATIC).filter(version__in=version_ids)
    return found


def queue_outdated(after: int) -> tuple[int, int] | None:
    """Ask for scans of the versions whose last result is of other rules; idempotent.

    From the version behind `after` on, some hundreds; return the last one looked at and how many
    were, None at the end.
    """
    of_version = Scan.objects.of(ScannerName.STATIC).filter(version=OuterRef("pk"))
    last_rules = of_version.finished()
    looked = list(
        SkillVersion.objects.published()
        .filter(pk__gt=after)
        .order_by("pk")
        .annotate(rules=Subquery(last_rules.values("rules_version")[:1]))
        .values_list("pk", "rules")[:BATCH]
    )
    if not looked:
        return None
    current = scanners.RULES_VERSION
    outdated = [pk for pk, rules in looked if rules is not None and rules != current]
    request_scans(outdated, priority=ScanPriority.SWEEP)
    return looked[-1][0], len(looked)


class Batch(NamedTuple):
    """How far a run over all versions got: the last one, how many, and how many anew."""

    last: int
    looked: int
    asked: int


def queue_all(after: int, *, ask: bool) -> Batch | None:
    """Ask for scans of the versions behind `after`, some hundreds; None at the end. Idempotent.

    One that waits for a scan is left alone. With `ask` False nothing is written.
    """
    rows = SkillVersion.objects.published().filter(pk__gt=after).order_by("pk")
    looked = list(rows.values_list("pk", "scan_state")[:BATCH])
    if not looked:
        return None
    waiting = waiting_for_scan([pk for pk, _state in looked])
    fresh = [(pk, state) for pk, state in looked if pk not in waiting]
    if ask:
        # One that no scan has seen yet is waited for; it does not queue up behind the others.
        request_scans(pk for pk, state in fresh if state == ScanState.PENDING)
        known = [pk for pk, state in fresh if state != ScanState.PENDING]
        request_scans(known, priority=ScanPriority.SWEEP)
    return Batch(looked[-1][0], len(looked), len(fresh))


def claim_scan(scanner: ScannerName = ScannerName.STATIC) -> Scan | None:
    """Take up the scan that is due longest; None when none is. Several workers share the queue.

    A publish, or a rescan of one version, comes before what a job asked of all of them.
    """
    with transaction.atomic():
        scan = _lock_first(scanner)
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


def _lock_first(scanner: ScannerName) -> Scan | None:
    for priority in ScanPriority:
        due = Scan.objects.due(scanner, priority)
        scan: Scan | None = due.select_for_update(skip_locked=True).first()
        if scan is not None:
            return scan
    return None


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
            _files(scan.version_id),
            name=skill.slug,
            popular_names=popular_names(skill.namespace_id, skill.created_at),
        )
    except Exception as error:
        logger.exception("%s failed", scan)
        return _fail(scan, error)
    return hand_in(
        scan,
        ScanStatus(report.verdict),
        report.findings,
        rules_version=scanners.RULES_VERSION,
    )


def _files(version_id: int) -> dict[str, bytes]:
    """Return the content of a version's files by path; a version is at most 50 MB."""
    found = {}
    rows = SkillFile.objects.filter(version=version_id).order_by("path")
    for path, sha256 in rows.values_list("path", "blob"):
        with open_blob(sha256) as content:
            found[path] = content.read()
    return found


def popular_names(namespace_id: int, created_at: datetime) -> set[str]:
    """Return the names that a skill must not pass for: popular, older, and somebody else's."""
    rows = SkillListing.objects.under("").filter(downloads__gte=POPULAR_FROM)
    popular = rows.order_by("-downloads", "-skill").values_list(
        "slug", "created_at", "skill__namespace"
    )[:POPULAR]
    return {
        slug
        for slug, since, namespace in popular
        if since < created_at and namespace != namespace_id
    }


def _fail(scan: Scan, error: Exception) -> ScanStatus:
    """Let the scan be tried again, or end it. What an earlier scan found of the version stays."""
    is_known = has_static_result(scan.version_id)
    if scan.attempts >= MAX_ATTEMPTS and not is_known:
        unfinished = [catalogue.found("scan.unfinished", "", "")]
        return hand_in(
            scan, ScanStatus.SUSPICIOUS, unfinished, rules_version=scanners.RULES_VERSION
        )
    with transaction.atomic():
        if hand_back(scan, error) and not is_known:
            apply_results(scan.version_id)
    return ScanStatus.FAILED


def hand_back(scan: Scan, error: Exception, **at_last: Any) -> bool:
    """Let a claimed scan be tried again later, or end it as failed when it has been three times.

    `at_last` are further columns of one that ends. False, and nothing written, for who lost the
    lease.
    """
    told: dict[str, Any] = {"error": f"{type(error).__name__}: {error}"[:500]}
    if scan.attempts >= MAX_ATTEMPTS:
        told |= {"status": ScanStatus.FAILED, "finished_at": Now(), **at_last}
    else:
        due_at = Now() + RETRY_AFTER[scan.attempts - 1]
        told |= {"status": ScanStatus.PENDING, "due_at": due_at}
    mine = Scan.objects.filter(pk=scan.pk, lease_token=scan.lease_token)
    return bool(mine.update(lease_token=None, lease_until=None, **told))

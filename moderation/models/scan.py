"""Scans of published versions and what they found."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from moderation.querysets.scan import ScanQuerySet
from skills.models import SkillVersion


class ScannerName(models.TextChoices):
    """Who scans; of equally bad results the first one's counts."""

    STATIC = "static", "Static rules"
    VT = "vt", "VirusTotal"


class ScanStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    CLEAN = "clean", "Clean"
    SUSPICIOUS = "suspicious", "Suspicious"
    MALICIOUS = "malicious", "Malicious"
    FAILED = "failed", "Failed"
    # It was asked and knows none of the files: no result, and never a clean one.
    UNKNOWN = "unknown", "Not known"


class ScanPriority(models.IntegerChoices):
    """What is scanned first: what somebody waits for, then what a job asked for of all versions."""

    ASKED = 0, "Asked for"
    SWEEP = 1, "Of all versions"


UNFINISHED = (ScanStatus.PENDING, ScanStatus.RUNNING)


class Scan(models.Model):
    """One look of a scanner at a version: waiting, under way, or with its result.

    Whoever performs it holds a lease; every write of theirs names the lease's token. A scan that
    failed waits again until it has been tried three times.
    """

    version = models.ForeignKey(
        SkillVersion, on_delete=models.CASCADE, related_name="scans", db_index=False
    )
    scanner = models.CharField(max_length=8, choices=ScannerName, default=ScannerName.STATIC)
    requested_at = models.DateTimeField(db_default=Now())
    priority = models.PositiveSmallIntegerField(
        choices=ScanPriority, default=ScanPriority.ASKED, db_default=0
    )

    status = models.CharField(max_length=10, choices=ScanStatus, default=ScanStatus.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Not tried before this moment; later with every failure.
    due_at = models.DateTimeField(db_default=Now())
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    # Which rules looked: a result of others is out of date.
    rules_version = models.CharField(max_length=16, blank=True)
    finished_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True)

    # Of VirusTotal alone: how often it was asked in vain, what it said in one line, and when it is
    # asked anew (of its last scan of a version; None once that was asked for).
    polls = models.PositiveSmallIntegerField(default=0, db_default=0)
    note = models.CharField(max_length=200, blank=True, db_default="")
    recheck_at = models.DateTimeField(null=True)

    objects = ScanQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "version",
                "scanner",
                name="scan_one_unfinished_per_version",
                condition=Q(status__in=UNFINISHED),
            ),
        ]
        indexes = [
            # What a scanner is to look at: what somebody waits for first, then longest waiting.
            models.Index(
                fields=["scanner", "priority", "due_at", "id"],
                name="scan_waiting_by_priority",
                condition=Q(status__in=UNFINISHED),
            ),
            # What is to be asked anew, longest due first.
            models.Index(
                fields=["recheck_at", "id"],
                name="scan_recheck",
                condition=Q(recheck_at__isnull=False),
            ),
            # The scans of one version, newest first.
            models.Index(fields=["version", "-id"], name="scan_of_version"),
        ]

    def __str__(self) -> str:
        return f"{self.scanner} scan of version {self.version_id}: {self.status}"


class Finding(models.Model):
    """Evidence: which rule fired, how bad that is, and where a person can check it.

    Append-only. Whether it makes a version suspicious is the verdict's word, not a finding's.
    """

    scan = models.ForeignKey(Scan, on_delete=models.CASCADE, related_name="findings")
    rule = models.CharField(max_length=64)
    attack_class = models.CharField(max_length=40)
    severity = models.CharField(max_length=8)
    confidence = models.CharField(max_length=6)
    file = models.CharField(max_length=500, blank=True)
    file_sha256 = models.CharField(max_length=64, blank=True, db_collation="C")
    # From 1; 0 where it is about the whole file.
    line = models.PositiveIntegerField(default=0)
    snippet = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"{self.rule} in {self.file}:{self.line}"

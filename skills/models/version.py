"""A published version, its files, and the content they share."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now

from config.derived import DerivedModel
from skills.models.skill import Skill
from skills.querysets import SkillVersionQuerySet


class ScanState(models.TextChoices):
    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    CLEAN = "clean", "Clean"
    SUSPICIOUS = "suspicious", "Suspicious"
    MALICIOUS = "malicious", "Malicious"
    FAILED = "failed", "Failed"


class Decided(models.TextChoices):
    """What a person decided about one version; it outranks its scan until new evidence comes."""

    APPROVED = "approved", "Approved"
    CAUTION = "caution", "Caution"
    CHANGES = "changes", "Changes requested"
    HIDDEN = "hidden", "Hidden"


# Decisions that keep the version from being handed out.
HOLDING = (Decided.CHANGES, Decided.HIDDEN)


class VersionSource(models.TextChoices):
    CLI = "cli", "Command line"
    WEB = "web", "Web form"
    IMPORT = "import", "Import"


class Blob(models.Model):
    """Content, kept once under its SHA-256 however many files consist of it.

    A row exists only when its bytes lie complete in the storage (see skills/blobs.py).
    """

    sha256 = models.CharField(max_length=64, primary_key=True, db_collation="C")
    size_bytes = models.PositiveBigIntegerField()

    # When somebody last meant to use it; the sweep leaves fresh ones alone.
    touched_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="blob_sha256_is_hex", condition=Q(sha256__regex=r"^[0-9a-f]{64}$")
            ),
        ]
        # The sweep, oldest first.
        indexes = [models.Index(fields=["touched_at"], name="blob_by_touch")]

    def __str__(self) -> str:
        return self.sha256


class SkillVersion(DerivedModel):
    """One published state of a skill; its files and its version never change."""

    skill = models.ForeignKey(
        Skill, on_delete=models.CASCADE, related_name="versions", db_index=False
    )
    version = models.CharField(max_length=100)
    changelog = models.TextField(blank=True)
    changelog_source = models.CharField(
        max_length=4, choices=[("auto", "Automatic"), ("user", "Author")], default="user"
    )
    license = models.CharField(max_length=64, blank=True)
    source = models.CharField(max_length=6, choices=VersionSource)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    # What the front matter says, typed (skills/frontmatter.py), and what did not parse.
    metadata = models.JSONField(default=dict)
    warnings = models.JSONField(default=list)
    readme = models.TextField()
    readme_path = models.CharField(max_length=500)
    file_count = models.PositiveIntegerField()
    size_bytes = models.PositiveBigIntegerField()
    archive = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")

    scan_state = models.CharField(max_length=10, choices=ScanState, default=ScanState.PENDING)
    # Which scanner the state is from; of several, the one with the worst result.
    scanner = models.CharField(max_length=8, default="static", db_default="static")
    # Whether the version before was doubtful: it counts until the first result of this one.
    presumed_suspicious = models.BooleanField(default=False, db_default=False)
    # Whether its author published it under other tags only: `latest` never moves to it by itself.
    is_prerelease = models.BooleanField(default=False, db_default=False)
    decision = models.CharField(max_length=8, choices=Decided, blank=True, db_default="")
    scan_requested_at = models.DateTimeField(db_default=Now())
    scanned_at = models.DateTimeField(null=True)
    # The worst findings of the last scan, as pages and API show them (skills/scan_results.py).
    scan_evidence = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    withdrawn_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = SkillVersionQuerySet.as_manager()

    class Meta:
        constraints = [
            # Also after a withdrawal: a version is never published twice.
            models.UniqueConstraint("skill", "version", name="skillversion_unique_per_skill"),
        ]
        indexes = [
            # The versions of a skill, newest first.
            models.Index(fields=["skill", "-created_at", "-id"], name="skillversion_of_skill"),
            # What waits for a scan, longest waiting first.
            models.Index(
                name="skillversion_scan_pending",
                fields=["scan_requested_at", "id"],
                condition=Q(scan_state=ScanState.PENDING),
            ),
            # "How many were scanned today?"
            models.Index(
                name="skillversion_scanned",
                fields=["scanned_at"],
                condition=Q(scanned_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.skill_id}@{self.version}"

    @property
    def is_available(self) -> bool:
        """Say whether its files are handed out: neither withdrawn nor blocked."""
        return self.withdrawn_at is None and not self.is_blocked

    @property
    def is_blocked(self) -> bool:
        """Say whether staff hold it, or a scan found it malicious and nobody decided otherwise.

        `SkillVersionQuerySet.available()` asks the same of lists.
        """
        return self.decision in HOLDING or (
            self.scan_state == ScanState.MALICIOUS and not self.decision
        )


class SkillFile(models.Model):
    """One file of a version: a path and the content it shares with its equals."""

    version = models.ForeignKey(
        SkillVersion, on_delete=models.CASCADE, related_name="files", db_index=False
    )
    path = models.CharField(max_length=500, db_collation="C")
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="files")
    content_type = models.CharField(max_length=100)

    class Meta:
        constraints = [
            models.UniqueConstraint("version", "path", name="skillfile_path_unique_per_version"),
        ]

    def __str__(self) -> str:
        return self.path


class VersionFingerprint(models.Model):
    """A fingerprint by which a client may know a version (contract, section 6)."""

    version = models.ForeignKey(SkillVersion, on_delete=models.CASCADE, related_name="fingerprints")
    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="+", db_index=False)
    fingerprint = models.CharField(max_length=64, db_collation="C")

    class Meta:
        indexes = [
            # "Which version of this skill has this fingerprint?"
            models.Index(fields=["skill", "fingerprint"], name="fingerprint_of_skill"),
        ]

    def __str__(self) -> str:
        return self.fingerprint

"""What people report about a version."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from moderation.querysets.report import ReportQuerySet
from skills.models import Skill, SkillVersion


class ReportKind(models.TextChoices):
    MALICIOUS = "malicious", "Malicious"
    MISLEADING = "misleading", "Misleading"
    UNDECLARED = "undeclared", "Needs it does not declare"
    IMPERSONATION = "impersonation", "Impersonation"
    BROKEN = "broken", "Broken"
    # What a client reports in words alone; calling it malicious would be our word.
    OTHER = "other", "Something else"


class ReportStatus(models.TextChoices):
    OPEN = "open", "Open"
    CONFIRMED = "confirmed", "Confirmed"
    DISMISSED = "dismissed", "Dismissed"


class Report(models.Model):
    """One person's word about one version; a second one adds to the first while it is open."""

    skill = models.ForeignKey(
        Skill, on_delete=models.CASCADE, related_name="reports", db_index=False
    )
    version = models.ForeignKey(
        SkillVersion, on_delete=models.CASCADE, related_name="reports", db_index=False
    )
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reports", db_index=False
    )
    kind = models.CharField(max_length=13, choices=ReportKind)
    text = models.CharField(max_length=2000, blank=True)
    file = models.CharField(max_length=500, blank=True)
    line = models.PositiveIntegerField(default=0)

    status = models.CharField(max_length=9, choices=ReportStatus, default=ReportStatus.OPEN)
    triaged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    triaged_at = models.DateTimeField(null=True)
    triage_note = models.CharField(max_length=500, blank=True)
    decision = models.ForeignKey(
        "moderation.Decision", null=True, on_delete=models.PROTECT, related_name="reports"
    )
    created_at = models.DateTimeField(db_default=Now())

    objects = ReportQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "reporter",
                "version",
                name="report_one_open_per_person",
                condition=Q(status="open"),
            ),
        ]
        indexes = [
            # The open reports on a skill, and on one version.
            models.Index(
                fields=["skill", "reporter"],
                name="report_open_of_skill",
                condition=Q(status="open"),
            ),
            models.Index(fields=["version", "-id"], name="report_of_version"),
            # Reports by status, newest first, and those of one person.
            models.Index(fields=["status", "-id"], name="report_by_status"),
            models.Index(fields=["reporter", "status", "-id"], name="report_of_reporter"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} report {self.pk} on version {self.version_id}"

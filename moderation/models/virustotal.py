"""What VirusTotal said."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from skills.models import Blob


class VirusTotalReport(models.Model):
    """What VirusTotal last said of some content, by its hash: asked once for all that share it.

    No engines: it was not known there.
    """

    blob = models.OneToOneField(
        Blob, on_delete=models.CASCADE, primary_key=True, related_name="virustotal_report"
    )
    malicious = models.PositiveSmallIntegerField(default=0)
    suspicious = models.PositiveSmallIntegerField(default=0)
    engines = models.PositiveSmallIntegerField(default=0)
    asked_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.malicious + self.suspicious} of {self.engines}: {self.blob_id}"

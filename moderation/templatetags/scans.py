"""What each scanner says of a version, for pages of apps that may not import this one."""

from __future__ import annotations

from typing import Any, Final

from django.template import Library

from moderation import virustotal
from moderation.models import UNFINISHED, Scan, ScannerName, ScanStatus
from skills.models import SkillVersion

register = Library()

# A version has a few scans, one more for each time it is looked at anew.
_LOOKED_AT: Final = 40
_FAILED: Final = "It could not be scanned; it is tried again."
_WAITING: Final = "Not looked at yet."


@register.inclusion_tag("public/_scanners.html")
def scanners_of(version: SkillVersion) -> dict[str, Any]:
    """List the scanners with their last words on this version, where there is more than one."""
    if not virustotal.is_on():
        return {"scanners": []}
    rows = list(Scan.objects.filter(version=version).order_by("-pk")[:_LOOKED_AT])
    told = []
    for scanner in ScannerName:
        own = [scan for scan in rows if scan.scanner == scanner]
        # Who asks for another scan still wants to read the last one.
        ended = next((scan for scan in own if scan.status not in UNFINISHED), None)
        if scan := ended or next(iter(own), None):
            told.append({"name": scanner.label, "says": _words(scan), "at": scan.finished_at})
    return {"scanners": told}


def _words(scan: Scan) -> str:
    if scan.status == ScanStatus.FAILED or (scan.error and scan.status in UNFINISHED):
        return _FAILED
    if scan.note:
        return f"{scan.note} It is asked again." if scan.status in UNFINISHED else scan.note
    return _WAITING if scan.status in UNFINISHED else f"{scan.get_status_display()}."

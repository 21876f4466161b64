"""Scanners: the files of a version in, findings out. No database, no network, no clock.

`scan` is the one door. docs/scanner.md says how rules are written and what they find.
"""

from __future__ import annotations

from moderation.scanners.catalogue import rule_named
from moderation.scanners.findings import Confidence, Finding, Report, ScanVerdict, Severity
from moderation.scanners.rulebook import Rule
from moderation.scanners.static import RULES_VERSION, UNFINISHED, scan

__all__ = [
    "RULES_VERSION",
    "UNFINISHED",
    "Confidence",
    "Finding",
    "Report",
    "Rule",
    "ScanVerdict",
    "Severity",
    "rule_named",
    "scan",
]

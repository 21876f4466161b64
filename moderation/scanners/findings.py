"""What a scanner says: findings, and the verdict that follows from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple


class ScanVerdict(StrEnum):
    """What all findings of one version come to."""

    CLEAN = "clean"
    SUSPICIOUS = "suspicious"
    MALICIOUS = "malicious"


class Severity(StrEnum):
    """How much harm the thing does if it is what it looks like; mildest first."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return _SEVERITIES.index(self)


class Confidence(StrEnum):
    """How sure the rule is that the thing is what it looks like; least first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        return _CONFIDENCES.index(self)


_SEVERITIES: Final = tuple(Severity)
_CONFIDENCES: Final = tuple(Confidence)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found, with the evidence a person needs to check it.

    `line` counts from 1 and is 0 where the finding is about the whole file. `snippet` is at most
    `SNIPPET_LIMIT` characters; invisible characters in it are written out.
    """

    rule: str
    attack_class: str
    severity: Severity
    confidence: Confidence
    file: str
    line: int
    snippet: str

    def to_json(self) -> dict[str, str | int]:
        """Return the finding as the commands and the API print it."""
        return {
            "rule": self.rule,
            "class": self.attack_class,
            "severity": self.severity,
            "confidence": self.confidence,
            "file": self.file,
            "line": self.line,
            "snippet": self.snippet,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict of one version and its findings, worst first."""

    verdict: ScanVerdict
    findings: tuple[Finding, ...]


SNIPPET_LIMIT: Final = 200
PLACES_PER_RULE: Final = 5
"""How many places of one rule in one file are reported; more of the same helps nobody."""


class _Threshold(NamedTuple):
    verdict: ScanVerdict
    severity: Severity
    confidence: Confidence
    classes: int


# The first row that holds decides: at least so many classes of attack must each have a finding
# that is at least so severe and so certain. A lure is known by what it combines: one certain sign
# of the worst kind, or two certain signs of different kinds. Everything else above low is for a
# moderator to judge, and low and info never flag.
VERDICTS: Final = (
    _Threshold(ScanVerdict.MALICIOUS, Severity.CRITICAL, Confidence.HIGH, classes=1),
    _Threshold(ScanVerdict.MALICIOUS, Severity.HIGH, Confidence.HIGH, classes=2),
    _Threshold(ScanVerdict.SUSPICIOUS, Severity.MEDIUM, Confidence.LOW, classes=1),
)


def verdict_of(findings: Iterable[Finding]) -> ScanVerdict:
    """Return the verdict that the table `VERDICTS` gives these findings."""
    found = list(findings)
    for threshold in VERDICTS:
        classes = {finding.attack_class for finding in found if _reaches(finding, threshold)}
        if len(classes) >= threshold.classes:
            return threshold.verdict
    return ScanVerdict.CLEAN


def report_of(findings: Iterable[Finding]) -> Report:
    """Return the report of these findings, worst first, then in the order of files and lines."""
    ordered = sorted(
        findings,
        key=lambda f: (-f.severity.rank, -f.confidence.rank, f.file, f.line, f.rule),
    )
    return Report(verdict_of(ordered), tuple(ordered))


def _reaches(finding: Finding, threshold: _Threshold) -> bool:
    return (
        finding.severity.rank >= threshold.severity.rank
        and finding.confidence.rank >= threshold.confidence.rank
    )

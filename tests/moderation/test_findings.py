"""From findings to a verdict: the table and its edges."""

from __future__ import annotations

import pytest

from moderation.scanners.findings import Confidence, Finding, Severity, report_of, verdict_of


def finding(severity="low", confidence="high", attack_class="reverse-shell", line=1) -> Finding:
    return Finding(
        "shell.reverse", attack_class, Severity(severity), Confidence(confidence), "a.sh", line, "x"
    )


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ([], "clean"),
        ([("info", "high", "a")], "clean"),
        ([("low", "high", "a"), ("low", "high", "b")], "clean"),
        ([("medium", "low", "a")], "suspicious"),
        ([("high", "high", "a")], "suspicious"),
        ([("high", "high", "a"), ("high", "high", "a")], "suspicious"),
        ([("high", "high", "a"), ("high", "medium", "b")], "suspicious"),
        ([("high", "high", "a"), ("high", "high", "b")], "malicious"),
        ([("critical", "medium", "a")], "suspicious"),
        ([("critical", "high", "a")], "malicious"),
        ([("critical", "high", "a"), ("info", "high", "b")], "malicious"),
    ],
)
def test_the_verdict_follows_the_table(found, verdict):
    assert verdict_of(finding(*one) for one in found) == verdict


def test_a_report_tells_the_worst_first():
    mild, worst, sure = finding("low"), finding("critical", "low"), finding("critical", "high")

    assert report_of([mild, worst, sure]).findings == (sure, worst, mild)


def test_a_finding_is_printed_with_the_names_of_the_contract():
    assert finding().to_json() == {
        "rule": "shell.reverse",
        "class": "reverse-shell",
        "severity": "low",
        "confidence": "high",
        "file": "a.sh",
        "line": 1,
        "snippet": "x",
    }

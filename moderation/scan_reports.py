"""A scan as its report: what was found, and our one verdict; as JSON and as a ZIP."""

from __future__ import annotations

import io
import zipfile
from typing import Any, Final

import orjson

from config.text import visible_invisibles
from moderation.models import Finding, Scan, ScanStatus
from moderation.scanners.catalogue import rule_named
from skills import standing, verdict
from skills.evidence import Reader, Told, told_to
from skills.models import SkillVersion
from skills.scan_results import Evidence

FINDINGS_SHOWN: Final = 200
# The levels of the contract.
LEVELS: Final = {"critical": "critical", "high": "critical", "medium": "warn"}
MILDEST: Final = "info"

# What to do about it, by the verdict; None before there is one.
GUIDANCE: Final = {
    "clean": "Nothing to do.",
    "suspicious": "Look at each finding; publish a version without it, or wait for a moderator.",
    "malicious": "Nothing is handed out; publish a version without it, or appeal.",
    None: "Ask again when a scan has finished.",
}
README: Final = """# Scan of @{owner}/{slug} {version}

Verdict: {verdict}. {summary}

- `manifest.json`: which scan this is, and of what.
- `verdict.json`: the one verdict that everybody reads.
- `static-analysis.json`: every finding, worst first, with file and line (0: the whole file).
"""


def report_of(
    scan: Scan, version: SkillVersion, reader: Reader, most: int | None = FINDINGS_SHOWN
) -> dict[str, Any]:
    """Return the report of a scan that has ended; at most so many findings, worst first.

    How much of each it says is what `reader` may read on every page.
    """
    return {"clawscan": verdict_of(version), "staticAnalysis": _static(scan, reader, most)}


def verdict_of(version: SkillVersion) -> dict[str, Any]:
    """Return our one verdict of a version, with what it means and what to do."""
    stands = standing.of_version(version)
    word = verdict.api_verdict(stands)
    told = {"summary": verdict.explain(stands), "guidance": GUIDANCE[word]}
    return told | ({"verdict": word} if word else {})


def _static(scan: Scan, reader: Reader, most: int | None) -> dict[str, Any]:
    # Stored worst first.
    rows = list(Finding.objects.filter(scan=scan).order_by("pk")[:most])
    told_of = told_to(reader, [_evidence(row) for row in rows])
    findings = [_finding(row, one) for row, one in zip(rows, told_of, strict=True)]
    told = "No finding." if not rows else f"{len(rows)} findings by rules {scan.rules_version}."
    return {
        "status": scan.status,
        "reasonCodes": sorted({finding["code"] for finding in findings}),
        "summary": told if len(rows) != 1 else f"One finding by rules {scan.rules_version}.",
        "findings": findings,
    }


def _evidence(row: Finding) -> Evidence:
    return Evidence(
        rule=row.rule,
        attack_class=row.attack_class,
        severity=row.severity,
        file=row.file,
        line=row.line,
        snippet=row.snippet,
    )


def _finding(row: Finding, told: Told) -> dict[str, Any]:
    level = LEVELS.get(told.severity, MILDEST)
    rule = rule_named(told.rule) if told.rule else None
    title = rule.title if rule else told.rule or told.title
    return {
        "code": f"{level}.{told.attack_class}",
        "severity": level,
        "file": told.file,
        "line": told.line,
        "message": f"{title} (line {told.line})",
        "evidence": visible_invisibles(told.snippet),
    } | ({"rule": told.rule, "confidence": row.confidence} if told.rule else {})


def status_of(scan: Scan) -> str:
    """Return the contract's word for how a scan stands."""
    words = {ScanStatus.PENDING: "queued", ScanStatus.RUNNING: "running"}
    return words.get(ScanStatus(scan.status)) or (
        "failed" if scan.status == ScanStatus.FAILED else "succeeded"
    )


def archive_of(
    scan: Scan, version: SkillVersion, reader: Reader, manifest: dict[str, Any]
) -> bytes:
    """Return the report as a ZIP: a manifest, a file for each part, and a page to read."""
    report = report_of(scan, version, reader, most=None)
    told = report["clawscan"]
    readme = README.format(
        owner=version.skill.owner_handle,
        slug=version.skill.slug,
        version=version.version,
        verdict=told.get("verdict", "none yet"),
        summary=told["summary"],
    )
    files = {
        "manifest.json": _json(manifest),
        "verdict.json": _json(told),
        "static-analysis.json": _json(report["staticAnalysis"]),
        "README.md": readme.encode(),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2)

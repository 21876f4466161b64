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
from skills.models import SkillVersion

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
    scan: Scan, version: SkillVersion, most: int | None = FINDINGS_SHOWN
) -> dict[str, Any]:
    """Return the report of a scan that has ended; at most so many findings, worst first."""
    return {"clawscan": verdict_of(version), "staticAnalysis": _static(scan, most)}


def verdict_of(version: SkillVersion) -> dict[str, Any]:
    """Return our one verdict of a version, with what it means and what to do."""
    stands = standing.of_version(version)
    word = verdict.api_verdict(stands)
    told = {"summary": verdict.explain(stands), "guidance": GUIDANCE[word]}
    return told | ({"verdict": word} if word else {})


def _static(scan: Scan, most: int | None) -> dict[str, Any]:
    # Stored worst first.
    rows = list(Finding.objects.filter(scan=scan).order_by("pk")[:most])
    findings = [_finding(row) for row in rows]
    told = "No finding." if not rows else f"{len(rows)} findings by rules {scan.rules_version}."
    return {
        "status": scan.status,
        "reasonCodes": sorted({finding["code"] for finding in findings}),
        "summary": told if len(rows) != 1 else f"One finding by rules {scan.rules_version}.",
        "findings": findings,
    }


def _finding(row: Finding) -> dict[str, Any]:
    level = LEVELS.get(row.severity, MILDEST)
    rule = rule_named(row.rule)
    return {
        "code": f"{level}.{row.attack_class}",
        "severity": level,
        "file": row.file,
        "line": row.line,
        "message": f"{rule.title if rule else row.rule} (line {row.line})",
        "rule": row.rule,
        "confidence": row.confidence,
        "evidence": visible_invisibles(row.snippet),
    }


def status_of(scan: Scan) -> str:
    """Return the contract's word for how a scan stands."""
    words = {ScanStatus.PENDING: "queued", ScanStatus.RUNNING: "running"}
    return words.get(ScanStatus(scan.status)) or (
        "failed" if scan.status == ScanStatus.FAILED else "succeeded"
    )


def archive_of(scan: Scan, version: SkillVersion, manifest: dict[str, Any]) -> bytes:
    """Return the report as a ZIP: a manifest, a file for each part, and a page to read."""
    report = report_of(scan, version, most=None)
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

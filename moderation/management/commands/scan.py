"""Scan skill folders as the registry would; needs no server and no database."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandParser

from config.errors import DomainError
from config.text import visible_invisibles
from moderation.scanners import Finding, Report, ScanVerdict, Severity, rule_named, scan
from skills.bundle import read_folder

EXIT_CODES: Final = {
    ScanVerdict.CLEAN: 0,
    ScanVerdict.SUSPICIOUS: 1,
    ScanVerdict.MALICIOUS: 2,
}
EXIT_NOT_SCANNED: Final = 3


class FolderRefused(DomainError):
    """The folder cannot be read as a skill."""

    code = "folder_refused"


class Command(BaseCommand):
    help = (
        "Scan the skill in each DIR. Exit code: 0 clean, 1 suspicious, 2 malicious, 3 if a folder"
        " could not be scanned; the worst of several counts. Nothing is sent anywhere."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dirs", nargs="+", type=Path, metavar="DIR")
        parser.add_argument(
            "--json", action="store_true", help="one JSON object a line for each skill"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        worst = 0
        for folder in options["dirs"]:
            try:
                report = scan_folder(folder)
            except FolderRefused as refusal:
                self.stderr.write(f"{_shown(str(folder))} was not scanned. {refusal}")
                worst = EXIT_NOT_SCANNED
                continue
            worst = max(worst, EXIT_CODES[report.verdict])
            line = _as_json(folder, report) if options["json"] else _as_text(folder, report)
            self.stdout.write(line)
        if worst:
            sys.exit(worst)


def scan_folder(folder: Path) -> Report:
    """Return the report of one folder. Raises `FolderRefused` with a sentence for its author."""
    if not folder.is_dir():
        raise FolderRefused("It is no folder; name the folder that holds SKILL.md.")
    files = {}
    try:
        for file in read_folder(folder).files:
            with file.open() as stream:
                files[file.path] = stream.read()
    except OSError as error:
        raise FolderRefused(f"A file cannot be read: {_reason(error)}.") from error
    except DomainError as refusal:
        raise FolderRefused(str(refusal)) from refusal
    return scan(files, name=folder.resolve().name)


def _reason(error: OSError) -> str:
    named = f" ({_shown(str(error.filename))})" if error.filename else ""
    return f"{error.strerror or type(error).__name__}{named}"


def _as_json(folder: Path, report: Report) -> str:
    findings = [finding.to_json() for finding in report.findings]
    return json.dumps(
        {"path": str(folder), "verdict": report.verdict, "findings": findings}, ensure_ascii=True
    )


def _as_text(folder: Path, report: Report) -> str:
    told = [finding for finding in report.findings if finding.severity is not Severity.INFO]
    quoted = len(report.findings) - len(told)
    lines = [f"{_shown(str(folder))}: {report.verdict}", *map(_line, told)]
    if quoted:
        noun = "quotation" if quoted == 1 else "quotations"
        lines.append(f"  {quoted} {noun} of attacks, which count for nothing; --json lists them")
    return "\n".join(lines)


def _line(finding: Finding) -> str:
    place = _shown(finding.file) + (f":{finding.line}" if finding.line else "")
    rule = rule_named(finding.rule)
    title = f"{rule.title}. {rule.check}" if rule else ""
    told = f"  {finding.severity} {finding.rule} {place}\n      {finding.snippet}"
    return f"{told}\n      {title}" if title else told


def _shown(text: str) -> str:
    """A name from a disk may hold what moves a terminal's cursor, or half a character."""
    return visible_invisibles(text)

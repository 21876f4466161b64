"""The static scanner: rules and structural checks over the files of one version.

Nothing of a skill is run, followed or fetched. Work is linear in the size of the files, and each
file has a time limit; what could not be examined is a finding, never silence.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from moderation.scanners import context, decoding, rulebook, structure
from moderation.scanners.catalogue import found
from moderation.scanners.findings import (
    PLACES_PER_RULE,
    Finding,
    Report,
    Severity,
    report_of,
)
from moderation.scanners.texts import Text, read_text, snippet_of
from skills.frontmatter import FrontMatterRefused, parse_skill_md

RULES_VERSION: Final = rulebook.rules_version()
"""Changes whenever a rule or this package changes; other results are due for a rescan."""

SECONDS_PER_VERSION: Final = 60
UNFINISHED: Final = "scan.unfinished"
"""The rule of what was not examined, or not to its end."""

_README_NAMES: Final = ("skill.md", "skills.md")


@dataclass(frozen=True)
class _Skill:
    """What the judgement of one file needs to know of the whole."""

    description: str
    readme: str


def scan(
    files: Mapping[str, bytes],
    *,
    name: str = "",
    popular_names: Collection[str] = (),
    seconds: float = SECONDS_PER_VERSION,
) -> Report:
    """Return the verdict and findings for the files of one version, by path.

    The same files give the same report, but for what a time limit cut off. `name` is the slug, if
    there is one; `popular_names` are those that a new skill must not pass for. Files whose turn has
    not come after `seconds` are reported as not examined.
    """
    readme_path = next((path for path in files if path.lower() in _README_NAMES), None)
    readme = read_text(readme_path, files[readme_path]) if readme_path is not None else None
    description = _description(readme)
    skill = _Skill(description, readme.written if readme else "")
    findings: list[Finding] = []
    ends_at = time.monotonic() + seconds
    for path in sorted(files, key=lambda path: (path != readme_path, path)):
        if time.monotonic() > ends_at:
            findings.append(
                _unfinished(path, "The files before it used up the time for a version.")
            )
        else:
            findings.extend(_scan_file(path, files[path], skill, ends_at))
    if readme is not None:
        findings.extend(structure.of_readme(readme))
        findings.extend(structure.of_names(readme, name, popular_names))
    return report_of(_limited(findings))


def _description(readme: Text | None) -> str:
    if readme is None:
        return ""
    try:
        return parse_skill_md(readme.written).metadata.description or ""
    except FrontMatterRefused:
        return ""


def _scan_file(path: str, content: bytes, skill: _Skill, ends_at: float) -> Iterator[Finding]:
    yield from structure.of_content(path, content)
    text = read_text(path, content)
    yield from structure.of_characters(text, content)
    is_specimen = context.is_specimen(path, skill.description, skill.readme)
    try:
        for finding in _by_rules(text):
            yield _mild(finding) if is_specimen else finding
        for finding in _in_payloads(text, ends_at):
            yield _mild(finding) if is_specimen else finding
    except rulebook.TimeLimitReached:
        yield _unfinished(path, "The file took longer than the time limit; look at it by hand.")
    except decoding.TooMuchEncoded:
        yield _unfinished(path, "The file holds more encoded text than is decoded.")


def _by_rules(text: Text) -> Iterator[Finding]:
    """Each line at most once a rule; quotations are told as info."""
    seen: set[tuple[str, int]] = set()
    for match in rulebook.matches(text.content):
        line, column = text.place_of(match.offset)
        if (match.rule.id, line) in seen:
            continue
        seen.add((match.rule.id, line))
        matched = text.content[match.offset : match.offset + match.length]
        snippet = snippet_of(_line(text, line), column)
        finding = found(match.rule.id, text.path, snippet, line=line)
        is_quoted = context.is_quoted(text, line, column, matched.decode("utf-8", "replace"))
        yield _mild(finding) if is_quoted else finding


def _in_payloads(text: Text, ends_at: float) -> Iterator[Finding]:
    """What encoded text does when decoded. That it is hidden makes any act of it an attack."""
    for payload in decoding.payloads(text.wrapped):
        if time.monotonic() > ends_at:
            raise rulebook.TimeLimitReached
        line, column = text.place_in_wrapped(payload.offset)
        told = _told(payload)
        if told is None:
            continue
        written = _line(text, line)[column : column + 40]
        snippet = snippet_of(f"{written}… is {payload.encoding} of: {told}")
        finding = found("encoded.payload", text.path, snippet, line=line)
        yield _mild(finding) if context.is_quoted(text, line, column, written) else finding


def _told(payload: decoding.Payload) -> str | None:
    """What a payload does, in its own words; None where no rule above info sees an act in it."""
    if kind := decoding.program_kind(payload.content):
        return kind
    inner = read_text("payload", payload.content)
    for match in rulebook.matches(inner.content):
        matched = inner.content[match.offset : match.offset + match.length]
        if match.rule.severity is not Severity.INFO:
            return matched.decode("utf-8", "replace")
    return None


def _line(text: Text, line: int) -> str:
    # Beyond the part that is normalised, and there alone, the two may differ in lines.
    lines = text.written_lines
    return lines[line - 1] if line <= len(lines) else ""


def _mild(finding: Finding) -> Finding:
    return replace(finding, severity=Severity.INFO)


def _unfinished(path: str, why: str) -> Finding:
    return found(UNFINISHED, path, why)


def _limited(findings: Collection[Finding]) -> Iterator[Finding]:
    """The first places of each rule, file and severity: quotations never push out the real one.

    Of several findings of one class in one line the worst says it all.
    """
    worst: dict[tuple[str, str, int], int] = {}
    for finding in findings:
        place = finding.attack_class, finding.file, finding.line
        worst[place] = max(worst.get(place, 0), finding.severity.rank)
    counts: dict[tuple[str, str, Severity], int] = {}
    for finding in findings:
        place = finding.attack_class, finding.file, finding.line
        if finding.line and finding.severity.rank < worst[place]:
            continue
        key = (finding.rule, finding.file, finding.severity)
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= PLACES_PER_RULE:
            yield finding

"""Files before a moderator: findings with the lines around them, and what a version changed.

Everything is bounded: what is read, how long a line is, how much HTML comes of it. What does not
fit is one click away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from config.highlight import split_lines
from moderation.evidence_text import shown_line
from moderation.models import Finding
from moderation.scanners.catalogue import rule_named
from skills.addresses import file_url
from skills.blobs import open_blob
from skills.comparison import compare
from skills.diff import FileChange, FileDiff, RowKind
from skills.models import SkillFile, SkillVersion

AROUND: Final = 3
"""Lines shown before and after the one that was found."""

AROUND_FIRST: Final = 8
"""The same in a first version, which has nothing to be compared with."""

SNIPPETS_CHARS: Final = 6_000
"""HTML of all lines around findings; further findings show the words found alone."""

CHANGES_CHARS: Final = 9_000
"""HTML of all changed lines; a file that does not fit is cut and one click away."""

ONE_FILE_CHARS: Final = 20_000
ROW_CHARS: Final = 90
"""What a row of a table costs besides its text."""

READ_BYTES: Final = 262_144
"""So much of a file is read, from its beginning."""

FILES_READ: Final = 20
FILES_LISTED: Final = 20
DIFFS_SHOWN: Final = 8
NAMED_MOST: Final = 20
"""Further changed files that are named, each a link to its changes."""

_ROW_CLASSES: Final = {RowKind.ADDED: "add", RowKind.REMOVED: "del"}
_KINDS: Final = {
    FileChange.ADDED: "new",
    FileChange.REMOVED: "removed",
    FileChange.CHANGED: "",
    FileChange.RENAMED: "renamed",
}

# Class, old line, new line, HTML: what public/_diff_file.html takes.
Line = tuple[str, Any, Any, SafeString]


@dataclass(frozen=True)
class FoundPlace:
    """A finding as the pane shows it: what it means, where, and the lines around it."""

    number: int
    finding: Finding
    title: str
    meaning: str
    check: str
    url: str
    snippet: SafeString
    lines: list[tuple[int, SafeString, bool]]

    @property
    def place(self) -> str:
        """Return `file:line`."""
        row = self.finding
        return f"{row.file}:{row.line}" if row.line else row.file


@dataclass(frozen=True)
class ShownFile:
    """One changed file, in the shape of public/_diff_file.html."""

    number: int
    diff: FileDiff
    kind: str
    rows: list[Line]
    is_cut: bool = False
    why_not: str = ""
    rules: Sequence[str] = ()

    @property
    def query(self) -> str:
        """Return the query by which this file alone is shown."""
        return urlencode({"file": self.diff.path})


@dataclass(frozen=True)
class Difference:
    """What a version changed against an older one; without one, its flagged files."""

    older: SkillVersion | None
    newer: SkillVersion
    choices: list[dict[str, str]]
    asked_path: str
    diffs: list[FileDiff]
    side_effects: list[tuple[str, Any]]
    after: Mapping[str, SkillFile]
    texts: Mapping[str, str | None]
    files: list[ShownFile] = field(default_factory=list)
    # Changed files beyond those shown, by name.
    further: list[ShownFile] = field(default_factory=list)
    lists_all: bool = False

    @property
    def listed(self) -> list[tuple[str, str, int]]:
        """Return (path, address, bytes) of the version's files, as many as are listed."""
        paths = sorted(self.after)[: None if self.lists_all else FILES_LISTED]
        return [(p, _file_url(self.newer, p), self.after[p].blob.size_bytes) for p in paths]

    @property
    def unlisted(self) -> int:
        """Return how many files are not listed."""
        return 0 if self.lists_all else max(len(self.after) - FILES_LISTED, 0)

    def with_flags(self, places: Sequence[FoundPlace]) -> Difference:
        """Return the same with the files as shown, those with findings first."""
        flags: dict[str, dict[int, list[str]]] = {}
        for place in places:
            at = flags.setdefault(place.finding.file, {})
            at.setdefault(place.finding.line, []).append(place.finding.rule)
        shown = self._first_version(flags) if self.older is None else self._changed(flags)
        return replace(self, files=shown[:DIFFS_SHOWN], further=shown[DIFFS_SHOWN:])

    @property
    def named(self) -> list[ShownFile]:
        """Return the further changed files that are named."""
        return self.further[:NAMED_MOST]

    @property
    def unnamed(self) -> int:
        """Return how many changed files are neither shown nor named."""
        return max(len(self.further) - NAMED_MOST, 0)

    def _changed(self, flags: Mapping[str, Mapping[int, list[str]]]) -> list[ShownFile]:
        left = ONE_FILE_CHARS if self.asked_path else CHANGES_CHARS
        shown: list[ShownFile] = []
        for item in sorted(self.diffs, key=lambda item: (item.path not in flags, item.path)):
            if self.asked_path and item.path != self.asked_path:
                continue
            at = flags.get(item.path, {})
            rows, left, is_cut = _fitting(_diff_rows(item, at), left)
            shown.append(_shown(len(shown) + 1, item, rows, is_cut=is_cut, flags=at))
        return shown

    def _first_version(self, flags: Mapping[str, Mapping[int, list[str]]]) -> list[ShownFile]:
        left = ONE_FILE_CHARS if self.asked_path else CHANGES_CHARS
        shown: list[ShownFile] = []
        for path in sorted(flags.keys() & self.after.keys()):
            if self.asked_path and path != self.asked_path:
                continue
            lines = self.lines_of(path)
            numbers = _windows(flags[path], len(lines), AROUND_FIRST)
            rows, left, is_cut = _fitting(_plain_rows(lines, numbers, flags[path]), left)
            item = FileDiff(path, None, FileChange.ADDED, None, None)
            shown.append(_shown(len(shown) + 1, item, rows, is_cut=is_cut, flags=flags[path]))
        return shown

    def lines_of(self, path: str) -> list[str]:
        """Return the lines of a file of the version as far as they are read; [] for a binary."""
        file = self.after.get(path)
        if file is None:
            return []
        text = self.texts.get(file.blob_id)
        return split_lines(_head(file.blob_id) if text is None else text)


def read_difference(
    older: SkillVersion | None,
    newer: SkillVersion,
    choices: list[dict[str, str]],
    *,
    asked_path: str,
    lists_all: bool,
) -> Difference:
    """Read what differs between two versions, or the files of a first one: one statement."""
    if older is not None:
        found = compare(older, newer)
        diffs, side_effects = found.files, found.side_effects
        after, texts = found.after, found.texts
    else:
        rows = SkillFile.objects.filter(version=newer).select_related("blob")
        after, texts = {file.path: file for file in rows}, {}
        diffs, side_effects = [], []
    known = {item.path for item in diffs} | set(after)
    asked = asked_path if asked_path in known else ""
    return Difference(
        older, newer, choices, asked, diffs, side_effects, after, texts, lists_all=lists_all
    )


def read_places(findings: Iterable[Finding], difference: Difference) -> list[FoundPlace]:
    """Return findings with the lines around them; no statement, and each file is read once."""
    left = SNIPPETS_CHARS
    read: dict[str, list[str]] = {}
    places = []
    for number, finding in enumerate(findings, start=1):
        path = finding.file
        if path not in read:
            read[path] = difference.lines_of(path) if path and len(read) < FILES_READ else []
        lines = _around(finding, read[path])
        cost = sum(len(html) + ROW_CHARS for _no, html, _is_found in lines)
        if cost > left:
            lines = []
        left -= cost if lines else 0
        places.append(_place(number, finding, difference.newer, lines))
    return places


def _place(
    number: int,
    finding: Finding,
    version: SkillVersion,
    lines: list[tuple[int, SafeString, bool]],
) -> FoundPlace:
    rule = rule_named(finding.rule)
    anchor = f"#L{finding.line}" if finding.line else ""
    return FoundPlace(
        number=number,
        finding=finding,
        title=rule.title if rule else f"A rule of an older release, {finding.rule}",
        meaning=rule.attack if rule else "",
        check=rule.check if rule else "",
        url=_file_url(version, finding.file) + anchor if finding.file else "",
        snippet=shown_line(finding.snippet),
        lines=lines,
    )


def _around(finding: Finding, lines: Sequence[str]) -> list[tuple[int, SafeString, bool]]:
    if not 0 < finding.line <= len(lines):
        return []
    first, last = max(finding.line - AROUND, 1), min(finding.line + AROUND, len(lines))
    return [(n, shown_line(lines[n - 1]), n == finding.line) for n in range(first, last + 1)]


def _head(sha256: str) -> str:
    """Return the beginning of stored content as text; "" for a binary file and for one gone."""
    try:
        with open_blob(sha256) as content:
            raw = content.read(READ_BYTES)
    except FileNotFoundError:
        return ""
    return "" if b"\0" in raw else raw.decode(errors="replace")


def _file_url(version: SkillVersion, path: str) -> str:
    skill = version.skill
    return file_url(skill.owner_handle, skill.slug, version.version, path)


# --- Rows -----------------------------------------------------------------------------------------


def _diff_rows(item: FileDiff, at: Mapping[int, list[str]]) -> Iterable[Line]:
    for hunk in item.hunks:
        yield "hunk", "", "", SafeString(hunk.header)
        for row in hunk.rows:
            rules = at.get(row.new_no, []) if row.new_no else []
            yield _line(_ROW_CLASSES.get(row.kind, "ctx"), row.old_no, row.new_no, row.text, rules)


def _plain_rows(
    lines: Sequence[str], numbers: Iterable[int], at: Mapping[int, list[str]]
) -> Iterable[Line]:
    before = 0
    for number in numbers:
        if before and number != before + 1:
            yield "hunk", "", "", SafeString("…")
        before = number
        yield _line("ctx", None, number, lines[number - 1], at.get(number, []))


def _line(css: str, old: int | None, new: int | None, text: str, rules: Sequence[str]) -> Line:
    html = shown_line(text)
    if rules:
        html += format_html('<span class="flag">⚑ {}</span>', ", ".join(rules[:3]))
        css += " flagged"
    return css, old or "", new or "", html


def _windows(at: Iterable[int], total: int, around: int) -> list[int]:
    near: set[int] = set()
    for line in at:
        near |= set(range(max(line - around, 1), min(line + around, total) + 1))
    return sorted(near) if total else []


def _fitting(rows: Iterable[Line], left: int) -> tuple[list[Line], int, bool]:
    """Return as many rows as fit, what is left of the budget, and whether some did not fit."""
    kept: list[Line] = []
    for row in rows:
        cost = len(row[3]) + ROW_CHARS
        if cost > left:
            return kept, 0, True
        left -= cost
        kept.append(row)
    return kept, left, False


def _shown(
    number: int,
    item: FileDiff,
    rows: list[Line],
    *,
    is_cut: bool,
    flags: Mapping[int, list[str]],
) -> ShownFile:
    rules = list(dict.fromkeys(rule for rules in flags.values() for rule in rules))
    return ShownFile(
        number=number,
        diff=item,
        kind=_KINDS[item.kind],
        rows=rows,
        is_cut=is_cut,
        why_not="" if rows or is_cut else _why_not(item),
        rules=rules[:3],
    )


def _why_not(item: FileDiff) -> str:
    if item.too_large:
        return "Too large to be compared line by line."
    if item.binary:
        return "Binary file; its lines are not compared."
    if item.kind is FileChange.RENAMED:
        return "Renamed, the content is the same."
    return "No line of it is shown; open the file."

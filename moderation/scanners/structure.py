"""Checks that look at how a skill is built, not at what its words say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath
from typing import Final

from moderation.scanners.catalogue import found
from moderation.scanners.decoding import program_kind
from moderation.scanners.findings import PLACES_PER_RULE, Confidence, Finding, Severity
from moderation.scanners.lookalikes import resembles, skeleton
from moderation.scanners.texts import NORMALISED_CHARACTERS, Text, snippet_of
from skills.frontmatter import FrontMatterRefused, parse_skill_md

_TEXT_NAMES: Final = frozenset(
    {
        ".md",
        ".txt",
        ".json",
        ".yaml",
        ".yml",
        ".png",
        ".jpg",
        ".jpeg",
        ".gif",
        ".svg",
        ".pdf",
        ".csv",
    }
)
_PROGRAM_NAMES: Final = frozenset(
    {".exe", ".dll", ".scr", ".msi", ".lnk", ".hta", ".com", ".pif", ".cpl", ".dmg", ".pkg", ".apk"}
)
_ARCHIVES: Final = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
)
_OFFICE_NAMES: Final = frozenset({".docx", ".xlsx", ".pptx", ".odt", ".ods", ".epub", ".jar"})
_ZIP_FLAGS_AT: Final = 6

# Tag characters spell ASCII that no one sees; only flags of regions use them, after a black flag.
_TAGS: Final = re.compile("(?P<flag>\U0001f3f4?)[\U000e0020-\U000e007f]{4,}+")
_LONGEST_FLAG: Final = 8
_SELECTORS: Final = re.compile("[\U000e0100-\U000e01ef\ufe00-\ufe0f]{6,}+")
_ZERO_WIDTH: Final = re.compile("[\u200b-\u200d\u2060-\u2064\ufeff]{8,}+")
_INSIDE_WORD: Final = re.compile("[A-Za-z][\u200b\u2060-\u2064\u00ad\ufeff]+[A-Za-z]")
_BIDI: Final = re.compile("[\u202a\u202b\u202d\u202e\u2066-\u2068]")
_RIGHT_TO_LEFT: Final = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
# A soft hyphen or two come with pasted text; a text full of them is made to slip past filters.
_BROKEN_WORDS: Final = 3
_FRONT_MATTER_LINES: Final = 100

_ACT_IN_DESCRIPTION: Final = re.compile(
    r"\b(?:download|install|run|execute|paste)\b[^.]{0,80}(?:\.(?:exe|zip|rar|dmg|msi|sh|ps1)\b|"
    r"\bpassword\b|\bterminal\b|\bcurl\b|https?://)",
    re.IGNORECASE,
)


def of_content(path: str, content: bytes) -> Iterator[Finding]:
    """Programs and archives among the texts, and files that are not what their name says."""
    suffix = PurePosixPath(path.lower()).suffix
    if kind := program_kind(content):
        if suffix in _TEXT_NAMES:
            yield found(
                "file.disguised-program", path, f"The file is {kind}, which its name hides."
            )
        else:
            yield found("file.program", path, f"The file is {kind}.")
    elif suffix in _PROGRAM_NAMES:
        yield found("file.program", path, "Its name is that of a program.")
    for magic, kind in _ARCHIVES:
        if content.startswith(magic) and suffix not in _OFFICE_NAMES:
            if _is_locked_zip(content):
                yield found("file.locked-archive", path, f"The file is {kind} with a password.")
            else:
                yield found("file.archive", path, f"The file is {kind}.")


def _is_locked_zip(content: bytes) -> bool:
    flags = content[_ZIP_FLAGS_AT : _ZIP_FLAGS_AT + 1]
    return content.startswith(b"PK\x03\x04") and bool(flags) and bool(flags[0] & 1)


def of_characters(text: Text, content: bytes) -> Iterator[Finding]:
    """Characters that a reader cannot see but a model or a compiler reads."""
    if text.written.isascii() or b"\0" in content:
        return
    places: Counter[tuple[str, bool]] = Counter()
    for number, line in enumerate(text.written[:NORMALISED_CHARACTERS].split("\n"), start=1):
        if line.isascii():
            continue
        for rule_id, column, is_slip in _hidden(line):
            places[rule_id, is_slip] += 1
            if places[rule_id, is_slip] <= PLACES_PER_RULE:
                severity = Severity.LOW if is_slip else None
                snippet = snippet_of(line, column)
                yield found(rule_id, text.path, snippet, line=number, severity=severity)


def _hidden(line: str) -> Iterator[tuple[str, int, bool]]:
    """What is hidden in a line: rule, column, and whether it may be a slip of pasted text."""
    tags = next((run for run in _TAGS.finditer(line) if not _is_flag(run)), None)
    if tags is not None:
        yield "hidden.tag-characters", tags.start(), False
    if selectors := _SELECTORS.search(line):
        yield "hidden.variation-selectors", selectors.start(), False
    if zero_width := _ZERO_WIDTH.search(line):
        yield "hidden.zero-width-run", zero_width.start(), False
    if broken := list(_INSIDE_WORD.finditer(line)):
        yield "hidden.broken-words", broken[0].start(), len(broken) < _BROKEN_WORDS
    bidi = _BIDI.search(line)
    if bidi and not _RIGHT_TO_LEFT.search(line):
        yield "hidden.reordered-text", bidi.start(), False


def _is_flag(tags: re.Match[str]) -> bool:
    return bool(tags["flag"]) and len(tags.group()) <= _LONGEST_FLAG


def of_readme(readme: Text) -> Iterator[Finding]:
    """Front matter against body: every agent reads a description, so it must not give orders."""
    try:
        described = parse_skill_md(readme.written).metadata.description
    except FrontMatterRefused as refusal:
        yield found("front-matter.refused", readme.path, str(refusal))
        return
    if act := _ACT_IN_DESCRIPTION.search(described):
        snippet = snippet_of(" ".join(described.split()), act.start())
        line = _line_of(readme, "description")
        yield found("front-matter.orders", readme.path, snippet, line=line)


def of_names(readme: Text, name: str, popular_names: Collection[str]) -> Iterator[Finding]:
    """A slug, or else a title, that passes for a popular skill. A popular slug is that skill."""
    if name in popular_names:
        return
    try:
        title = parse_skill_md(readme.written).metadata.name.strip()
    except FrontMatterRefused:
        title = ""
    for given, line in ((name, 0), (title, _line_of(readme, "name"))):
        # A title may be the popular name itself; under another slug that is a claim, too.
        is_claim = bool(name) and given == title and title in popular_names
        other = title if is_claim else resembles(given, popular_names)
        if other is not None:
            is_same = skeleton(given) == skeleton(other)
            yield found(
                "name.look-alike",
                readme.path,
                snippet_of(f"{given} can be taken for {other}"),
                line=line,
                confidence=Confidence.MEDIUM if is_same else None,
            )
            return


def _line_of(readme: Text, key: str) -> int:
    """The line of a key of the front matter; 1 where it is written in an unusual way."""
    for number, line in enumerate(readme.written_lines[:_FRONT_MATTER_LINES], start=1):
        if line.startswith(f"{key}:"):
            return number
    return 1

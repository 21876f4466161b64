"""Line differences between the files of two versions. Pure and bounded: no database, no HTML.

A file's differences are exact where they are shown, but not always the shortest: the search stops
after a fixed number of steps and calls the rest of the file replaced. What is over a size limit is
named as changed without its lines (`too_large`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import Match, SequenceMatcher
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:

    class Matcher(SequenceMatcher[str]):
        b2j: dict[str, list[int]]

else:
    try:
        from cdifflib import CSequenceMatcher as Matcher
    except ImportError:  # No wheel for this platform: the same results, some three times slower.
        Matcher = SequenceMatcher

CONTEXT_LINES: Final = 3
"""Unchanged lines around a change."""

FILE_LIMIT_BYTES: Final = 200_000
"""Larger files have no line differences."""

FILE_LIMIT_LINES: Final = 20_000
"""Files with more changed lines, old and new together, have none either."""

TOTAL_LIMIT_BYTES: Final = 2_000_000
"""Old and new text compared in one call; the files after it, by path, are too large."""

TOTAL_LIMIT_LINES: Final = 50_000
"""Changed lines shown in one call; the files after it are too large."""

FILE_STEPS: Final = 3_000_000
"""Work of the search in one file; some 0.4 s at worst."""

STEPS_PER_CALL: Final = 100
"""What one search costs beside the lines it looks at."""

TOTAL_STEPS: Final = 12_000_000
"""Work of the search in one call."""


@dataclass(frozen=True)
class FileContent:
    """One file of a version. `text` is None for a binary file and for one too large to be read."""

    sha256: str
    size_bytes: int
    text: str | None


class FileChange(StrEnum):
    """What happened to a file."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    RENAMED = "renamed"


class RowKind(StrEnum):
    """What a row of a hunk is; NOTE is "No newline at end of file" about the row above it."""

    CONTEXT = "context"
    ADDED = "added"
    REMOVED = "removed"
    NOTE = "note"


class Row(NamedTuple):
    """One line of a hunk with its numbers from 1, None on the side where it does not exist.

    The text has no line feed; a carriage return stays, for it can be the only difference.
    """

    kind: RowKind
    old_no: int | None
    new_no: int | None
    text: str


@dataclass(frozen=True)
class Hunk:
    """Changed lines close together, with their context. Starts count from 1, as in `diff -u`."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    rows: tuple[Row, ...]

    @property
    def header(self) -> str:
        """The place in both files: `@@ -3,7 +3,8 @@`."""
        return f"@@ -{self.old_start},{self.old_count} +{self.new_start},{self.new_count} @@"


@dataclass(frozen=True)
class FileDiff:
    """The difference of one path. Line counts are None where the lines were not compared."""

    path: str
    old_path: str | None
    kind: FileChange
    added_lines: int | None
    removed_lines: int | None
    hunks: tuple[Hunk, ...] = ()
    too_large: bool = False
    binary: bool = False


class _Opcode(NamedTuple):
    """A stretch of lines: equal, or removed from old and added to new (either may be empty)."""

    is_equal: bool
    old_from: int
    old_to: int
    new_from: int
    new_to: int


@dataclass
class _Budget:
    """What one call of `diff_files` may still spend."""

    bytes_left: int = TOTAL_LIMIT_BYTES
    lines_left: int = TOTAL_LIMIT_LINES
    steps_left: int = TOTAL_STEPS


def diff_files(old: Mapping[str, FileContent], new: Mapping[str, FileContent]) -> list[FileDiff]:
    """Return what differs between two versions, by path; equal files are left out.

    A removed and an added file of the same content are one renamed file without hunks. Time and
    size of the result are bounded whatever the files hold.
    """
    renamed = _renames(old, new)
    moved_away = set(renamed.values())
    budget = _Budget()
    diffs: list[FileDiff] = []
    for path in sorted({*old, *new}):
        before, after = old.get(path), new.get(path)
        if path in renamed:
            diffs.append(FileDiff(path, renamed[path], FileChange.RENAMED, 0, 0))
        elif before is None or after is None:
            if path not in moved_away:
                diffs.append(_diff_file(path, before, after, budget))
        elif before.sha256 != after.sha256:
            diffs.append(_diff_file(path, before, after, budget))
    return diffs


def _renames(old: Mapping[str, FileContent], new: Mapping[str, FileContent]) -> dict[str, str]:
    """Return old path by new path. Empty files are all alike, so they are never renamed."""
    gone: dict[str, list[str]] = {}
    for path in sorted(old.keys() - new.keys(), reverse=True):
        if old[path].size_bytes:
            gone.setdefault(old[path].sha256, []).append(path)
    renamed: dict[str, str] = {}
    for path in sorted(new.keys() - old.keys()):
        candidates = gone.get(new[path].sha256)
        if candidates:
            renamed[path] = candidates.pop()
    return renamed


def _diff_file(
    path: str, before: FileContent | None, after: FileContent | None, budget: _Budget
) -> FileDiff:
    if before is None:
        kind = FileChange.ADDED
    else:
        kind = FileChange.REMOVED if after is None else FileChange.CHANGED
    contents = [content for content in (before, after) if content is not None]
    without_lines = FileDiff(path, None, kind, None, None)
    if any(content.size_bytes > FILE_LIMIT_BYTES for content in contents):
        return replace(without_lines, too_large=True)
    if any(content.text is None for content in contents):
        return replace(without_lines, binary=True)
    size = sum(content.size_bytes for content in contents)
    if size > budget.bytes_left:
        budget.bytes_left = 0
        return replace(without_lines, too_large=True)
    budget.bytes_left -= size
    return _diff_text(without_lines, _lines(before), _lines(after), budget)


def _lines(content: FileContent | None) -> list[str]:
    r"""Split at `\n` only and keep it, so that a missing last line end is a difference."""
    if content is None or not content.text:
        return []
    lines = [f"{line}\n" for line in content.text.split("\n")]
    lines[-1] = lines[-1].removesuffix("\n")
    return lines if lines[-1] else lines[:-1]


def _diff_text(
    without_lines: FileDiff, old: list[str], new: list[str], budget: _Budget
) -> FileDiff:
    opcodes = _opcodes(old, new, budget)
    removed = sum(code.old_to - code.old_from for code in opcodes if not code.is_equal)
    added = sum(code.new_to - code.new_from for code in opcodes if not code.is_equal)
    if added + removed > min(FILE_LIMIT_LINES, budget.lines_left):
        return replace(without_lines, added_lines=added, removed_lines=removed, too_large=True)
    budget.lines_left -= added + removed
    hunks = tuple(_hunk(group, old, new) for group in _groups(opcodes))
    return replace(without_lines, added_lines=added, removed_lines=removed, hunks=hunks)


def _opcodes(old: list[str], new: list[str], budget: _Budget) -> list[_Opcode]:
    """Return stretches that cover both files; a line both ends share is never searched."""
    start = _common_start(old, new)
    end = _common_start(old[start:][::-1], new[start:][::-1])
    old_end, new_end = len(old) - end, len(new) - end
    opcodes = [_Opcode(True, 0, start, 0, start)] if start else []
    opcodes += _searched(old[start:old_end], new[start:new_end], start, budget)
    if end:
        opcodes.append(_Opcode(True, old_end, len(old), new_end, len(new)))
    return opcodes


def _common_start(old: list[str], new: list[str]) -> int:
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(old), len(new)))


def _searched(old: list[str], new: list[str], offset: int, budget: _Budget) -> list[_Opcode]:
    if not old and not new:
        return []
    if not old or not new:
        return [_Opcode(False, offset, offset + len(old), offset, offset + len(new))]
    opcodes: list[_Opcode] = []
    at_old = at_new = 0
    end = Match(len(old), len(new), 0)
    for match in [*_matches(old, new, budget), end]:
        if match.a > at_old or match.b > at_new:
            opcodes.append(_Opcode(False, at_old, match.a, at_new, match.b))
        at_old, at_new = match.a + match.size, match.b + match.size
        if match.size:
            opcodes.append(_Opcode(True, match.a, at_old, match.b, at_new))
    return [
        _Opcode(is_equal, a + offset, b + offset, c + offset, d + offset)
        for is_equal, a, b, c, d in opcodes
    ]


def _matches(old: list[str], new: list[str], budget: _Budget) -> list[Match]:
    """Return stretches of equal lines, in order, found until the steps of the budget are spent.

    The recursion of `SequenceMatcher.get_matching_blocks`, which has no way to stop.
    """
    counts = Counter(new)
    # Ignoring frequent lines makes the search cheap but the result coarse, so only when needed.
    is_repetitive = sum(counts[line] for line in old) > FILE_STEPS // 20
    matcher = Matcher(None, old, new, autojunk=is_repetitive)
    pairs = sum(len(matcher.b2j.get(line, ())) for line in old)
    steps_per_line = 1 + pairs // len(old)
    steps_left = min(FILE_STEPS, budget.steps_left)
    budget.steps_left -= steps_left
    matches: list[Match] = []
    ranges = [(0, len(old), 0, len(new))]
    while ranges:
        old_from, old_to, new_from, new_to = ranges.pop()
        cost = (old_to - old_from) * steps_per_line + STEPS_PER_CALL
        if cost > steps_left:
            continue
        steps_left -= cost
        match = matcher.find_longest_match(old_from, old_to, new_from, new_to)
        if not match.size:
            continue
        matches.append(match)
        old_next, new_next = match.a + match.size, match.b + match.size
        if old_from < match.a and new_from < match.b:
            ranges.append((old_from, match.a, new_from, match.b))
        if old_next < old_to and new_next < new_to:
            ranges.append((old_next, old_to, new_next, new_to))
    budget.steps_left += steps_left
    return sorted(matches)


def _groups(opcodes: list[_Opcode]) -> Iterator[list[_Opcode]]:
    """Split into hunks: long equal stretches are cut to the context beside the changes."""
    group: list[_Opcode] = []
    for at, code in enumerate(opcodes):
        if not code.is_equal:
            group.append(code)
            continue
        length = code.old_to - code.old_from
        is_first, is_last = at == 0, at == len(opcodes) - 1
        if not is_first and not is_last and length <= 2 * CONTEXT_LINES:
            group.append(code)
            continue
        kept = min(length, CONTEXT_LINES)
        if not is_first:
            group.append(code._replace(old_to=code.old_from + kept, new_to=code.new_from + kept))
            yield group
            group = []
        if not is_last:
            group = [code._replace(old_from=code.old_to - kept, new_from=code.new_to - kept)]
    if any(not code.is_equal for code in group):
        yield group


def _hunk(group: list[_Opcode], old: list[str], new: list[str]) -> Hunk:
    first, last = group[0], group[-1]
    old_count, new_count = last.old_to - first.old_from, last.new_to - first.new_from
    return Hunk(
        # An empty side names the line before the hunk, as `diff -u` does.
        old_start=first.old_from + (1 if old_count else 0),
        old_count=old_count,
        new_start=first.new_from + (1 if new_count else 0),
        new_count=new_count,
        rows=tuple(_rows(group, old, new)),
    )


def _rows(group: list[_Opcode], old: list[str], new: list[str]) -> Iterator[Row]:
    for code in group:
        if code.is_equal:
            for at in range(code.old_to - code.old_from):
                line = old[code.old_from + at]
                numbers = code.old_from + at + 1, code.new_from + at + 1
                yield from _row(RowKind.CONTEXT, *numbers, line)
            continue
        for at in range(code.old_from, code.old_to):
            yield from _row(RowKind.REMOVED, at + 1, None, old[at])
        for at in range(code.new_from, code.new_to):
            yield from _row(RowKind.ADDED, None, at + 1, new[at])


def _row(kind: RowKind, old_no: int | None, new_no: int | None, line: str) -> Iterator[Row]:
    yield Row(kind, old_no, new_no, line.removesuffix("\n"))
    if not line.endswith("\n"):
        yield Row(RowKind.NOTE, None, None, "No newline at end of file")

"""A file as the rules read it: decoded, without invisible characters, in one notation.

Attackers write in full-width letters or put zero-width characters into a word; a reader and a
model see the same command. Rules therefore read a normalised text, whose lines are
those of the file, so that a finding points at the line the author knows.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Final

from config.text import remove_invisible, visible_invisibles
from moderation.scanners.findings import SNIPPET_LIMIT

NORMALISED_CHARACTERS: Final = 2 * 1024 * 1024
"""Beyond this length a text is read as it stands: real skills hold no such text."""

_MARKDOWN: Final = frozenset({".md", ".markdown", ".mdx", ".txt", ".rst", ""})
_DATA: Final = frozenset({".json", ".yaml", ".yml", ".toml", ".yar", ".yara", ".csv", ".xml"})
_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]+")
_FENCES: Final = frozenset({b"```", b"~~~"})
# A line of a paragraph, of a list's item included, and one that goes on with it.
_PARAGRAPH: Final = re.compile(
    rb"(?:\s{0,3}(?:[-*+>]|\d{1,3}[.)]) )?[^\s#|`~<-][^\n]{20,}|\s{0,3}[*`<]\S"
)
_CONTINUATION: Final = re.compile(rb" {0,3}(?:[^\s#|~<>*+`\-\d]|`[^`]|\*\*?[^\s*]|\d+[^\d.)])")
_QUOTE: Final = re.compile(rb"> ?[^\s>|#-]")
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Text:
    """One file's text. `written` is as its author wrote it, `normal` as rules read it."""

    path: str
    written: str
    normal: str

    @property
    def is_prose(self) -> bool:
        """True for Markdown and plain text: what a person or an agent reads."""
        return self._suffix in _MARKDOWN

    @property
    def is_data(self) -> bool:
        """True for formats that are neither read as prose nor run."""
        return self._suffix in _DATA

    @cached_property
    def _suffix(self) -> str:
        return PurePosixPath(self.path.lower()).suffix

    @cached_property
    def content(self) -> bytes:
        """The normalised text as the rules get it; offsets of matches count in it.

        In prose a paragraph is one line, whose parts are joined by one blank: a sentence means the
        same wherever its author wraps it, indented and quoted ones, too.
        """
        return self._unwrapped[0] if self.is_prose else self.wrapped

    @cached_property
    def _unwrapped(self) -> tuple[bytes, list[tuple[int, int]]]:
        return _unwrapped(self.wrapped)

    @cached_property
    def wrapped(self) -> bytes:
        """The same bytes with every line end where its author set it."""
        return self.normal.encode("utf-8", "replace")

    @cached_property
    def lines(self) -> list[str]:
        """The normalised lines."""
        return self.normal.split("\n")

    @cached_property
    def written_lines(self) -> list[str]:
        return self.written.split("\n")

    def is_code(self, line: int) -> bool:
        """Say whether this line of Markdown stands in a code block, fenced or indented."""
        return line in self._fenced or self.lines[line - 1].startswith(("    ", "\t"))

    @cached_property
    def _fenced(self) -> frozenset[int]:
        found, fence = set(), ""
        for number, line in enumerate(self.lines, start=1):
            mark = line.lstrip()[:3]
            if mark in {"```", "~~~"} and fence in {"", mark}:
                fence = "" if fence else mark
            elif fence:
                found.add(number)
        return frozenset(found)

    @cached_property
    def _starts(self) -> list[tuple[int, int]]:
        starts, position = [(0, 0)], 0
        while (position := self.wrapped.find(b"\n", position) + 1) > 0:
            starts.append((position, 0))
        return starts

    def place_of(self, offset: int) -> tuple[int, int]:
        """Return line (from 1) and character in it (from 0) of this byte of `content`."""
        starts = self._unwrapped[1] if self.is_prose else self._starts
        return _place(self.content, starts, offset)

    def place_in_wrapped(self, offset: int) -> tuple[int, int]:
        """Return line (from 1) and character in it (from 0) of this byte of `wrapped`."""
        return _place(self.wrapped, self._starts, offset)


def _place(content: bytes, starts: list[tuple[int, int]], offset: int) -> tuple[int, int]:
    line = bisect_right(starts, offset, key=lambda start: start[0])
    start, left_out = starts[line - 1]
    return line, left_out + len(content[start:offset].decode("utf-8", "replace"))


def _unwrapped(prose: bytes) -> tuple[bytes, list[tuple[int, int]]]:
    """Return the Markdown with paragraphs on one line each; code, lists and tables stay.

    Beside it, for each line where it starts now, and how many bytes in front of it were left out:
    the indent, or the mark of a quotation, of a line that goes on.
    """
    lines = prose.split(b"\n")
    joined, fence = bytearray(lines[0]), b""
    starts = [(0, 0)]
    is_read_whole = len(prose) <= NORMALISED_CHARACTERS
    for above, line in pairwise(lines):
        mark = above.lstrip()[:3]
        if mark in _FENCES and fence in {b"", mark}:
            fence = b"" if fence else mark
        goes_on = is_read_whole and not fence and _goes_on(above, line)
        rest = line.lstrip(b" >") if goes_on else line
        joined += (b" " if goes_on else b"\n") + rest
        starts.append((len(joined) - len(rest), len(line) - len(rest)))
    return bytes(joined), starts


def _goes_on(above: bytes, line: bytes) -> bool:
    is_paragraph = _PARAGRAPH.match(above) and _CONTINUATION.match(line)
    return bool(is_paragraph or (_QUOTE.match(above) and _QUOTE.match(line)))


def read_text(path: str, content: bytes) -> Text:
    """Return the file as text, whatever its bytes are: a shell runs a script with a stray byte."""
    encoding = "utf-16" if content.startswith(_UTF16) else "utf-8-sig"
    written = content.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n")
    return Text(path, written, normalised(written))


def normalised(text: str) -> str:
    """Return the text without invisible characters, in compatibility form; lines are kept.

    Letters beyond ASCII become small ones: rules can ignore case for ASCII alone.
    """
    if text.isascii():
        return text
    head, tail = text[:NORMALISED_CHARACTERS], text[NORMALISED_CHARACTERS:]
    composed = unicodedata.normalize("NFKC", remove_invisible(head))
    return _BEYOND_ASCII.sub(lambda letters: letters.group().lower(), composed) + tail


def snippet_of(line: str, column: int = 0) -> str:
    """Return the line, or the part of it around the column, as one readable line."""
    start = max(0, column - SNIPPET_LIMIT // 4) if len(line) > SNIPPET_LIMIT else 0
    part = visible_invisibles(line[start : start + SNIPPET_LIMIT])
    cut = ("… " if start else "") + " ".join(part.split())
    return cut if len(cut) <= SNIPPET_LIMIT else cut[: SNIPPET_LIMIT - 2] + " …"

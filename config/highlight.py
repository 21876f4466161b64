"""Source code of strangers as HTML, one string per line, coloured by class and never by style.

The classes, each for many of Pygments' token types (the stylesheet gives every one a colour):

    hl-k   keyword, Markdown heading, diff hunk header
    hl-s   string, inserted line of a diff
    hl-c   comment
    hl-n   number, constant, other literal
    hl-f   name of a function, class, builtin or decorator
    hl-t   tag, attribute, type, key of a mapping
    hl-o   operator
    hl-e   error, deleted line of a diff

Text of no class (plain names, punctuation) has no span. An invisible character is
`<mark class="invisible" title="U+202E RIGHT-TO-LEFT OVERRIDE">[U+202E]</mark>`.

Only lexers of a fixed list run, chosen by file name: they were timed against hostile input. What is
longer than the limits, or takes longer than `TIME_LIMIT_SECONDS`, is shown without colours; no text
is ever left out.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from html import escape
from threading import Lock
from typing import Final

from django.utils.safestring import SafeString, mark_safe
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Token, _TokenType

from config.text import count_invisible_runs, mark_invisible, visible_invisibles

LINE_LIMIT: Final = 2000
"""Files with more lines than this are not coloured."""

SIZE_LIMIT_BYTES: Final = 200_000
"""Files larger than this (in UTF-8) are not coloured."""

LINE_LENGTH_LIMIT: Final = 2000
"""Characters of one line that are coloured; the rest of the line is plain."""

TIME_LIMIT_SECONDS = 0.5
"""Time after which the rest of a file is plain, so that one request never waits for long."""

TITLED_MARKS_LIMIT: Final = 2000
"""From this many invisible runs on they are bare text, which is a tenth of the size."""

CLASSES: Final = ("hl-k", "hl-s", "hl-c", "hl-n", "hl-f", "hl-t", "hl-o", "hl-e")

_CLASS_BY_TOKEN: Final[dict[_TokenType, str]] = {
    Token.Keyword: "hl-k",
    Token.Keyword.Constant: "hl-n",
    Token.Keyword.Type: "hl-t",
    Token.Operator.Word: "hl-k",
    Token.Generic.Heading: "hl-k",
    Token.Generic.Subheading: "hl-k",
    Token.Literal: "hl-n",
    Token.Literal.String: "hl-s",
    Token.Generic.Inserted: "hl-s",
    Token.Comment: "hl-c",
    Token.Name.Function: "hl-f",
    Token.Name.Class: "hl-f",
    Token.Name.Builtin: "hl-f",
    Token.Name.Decorator: "hl-f",
    Token.Name.Exception: "hl-f",
    Token.Name.Tag: "hl-t",
    Token.Name.Attribute: "hl-t",
    Token.Name.Namespace: "hl-t",
    Token.Operator: "hl-o",
    Token.Error: "hl-e",
    Token.Generic.Deleted: "hl-e",
    Token.Generic.Error: "hl-e",
}

# Pygments' name of each lexer that may run, with the file endings and fence words that choose it.
_ENDINGS_BY_LEXER: Final = {
    "python": "py pyi pyw python python3",
    "javascript": "js mjs cjs jsx javascript node",
    "typescript": "ts mts cts tsx typescript",
    "json": "json jsonl ndjson webmanifest jsonc",
    "yaml": "yaml yml",
    "toml": "toml",
    "bash": "sh bash zsh ksh shell",
    "html": "html htm xhtml",
    "xml": "xml svg xsl plist",
    "css": "css",
    "sql": "sql",
    "go": "go golang",
    "rust": "rs rust",
    "java": "java",
    "c": "c h",
    "cpp": "cpp cc cxx hpp hh c++",
    "ruby": "rb ruby",
    "ini": "ini cfg conf env properties",
    "docker": "dockerfile",
    "make": "makefile mk make",
    "diff": "diff patch",
    "powershell": "ps1 psm1 powershell",
    "lua": "lua",
    "markdown": "md markdown",
}
_LEXER_BY_ENDING: Final = {
    ending: name for name, endings in _ENDINGS_BY_LEXER.items() for ending in endings.split()
}


class _LineCache:
    """The latest results, at most `limit_chars` of HTML in all; safe between threads."""

    def __init__(self, limit_chars: int) -> None:
        self._limit_chars = limit_chars
        self._chars = 0
        self._entries: OrderedDict[tuple[bytes, str], tuple[SafeString, ...]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[bytes, str]) -> tuple[SafeString, ...] | None:
        with self._lock:
            lines = self._entries.get(key)
            if lines is not None:
                self._entries.move_to_end(key)
            return lines

    def put(self, key: tuple[bytes, str], lines: tuple[SafeString, ...]) -> None:
        with self._lock:
            self._chars -= _total_length(self._entries.pop(key, ()))
            self._entries[key] = lines
            self._chars += _total_length(lines)
            while self._chars > self._limit_chars:
                _, oldest = self._entries.popitem(last=False)
                self._chars -= _total_length(oldest)


_cache = _LineCache(limit_chars=8_000_000)


def lexer_name(path: str) -> str | None:
    """Name the lexer for a file path or for the language word of a fence; None if none may run."""
    name = re.split(r"[/\\]", path.lower())[-1]
    return _LEXER_BY_ENDING.get(name.rpartition(".")[2])


def highlight_lines(text: str, path: str, *, limit: int = LINE_LIMIT) -> list[SafeString]:
    """Return one well-formed HTML string per line of the text, without line ends.

    A final line end starts no further line; the empty text has no lines. Colours are left out for
    unknown file types and for texts of more than `limit` lines or `SIZE_LIMIT_BYTES`.
    """
    lines = split_lines(text)
    name = lexer_name(path)
    data = text.encode("utf-8", "surrogatepass")
    if name is None or not lines or len(lines) > limit or len(data) > SIZE_LIMIT_BYTES:
        return _plain_lines(lines)
    key = (sha256(data).digest(), name)
    cached = _cache.get(key)
    if cached is None:
        cached = tuple(_coloured_lines(lines, name))
        _cache.put(key, cached)
    return list(cached)


def split_lines(text: str) -> list[str]:
    r"""Split at `\n` and `\r\n` only, as compilers and editors count lines."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def _plain_lines(lines: list[str]) -> list[SafeString]:
    writer = _LineWriter(lines)
    return [writer.html(line) for line in lines]


def _coloured_lines(lines: list[str], name: str) -> list[SafeString]:
    writer = _LineWriter(lines)
    heads = [line[:LINE_LENGTH_LIMIT] for line in lines]
    tokens = _classed_tokens(_lexer(name), "\n".join(heads))
    coloured = [writer.pieces(pieces) for pieces in _by_line(tokens)]
    return [
        mark_safe(head + writer.html(line[LINE_LENGTH_LIMIT:]))  # noqa: S308 - Escaped above.
        for head, line in zip(coloured, lines, strict=True)
    ]


class _LineWriter:
    """Writes pieces of lines as HTML; texts full of invisible characters get untitled marks."""

    def __init__(self, lines: list[str]) -> None:
        limit = TITLED_MARKS_LIMIT
        self._titled = count_invisible_runs("\n".join(lines), limit) < limit

    def html(self, text: str) -> SafeString:
        if self._titled:
            return mark_invisible(text)
        return mark_safe(escape(visible_invisibles(text)))  # noqa: S308 - Escaped here.

    def pieces(self, pieces: Iterable[tuple[str, str]]) -> str:
        return "".join(
            f'<span class="{css}">{self.html(text)}</span>' if css else self.html(text)
            for css, text in pieces
        )


@cache
def _lexer(name: str) -> Lexer:
    return get_lexer_by_name(name)


def _classed_tokens(lexer: Lexer, text: str) -> Iterator[tuple[str, str]]:
    """Yield (class, text) pieces that together are the text, plain after the time limit."""
    deadline = time.monotonic() + TIME_LIMIT_SECONDS
    end = 0
    for start, token, value in lexer.get_tokens_unprocessed(text):
        # Some lexers hand out nested tokens twice or leave gaps: the text is the authority.
        if start < end or not value:
            continue
        if start > end:
            yield "", text[end:start]
        yield _css_class(token), value
        end = start + len(value)
        if time.monotonic() > deadline:
            break
    yield "", text[end:]


@cache
def _css_class(token: _TokenType) -> str:
    """Return the class of the nearest ancestor that has one, "" if none has."""
    ancestor: _TokenType | None = token
    while ancestor is not None:
        if ancestor in _CLASS_BY_TOKEN:
            return _CLASS_BY_TOKEN[ancestor]
        ancestor = ancestor.parent
    return ""


def _by_line(tokens: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Cut the pieces at line ends and join neighbours of one class: no span crosses a line."""
    line: list[tuple[str, str]] = []
    for css, value in tokens:
        first, *others = value.split("\n")
        _append(line, css, first)
        for part in others:
            yield line
            line = []
            _append(line, css, part)
    yield line


def _append(line: list[tuple[str, str]], css: str, text: str) -> None:
    if not text:
        return
    if line and line[-1][0] == css:
        text = line.pop()[1] + text
    line.append((css, text))


def _total_length(lines: Iterable[str]) -> int:
    return sum(map(len, lines))

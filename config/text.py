"""Text from strangers: what may be stored, how it is cleaned, how what hides in it is shown.

Every function is pure. "Invisible" means a character that a reader cannot see but that can change
what a page or a program does with the text: controls, bidirectional marks, zero-width characters,
fillers, tag characters, variation selectors that follow no symbol, lone surrogates. Joiners between
emoji or inside the scripts that need them (Arabic to Mongolian) are ordinary writing and are left
alone in views. Tab and line feed are never invisible.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from html import escape
from itertools import islice
from typing import NamedTuple

from django.utils.safestring import SafeString, mark_safe

from config.errors import DomainError

FOLD_LIMIT = 200
"""Longest result of `fold`, in characters: at most 800 bytes, which fits an index key."""

MARKS_PER_RUN = 8
"""How many characters of one invisible run are named one by one before the rest is counted."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

_HIDDEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, without tab and line feed
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # fillers, soft hyphen
    "\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"  # zero width and direction
    "\ufe00-\ufe0d\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\ud800-\udfff"
)
_JOINABLE = "\u0600-\u1cff\u2190-\u2bff\U0001f000-\U0001faff"
_SYMBOL = "#*0-9\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff"
_INVISIBLE = re.compile(
    f"(?:[{_HIDDEN}]"
    f"|(?<![{_JOINABLE}\ufe0f])[\u200c\u200d]|[\u200c\u200d](?![{_JOINABLE}])"
    f"|(?<![{_SYMBOL}])[\ufe0e\ufe0f])+"
)
_REMOVED_FROM_LINES = re.compile(
    f"[{_HIDDEN}\u200c\u200d\ue000-\uf8ff\U000f0000-\U0010ffff]|(?<![{_SYMBOL}])[\ufe0e\ufe0f]"
)
# A character with this combining class or a higher one is an accent; lower classes are parts of
# letters in Indic scripts, Hebrew, Arabic and kana, and removing them would change the word.
_FIRST_ACCENT_CLASS = 200


class TextRefused(DomainError):
    """The text holds a NUL or a lone surrogate, which PostgreSQL cannot store."""

    code = "unstorable_text"


class Segment(NamedTuple):
    """A piece of text as a view shows it; `title` names the character and is "" for plain text."""

    text: str
    is_mark: bool
    title: str


def has_unstorable(text: str) -> bool:
    """Say whether the text holds U+0000 or a lone surrogate."""
    return _UNSTORABLE.search(text) is not None


def refuse_unstorable(text: str, *, field: str | None = None) -> str:
    """Return the text unchanged; raise `TextRefused` where PostgreSQL would refuse it."""
    if has_unstorable(text):
        raise TextRefused(
            "The text holds a NUL character or half of a surrogate pair. Remove it and try again.",
            field=field,
        )
    return text


def replace_unstorable(text: str) -> str:
    """Return the text with every NUL and lone surrogate replaced by U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def clean_line(text: str, limit: int) -> str:
    """Return the text as one line of at most `limit` characters, safe to use as a name or title.

    NFC; white space collapsed and trimmed; control, direction, zero-width and private-use
    characters removed. The result can be empty. Idempotent.
    """
    # White space first: a line feed separates words, and the removal below would glue them.
    spaced = " ".join(text.split())
    composed = unicodedata.normalize("NFC", _REMOVED_FROM_LINES.sub("", spaced))
    return " ".join(composed.split())[:limit].rstrip()


def fold(text: str) -> str:
    """Return the sort key of a name: no case, accents or width, at most `FOLD_LIMIT` characters.

    Two names that differ only in these, in spacing or in invisible characters fold to the same key.
    """
    # One character can become eighteen (U+FDFA), so the cut comes before the work and after it.
    line = clean_line(text, FOLD_LIMIT)
    spread = unicodedata.normalize("NFKD", line)
    bare = "".join(c for c in spread if unicodedata.combining(c) < _FIRST_ACCENT_CLASS)
    key = unicodedata.normalize("NFKC", bare.casefold())
    return " ".join(key.split())[:FOLD_LIMIT].rstrip()


def has_invisible(text: str) -> bool:
    """Say whether a view would mark any character of the text."""
    return _INVISIBLE.search(text) is not None


def remove_invisible(text: str) -> str:
    """Return the text without the characters that a view would mark; lines stay apart."""
    return _INVISIBLE.sub("", text)


def count_invisible_runs(text: str, stop_at: int) -> int:
    """Count the runs of invisible characters that a view would mark, at most to `stop_at`."""
    return sum(1 for _ in islice(_INVISIBLE.finditer(text), stop_at))


def invisible_segments(text: str) -> Iterator[Segment]:
    """Split the text into plain pieces and marks such as `[U+202E]`, in order.

    A run longer than `MARKS_PER_RUN` ends in one mark that counts the rest, so that a payload of
    thousands of hidden characters does not become a page of marks.
    """
    end = 0
    for run in _INVISIBLE.finditer(text):
        if run.start() > end:
            yield Segment(text[end : run.start()], is_mark=False, title="")
        end = run.end()
        characters = run.group()
        for character in characters[:MARKS_PER_RUN]:
            yield Segment(f"[{_code_point(character)}]", is_mark=True, title=_title(character))
        rest = len(characters) - MARKS_PER_RUN
        if rest > 0:
            title = f"{rest} more invisible characters"
            yield Segment(f"[+{rest} more]", is_mark=True, title=title)
    if end < len(text):
        yield Segment(text[end:], is_mark=False, title="")


def visible_invisibles(text: str) -> str:
    """Return plain text in which every invisible character is written out, as `[U+202E]`."""
    return "".join(segment.text for segment in invisible_segments(text))


def mark_invisible(text: str) -> SafeString:
    """Return escaped HTML in which each invisible character is a titled `<mark>`."""
    if not has_invisible(text):
        return mark_safe(escape(text))  # noqa: S308 - Escaped here.
    html = "".join(_segment_html(segment) for segment in invisible_segments(text))
    return mark_safe(html)  # noqa: S308 - every segment is escaped or ours.


def _segment_html(segment: Segment) -> str:
    if not segment.is_mark:
        return escape(segment.text)
    return f'<mark class="invisible" title="{segment.title}">{segment.text}</mark>'


def _code_point(character: str) -> str:
    return f"U+{ord(character):04X}"


@lru_cache(maxsize=1024)
def _title(character: str) -> str:
    if unicodedata.category(character) == "Cc":
        name = "CONTROL CHARACTER"
    else:
        name = unicodedata.name(character, "UNNAMED CHARACTER")
    return f"{_code_point(character)} {name}"

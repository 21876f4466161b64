"""How runs are told to people: progress, result and error in a line. Pure functions."""

from __future__ import annotations

from typing import Any, Final

import orjson

from config.formats import duration, exact_count, percent
from config.text import mark_invisible

QUARTER: Final = 25
LINE: Final = 160
CLAMPED_WORDS: Final = 60


def clamp(text: str, limit: int = LINE) -> str:
    """Cut a text to `limit` characters in one line, with an ellipsis where something is missing."""
    line = " ".join(text[: limit * 4].split())
    return line if len(line) <= limit and len(text) <= limit * 4 else line[: limit - 1] + "…"


def cut_to_html(text: str, limit: int, *, keep_end: bool = False) -> str:
    """Cut a text until its HTML, marks of invisible characters included, has `limit` bytes.

    An ordinary text is hardly longer as HTML; one of brackets is four times as long, and one of
    marks ninety times. One character always fits into a limit of 200.
    """
    while len(mark_invisible(text).encode()) > limit:
        fewer = len(text) - max(len(text) // 8, 1)
        text = text[len(text) - fewer :] if keep_end else text[:fewer]
    return text


def headline(error: str) -> str:
    """Return the line of a traceback that says what happened: the last; "" without an error."""
    lines = [line for line in error.splitlines() if line.strip()]
    return clamp(lines[-1]) if lines else ""


def progress_words(done: int, total: int | None, rate: float | None) -> str:
    """Write how far a run is: 1,240 of 9,800 · 12.7 % · about 4 min left.

    Rows that came while it ran do not push it over its total.
    """
    if total is None:
        return f"{exact_count(done)} so far" if done else "Not counted yet"
    done = min(done, total)
    parts = [f"{exact_count(done)} of {exact_count(total)}"]
    if total:
        parts.append(percent(done, total))
    if rate and done < total:
        parts.append(f"about {duration((total - done) / rate)} left")
    return " · ".join(parts)


def quarters_done(done: int, total: int | None) -> int:
    """Return the last of 0, 25, 50, 75 and 100 percent that is reached."""
    if not total:
        return 0
    return min(done * 100 // total // QUARTER * QUARTER, 100)


def result_words(result: dict[str, Any]) -> str:
    """Write what a run found or did: 120 events · 0 of deleted skills; "" when it told nothing."""
    return clamp(" · ".join(_told(key, value) for key, value in result.items()), LINE * 2)


def _told(key: str, value: Any) -> str:
    name = clamp(str(key).replace("_", " "), CLAMPED_WORDS)
    if isinstance(value, dict | list):
        value = len(value)
    if isinstance(value, int):
        return f"{exact_count(value)} {name}"
    return f"{name} {clamp(str(value), CLAMPED_WORDS)}"


def cursor_words(cursor: Any) -> str:
    """Write where a run would go on, whatever its job stored; "" at the beginning."""
    if cursor is None:
        return ""
    text = cursor if isinstance(cursor, str) else orjson.dumps(cursor).decode()
    return clamp(text, CLAMPED_WORDS)

"""A trace as a Markdown file: a title, one line about it, and each message under a heading.

What people and models wrote is Markdown, and stays it: a list, a table or a fence in an answer is
what a reader of the file wants to see. But a text must not begin the message of another, nor hide
what comes after it. So its headings and raw HTML are escaped where they could stand on the page by
themselves. Whether a line is inside a fence is certain only where all fences of a text begin their
lines and are closed; any other text stands in a block quote, which no Markdown can leave. In its
own lists and quotes a text may have headings: those are seen to be inside.

What a tool got or gave stands in a fence that is longer than any in it; names stand on one line, in
which nothing is markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from traces.json_texts import clean_text
from traces.model_names import model_name

LONGEST_NAME: Final = 200


@dataclass(frozen=True)
class ExportTrace:
    """What the head of the file says; "" for what is not known."""

    title: str
    agent_id: str
    model: str = ""
    project_name: str = ""


@dataclass(frozen=True)
class ExportMessage:
    """A message: its parts as stored, `text_content` where it has none."""

    role: str
    parts: list[dict[str, Any]]
    text_content: str = ""


def lines(trace: ExportTrace, messages: Iterable[ExportMessage]) -> Iterator[str]:
    """Yield the lines of the file without their ends; a text of many lines is one of them.

    Thinking and parts of unknown kinds are left out, and so is a heading with nothing below it.
    Messages of one role in a row stand under one heading.
    """
    yield f"# Trace: {_inline(trace.title) or 'Untitled'}"
    yield ""
    about = (
        ("Agent", trace.agent_id),
        ("Model", model_name(trace.model)),
        ("Project", trace.project_name),
    )
    yield " | ".join(f"{label}: {_inline(value)}" for label, value in about if value)
    yield ""
    yield "---"
    heading = ""
    for message in messages:
        told = [part for part in _parts(message) if part]
        if not told:
            continue
        if (mine := _heading(message.role)) != heading:
            heading = mine
            yield ""
            yield heading
        for part in told:
            yield ""
            yield from part


def _heading(role: str) -> str:
    return {"user": "## User", "assistant": "## Assistant"}.get(role, "## System")


def _parts(message: ExportMessage) -> Iterator[list[str]]:
    shown = False
    for part in message.parts:
        content = part.get("content")
        if isinstance(content, dict):
            shown = True
            yield _part(part.get("type"), content)
    if not shown and message.text_content.strip():
        yield [_prose(message.text_content)]


def _part(kind: Any, content: dict[str, Any]) -> list[str]:
    """Return the lines of a part; none for one that is not shown."""
    if kind == "text":
        text = _text(content.get("text"))
        return [_prose(text)] if text.strip() else []
    if kind == "tool_call":
        name = _inline(_text(content.get("toolName"))) or "unknown"
        args = _fenced(_json(content.get("args", {})), "json")
        return [f"### Tool: {name}", "", "**Args:**", *args]
    if kind == "tool_result":
        status = "error" if content.get("status") == "error" else "success"
        return [f"**Result** ({status}):", *_fenced(_text(content.get("output")))]
    if kind == "error":
        return ["**Error:**", *_fenced(_text(content.get("message")))]
    return []


def _text(value: Any) -> str:
    if value is None:
        return ""
    return clean_text(value) if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except (orjson.JSONEncodeError, RecursionError):
        return "(cannot be shown)"


_FENCE_RUN: Final = re.compile(r"`{3,}+")
_LINE_ENDS: Final = re.compile(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]")


def _fenced(text: str, language: str = "") -> list[str]:
    text = _LINE_ENDS.sub("\n", text)
    longest = max((len(run.group()) for run in _FENCE_RUN.finditer(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", text.removesuffix("\n"), fence]


_MARKUP: Final = re.compile(r"([\\`*_\[\]<>|#~&])")


def _inline(text: str) -> str:
    """Return a name as one line in which nothing is markup."""
    line = " ".join(clean_text(text)[: LONGEST_NAME * 2].split())[:LONGEST_NAME]
    return _MARKUP.sub(r"\\\1", line)


_HEADING: Final = re.compile(r"(?P<before> {0,3})(?P<mark>#{1,6})(?=[ \t]|$)")
_UNDERLINE: Final = re.compile(r"(?P<before> {0,3})(?P<mark>=+|-+)(?=[ \t]*$)")
# Marks of lists and quotes may stand before what begins a block.
_RAW_HTML: Final = re.compile(r"(?P<before>[ \t>*+0-9.)-]*+)(?=<[A-Za-z/!?])")
_FENCE: Final = re.compile(r"(?P<before>[ \t>*+0-9.)-]*+)(?P<fence>`{3,}+|~{3,}+)(?P<info>.*)")


def _prose(text: str) -> str:
    """Return a text that is Markdown, such that it heads nothing and ends with itself."""
    given = _LINE_ENDS.sub("\n", clean_text(text)).strip("\n").split("\n")
    shown: list[str] = []
    fence = ""
    before = ""
    for line in given:
        mark = _FENCE.match(line)
        if fence:
            if mark is not None and _closes(mark, fence):
                fence = ""
            shown.append(line)
        elif mark is None:
            shown.append(_escaped(line, before))
        elif mark["before"] or (mark["fence"][0] == "`" and "`" in mark["info"]):
            return _quoted(given)
        else:
            fence = mark["fence"]
            shown.append(line)
        before = line
    return _quoted(given) if fence else "\n".join(shown)


def _closes(mark: re.Match[str], fence: str) -> bool:
    indent = mark["before"]
    alone = not mark["info"].strip(" \t") and indent in ("", " ", "  ", "   ")
    return alone and mark["fence"].startswith(fence)


def _escaped(line: str, line_before: str) -> str:
    line = _HEADING.sub(r"\g<before>\\\g<mark>", line, count=1) if _HEADING.match(line) else line
    if line_before.strip() and _UNDERLINE.match(line):
        line = _UNDERLINE.sub(r"\g<before>\\\g<mark>", line, count=1)
    html = _RAW_HTML.match(line)
    return line if html is None else f"{html['before']}\\{line[html.end() :]}"


def _quoted(given: list[str]) -> str:
    return "\n".join(f"> {line}" if line else ">" for line in given)

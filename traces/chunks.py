"""How messages become a chunk of a page: what stands together, what is folded, when it is full.

Pure: rows in, HTML out. Every text is a stranger's. Whatever it holds, a message stays below
`MESSAGE_HTML` and a chunk below `CHUNK_HTML` by at most one message.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from html import escape
from typing import Any, Final

from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe

from config.formats import bytes_size
from config.highlight import highlight_lines, lexer_name
from config.markdown import render_markdown
from config.text import count_invisible_runs, mark_invisible, visible_invisibles
from traces.addresses import at_url, message_url
from traces.chunk_rows import END, TOOLS_COUNTED, Key, Part, Row
from traces.model_names import model_name
from traces.models import Kind

CHUNK_HTML: Final = 30_000
MESSAGE_HTML: Final = 9_000
TEXT_HTML: Final = 6_000
# The page of one message alone.
WHOLE_HTML: Final = 1_500_000
# Markdown longer than this is not laid out.
PROSE_LIMIT: Final = 20_000
# A longer text than twice this is cut to this many letters: nobody unfolds the last two lines.
FOLD: Final = 1_200
# So short is an argument that it stands beside its name.
SHORT_ARG: Final = 160
MARKS_LIMIT: Final = 40

# Word and icon of each kind.
KINDS: Final = {
    Kind.USER: ("User", "user"),
    Kind.WRAPPER: ("Added by the agent", "file"),
    Kind.ASSISTANT: ("Assistant", "message"),
    Kind.THINKING: ("Thinking", "bulb"),
    Kind.TOOL_CALL: ("Tool call", "terminal"),
    Kind.TOOL_RESULT: ("Tool result", "terminal"),
    Kind.TOOL_ERROR: ("Failed tool result", "alert"),
    Kind.ERROR: ("Error", "alert"),
    Kind.OTHER: ("Other", "file"),
}
_FOLDED: Final = frozenset({Kind.WRAPPER, Kind.OTHER})
_MARKDOWN: Final = frozenset({Kind.USER, Kind.ASSISTANT})
_HEADING_ID: Final = re.compile(r'(<h[2-6]) id="md-[^"]*"')
_PATH_ARGS: Final = ("file_path", "path", "notebook_path", "filename")
_CODE_ARGS: Final = frozenset({"content", "new_string", "old_string", "file_text", "new_source"})


@dataclass(frozen=True)
class Body:
    """One text of a message: prose, or a text as it is; `label` says which it is."""

    html: SafeString
    is_prose: bool = False
    label: str = ""
    is_folded: bool = False
    # Arguments that stand beside their names.
    facts: tuple[tuple[SafeString, SafeString], ...] = ()


@dataclass(frozen=True)
class Block:
    """One item of the page: a message, or a call with its result; it ends behind `last`."""

    html: str
    first: Key
    last: Key


@dataclass
class Chunk:
    """Blocks that stand on one page, and whether messages follow or come before."""

    blocks: list[Block] = field(default_factory=list)
    has_before: bool = False
    has_after: bool = False

    @property
    def html(self) -> SafeString:
        """Return the items of the list."""
        return mark_safe("".join(block.html for block in self.blocks))  # noqa: S308 - Templates'.


def fill(blocks: Iterator[Block], *, is_backwards: bool = False) -> tuple[list[Block], bool]:
    """Return the blocks that fit on a page, in order, and whether one was left out.

    The first always fits. Backwards the blocks come from the last one on.
    """
    taken: list[Block] = []
    size = 0
    for block in blocks:
        if taken and size + len(block.html) > CHUNK_HTML:
            return (taken[::-1] if is_backwards else taken), True
        taken.append(block)
        size += len(block.html)
    return (taken[::-1] if is_backwards else taken), False


def blocks_of(rows: Sequence[Row], url: str, *, is_backwards: bool = False) -> Iterator[Block]:
    """Write the messages one by one; a call and the result that follows it are one block."""
    pairs = list(_pairs(rows))
    seen: dict[int, int] = {}
    anchors = {row.id: _anchor(row, seen) for pair in pairs for row in pair}
    for pair in reversed(pairs) if is_backwards else pairs:
        html = "".join(_message(row, anchors[row.id], url) for row in pair)
        yield Block(html, pair[0].key, pair[-1].key)


def _pairs(rows: Sequence[Row]) -> Iterator[tuple[Row, ...]]:
    at = 0
    while at < len(rows):
        call, result = rows[at], rows[at + 1] if at + 1 < len(rows) else None
        if result is not None and _answers(call, result):
            yield call, result
            at += 2
        else:
            yield (call,)
            at += 1


def _answers(call: Row, result: Row) -> bool:
    if call.kind != Kind.TOOL_CALL or result.kind not in (Kind.TOOL_RESULT, Kind.TOOL_ERROR):
        return False
    asked = {part.call_id for part in call.parts if part.type == "tool_call"}
    return any(part.type == "tool_result" and part.call_id in asked for part in result.parts)


def _anchor(row: Row, seen: dict[int, int]) -> str:
    """Return the name of a message's place; two may say that they stand at the same number."""
    times = seen[row.position] = seen.get(row.position, 0) + 1
    return f"m-{row.position}" if times == 1 else f"m-{row.position}-{times}"


# --- A message ------------------------------------------------------------------------------------


def _message(row: Row, anchor: str, url: str) -> str:
    bodies: list[Body] = []
    size, is_cut = 0, row.part_count > len(row.parts)
    for body, was_cut in bodies_of(row):
        length = len(body.html) + sum(len(name) + len(value) for name, value in body.facts)
        if bodies and size + length > MESSAGE_HTML:
            is_cut = True
            break
        is_cut = is_cut or was_cut
        size += length
        bodies.append(body)
    return write_message(row, bodies, anchor, url, is_cut=is_cut)


def write_message(
    row: Row,
    bodies: Sequence[Body],
    anchor: str,
    url: str,
    *,
    is_cut: bool,
    heading: str = "h3",
) -> str:
    """Write the item of a message; `is_cut` tells that its own page has more of it."""
    word, icon = KINDS.get(Kind(row.kind), KINDS[Kind.OTHER])
    context = {
        "row": row,
        "heading": heading,
        "anchor": anchor,
        "word": word,
        "icon": icon,
        "model": model_name(row.model),
        "bodies": bodies,
        "at_url": f"{at_url(url, row.external_id)}#{anchor}",
        "whole_url": message_url(url, row.external_id) if is_cut else "",
        "whole_size": bytes_size(_size(row)),
        "taken_out": redaction_words(row.redactions),
    }
    return get_template("public/_message.html").render(context)


def _size(row: Row) -> int:
    told = sum(part.size + sum(arg.size for arg in part.args) for part in row.parts)
    return max(told, row.size)


def bodies_of(row: Row, fold: int = FOLD) -> Iterator[tuple[Body, bool]]:
    """Yield the texts of a message, each with whether it was cut."""
    # The text of a message is the text of one of its parts, if it has any that holds text.
    if row.text and not any(part.type in ("text", "error") for part in row.parts):
        yield _said(row.kind, row.text, row.size, fold)
    for part in row.parts:
        if part.type == "text":
            yield _said(row.kind, part.text, part.size, fold)
        elif part.type == "thinking":
            html, was_cut = _plain(part.text, part.size, fold)
            word = "Show" if row.kind == Kind.THINKING else "Thinking,"
            label = f"{word} {bytes_size(part.size)}"
            yield Body(html, label=label, is_folded=True), was_cut
        elif part.type == "tool_call":
            yield _called(part, fold)
        else:
            html, was_cut = _plain(part.text, part.size, fold)
            known = part.type in ("tool_result", "error")
            label = "" if known else f"{visible_invisibles(part.type)}, {bytes_size(part.size)}"
            yield Body(html, label=label, is_folded=not known), was_cut


def _said(kind: str, text: str, size: int, fold: int) -> tuple[Body, bool]:
    if kind in _MARKDOWN and len(text) <= PROSE_LIMIT:
        html, was_cut = fitted(text, size, typed if kind == Kind.USER else prose, fold)
        return Body(html, is_prose=True), was_cut
    html, was_cut = _plain(text, size, fold)
    folded = kind in _FOLDED
    return Body(html, label=f"Show {bytes_size(size)}" if folded else "", is_folded=folded), was_cut


def _called(part: Part, fold: int) -> tuple[Body, bool]:
    """Write the arguments of a call: short ones beside their names, then the long one."""
    args = list(part.args)
    path = next((arg.text for arg in args if arg.name in _PATH_ARGS), "")
    facts, texts, was_cut = [], [], False
    for arg in args:
        name = _short(arg.name)
        if len(arg.text) <= SHORT_ARG and "\n" not in arg.text and arg.name != "command":
            facts.append((name, _short(arg.text)))
            continue
        html, cut = fitted(arg.text, arg.size, partial(_code, arg.name, path), fold)
        texts.append(html if len(args) == 1 or arg.name == "command" else _named(name, html))
        was_cut = was_cut or cut
    return Body(mark_safe("\n".join(texts)), facts=tuple(facts)), was_cut  # noqa: S308 - Escaped.


def _named(name: SafeString, html: SafeString) -> SafeString:
    return mark_safe(f"<strong>{name}</strong>\n{html}")  # noqa: S308 - Both are escaped.


def _code(name: str, path: str, text: str) -> SafeString:
    """Write what a tool was given: a command, or text of the file that it names, in colours."""
    if name == "command":
        path = "command.sh"
    elif name not in _CODE_ARGS:
        path = ""
    if not path or lexer_name(path) is None or _is_flooded(text):
        return plain(text)
    return mark_safe("\n".join(highlight_lines(text, path)))  # noqa: S308 - Escaped there.


# --- Texts ----------------------------------------------------------------------------------------


def fitted(
    text: str, size: int, write: Callable[[str], SafeString], fold: int = FOLD
) -> tuple[SafeString, bool]:
    """Write as much of a text as a page has room for, and say whether that is not all.

    `size` is the bytes of the whole, of which `text` may be the beginning.
    """
    is_whole = len(text.encode("utf-8", "surrogatepass")) >= size
    shown = text if is_whole and len(text) <= 2 * fold else text[:fold]
    html = write(shown)
    while len(html) > TEXT_HTML * max(1, fold // FOLD) and len(shown) > 1:
        shown = shown[: len(shown) // 2]
        html = write(shown)
    return html, not is_whole or len(shown) < len(text)


def prose(text: str) -> SafeString:
    """Write Markdown; its headings are no places of the page, which holds many such texts."""
    return mark_safe(_HEADING_ID.sub(r"\1", render_markdown(text)))  # noqa: S308 - Cleaned there.


def typed(text: str) -> SafeString:
    """Write what a person typed: Markdown, but a new line is one, as in the box it was typed in."""
    return prose(text.replace("\n", "  \n"))


def plain(text: str) -> SafeString:
    """Write a text as it is, with what hides in it made visible."""
    if _is_flooded(text):
        return mark_safe(escape(visible_invisibles(text)))  # noqa: S308 - Escaped here.
    return mark_invisible(text)


def _is_flooded(text: str) -> bool:
    return count_invisible_runs(text, MARKS_LIMIT) == MARKS_LIMIT


def _plain(text: str, size: int, fold: int) -> tuple[SafeString, bool]:
    return fitted(text, size, plain, fold)


def _short(text: str) -> SafeString:
    return plain(text[:SHORT_ARG])


# --- Tools between the messages of a conversation -------------------------------------------------


@dataclass(frozen=True)
class Group:
    """A stretch of tool messages, told in one line."""

    first: Key
    words: str


def groups_between(keys: Sequence[Key], tools: Sequence[tuple[Key, str]]) -> dict[int, Group]:
    """Return the tools behind each of the places `keys`: by its number, -1 for before the first.

    Counts are exact up to the bound of what was read, and say so beyond it.
    """
    is_bounded = len(tools) == TOOLS_COUNTED
    stretches: dict[int, list[tuple[Key, str]]] = {}
    for tool in tools:
        stretches.setdefault(bisect_left(keys, tool[0]) - 1, []).append(tool)
    last = max(stretches, default=None)
    return {
        number: Group(found[0][0], _group_words(found, is_open=is_bounded and number == last))
        for number, found in stretches.items()
    }


def _group_words(found: Sequence[tuple[Key, str]], *, is_open: bool) -> str:
    calls = sum(kind == Kind.TOOL_CALL for _key, kind in found)
    failed = sum(kind == Kind.TOOL_ERROR for _key, kind in found)
    count, noun = (calls, "tool call") if calls else (len(found), "tool result")
    more = "+" if is_open else ""
    words = f"{count}{more} {noun}{'' if count == 1 and not more else 's'}"
    return f"{words}, {failed} failed" if failed else words


def with_groups(
    blocks: Iterator[Block], keys: Sequence[Key], tools: Sequence[tuple[Key, str]], url: str
) -> Iterator[Block]:
    """Put the lines that stand for tools behind the messages at `keys` that they follow."""
    groups = groups_between(keys, tools)
    lead = write_group(groups[-1], url) if -1 in groups else ""
    if lead and not keys:
        yield Block(lead, groups[-1].first, END)
    numbers = {key: number for number, key in enumerate(keys)}
    for block in blocks:
        number = numbers[block.last]
        behind = write_group(groups[number], url) if number in groups else ""
        before = lead if number == 0 else ""
        yield Block(before + block.html + behind, block.first, block.last)


def write_group(group: Group, url: str) -> str:
    """Write the line that stands for tools."""
    address = f"{url}/full?from={group.first[0]}#m-{group.first[0]}"
    context = {"words": group.words, "url": address}
    return get_template("public/_tool_group.html").render(context)


# --- What was taken out ---------------------------------------------------------------------------


def redaction_words(redactions: Sequence[Any]) -> list[str]:
    """Return what was taken out in words: how often, by which rule, and in which kind of place.

    The text of a message stands in its parts a second time, and is told once.
    """
    told: dict[tuple[str, str], dict[str, int]] = {}
    for rule, place, times in redactions:
        word, kind = _place_word(str(place))
        by_place = told.setdefault((str(rule), word), {})
        by_place[kind] = by_place.get(kind, 0) + int(times)
    return [_taken_words(rule, word, max(counts.values())) for (rule, word), counts in told.items()]


def _taken_words(rule: str, word: str, times: int) -> str:
    what = f"{rule.replace('.', ' ').replace('-', ' ')} in {word}"
    return what if times == 1 else f"{what}, {times} times"


def _place_word(place: str) -> tuple[str, str]:
    """Return the word of a place, and which of two copies of a text it is."""
    if place == "textContent":
        return "the text", "text"
    if not place.startswith("parts"):
        return f"the {_FIELD_WORDS.get(place, 'details')}", "field"
    if ".content.args" in place:
        return "what a tool was given", "parts"
    return ("what a tool answered" if ".content.output" in place else "the text"), "parts"


_FIELD_WORDS: Final = {
    "title": "title",
    "projectPath": "project",
    "projectName": "project",
    "gitRemoteUrl": "repository",
    "gitBranch": "branch",
    "model": "model",
}

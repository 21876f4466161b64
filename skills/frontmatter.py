"""The metadata block at the top of SKILL.md, read as text and nothing more.

YAML would turn the version 1.10 into 1.1, the country code ``no`` into False and a day into a
date; here every scalar stays the string its author wrote. Anchors and aliases are not
followed, so a small file cannot grow. What does not parse is kept as text and said so: a
skill with a broken header still works in an agent, and only its author can repair it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from config.errors import DomainError
from skills.metadata import JsonValue, SkillMetadata, metadata_from, summary_of

__all__ = [
    "FrontMatter",
    "FrontMatterRefused",
    "SkillMetadata",
    "parse_skill_md",
    "storable",
    "summary_of",
]

MAX_FRONT_MATTER_BYTES = 64 * 1024
# Real skills reach 5; JSON in the database can hold far more, but readers recurse.
MAX_FRONT_MATTER_DEPTH = 16

MISSING = "SKILL.md has no front matter; add name and description between two --- lines at its top."
NOT_CLOSED = "The front matter of SKILL.md is not closed; end it with a line of three dashes."
NOT_PARSED = "The front matter of SKILL.md is not valid YAML and is shown as text: "
REPEATED_KEY = "The front matter of SKILL.md repeats a key, and the last value counts: "


class FrontMatterRefused(DomainError):
    """The front matter is too large or too deep to be kept."""

    code = "front_matter_refused"


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What a SKILL.md says about itself.

    ``raw`` is the block between the dashes, empty when there is none; ``body`` is what follows
    it, or the whole text. ``warning`` is one sentence for the author, or None.
    """

    metadata: SkillMetadata
    body: str
    warning: str | None
    raw: str


class _Unreadable(Exception):
    """YAML that we do not take; the message is a short reason."""


def parse_skill_md(text: str) -> FrontMatter:
    """Split and read a SKILL.md; time linear in its length.

    Raises FrontMatterRefused with code ``front_matter_too_large`` or ``front_matter_too_deep``
    and for nothing else.
    """
    text = storable(text.removeprefix("\ufeff"))
    block = _split(text)
    if block is None:
        first_line = text.partition("\n")[0].rstrip()
        absent = NOT_CLOSED if first_line == "---" else MISSING
        return FrontMatter(SkillMetadata(), text, absent, "")
    raw, body = block
    if len(raw.encode()) > MAX_FRONT_MATTER_BYTES:
        raise FrontMatterRefused(
            "The front matter of SKILL.md is larger than 64 KiB; move text below the second ---.",
            field="files",
            code="front_matter_too_large",
        )
    repeated: list[str] = []
    try:
        value = _mapping(read_yaml(raw, repeated))
    except _Unreadable as error:
        return FrontMatter(SkillMetadata(), body, f"{NOT_PARSED}{error}.", raw)
    warning = f"{REPEATED_KEY}{', '.join(repeated[:5])}." if repeated else None
    return FrontMatter(metadata_from(_with_embedded(value)), body, warning, raw)


def _mapping(value: JsonValue) -> dict[str, JsonValue]:
    if not isinstance(value, dict):
        raise _Unreadable("it is not a list of keys and values")
    return value


def read_yaml(raw: str, repeated: list[str]) -> JsonValue:
    """The one document in the text, all scalars as strings; repeated keys are appended.

    Works on the event stream: the parser that builds trees recurses in C and would take the
    process down before any depth could be counted.
    """
    try:
        return _Builder(repeated).build(yaml.parse(raw, Loader=yaml.CSafeLoader))
    except yaml.YAMLError as error:
        raise _Unreadable(_reason(error)) from None


def _reason(error: yaml.YAMLError) -> str:
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not readable"
    mark = getattr(error, "problem_mark", None)
    # The block begins on the second line of the file and marks count from 0.
    return f"{problem} (line {mark.line + 2})" if mark is not None else str(problem)


def _split(text: str) -> tuple[str, str] | None:
    """The block between the first line and the next ``---``, and the rest; None without one."""
    start = text.find("\n") + 1
    if not start or text[:start].rstrip() != "---" or text[0] != "-":
        return None
    position = start
    while position < len(text):
        end = text.find("\n", position)
        next_line = len(text) if end == -1 else end + 1
        if text.startswith("---", position) and text[position:next_line].rstrip() == "---":
            return text[start:position], text[next_line:]
        position = next_line
    return None


def _with_embedded(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Some authors write ``metadata`` as JSON inside a string; read that too."""
    embedded = value.get("metadata")
    if not isinstance(embedded, str) or not embedded.lstrip().startswith("{"):
        return value
    try:
        return {**value, "metadata": read_yaml(embedded, [])}
    except _Unreadable:
        return value


class _Builder:
    """Builds strings, lists and dictionaries from YAML events, counting the depth as it goes."""

    def __init__(self, repeated: list[str]) -> None:
        self.repeated = repeated
        self.open: list[list[JsonValue] | dict[str, JsonValue]] = []
        self.keys: list[str | None] = []
        self.documents = 0
        self.root: JsonValue = ""

    def build(self, events: Iterator[yaml.Event]) -> JsonValue:
        for event in events:
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
                raise _Unreadable("anchors and aliases are not supported")
            if isinstance(event, yaml.DocumentStartEvent):
                self.documents += 1
                if self.documents > 1:
                    raise _Unreadable("it holds more than one document")
            elif isinstance(event, yaml.ScalarEvent):
                self._add(event.value)
            elif isinstance(event, yaml.SequenceStartEvent):
                self._enter([])
            elif isinstance(event, yaml.MappingStartEvent):
                self._enter({})
            elif isinstance(event, yaml.CollectionEndEvent):
                self.open.pop()
                self.keys.pop()
        return self.root

    def _enter(self, container: list[JsonValue] | dict[str, JsonValue]) -> None:
        if len(self.open) == MAX_FRONT_MATTER_DEPTH:
            raise FrontMatterRefused(
                f"The front matter of SKILL.md is nested more than {MAX_FRONT_MATTER_DEPTH} "
                "levels deep; make it flatter.",
                field="files",
                code="front_matter_too_deep",
            )
        self._add(container)
        self.open.append(container)
        self.keys.append(None)

    def _add(self, value: JsonValue) -> None:
        if isinstance(value, str):
            value = storable(value)
        if not self.open:
            self.root = value
            return
        container, key = self.open[-1], self.keys[-1]
        if isinstance(container, list):
            container.append(value)
        elif key is not None:
            if key in container:
                self.repeated.append(key)
            container[key] = value
            self.keys[-1] = None
        elif isinstance(value, str):
            self.keys[-1] = value
        else:
            raise _Unreadable("a key is not plain text")


def storable(text: str) -> str:
    """The text as PostgreSQL can keep it: NUL and lone surrogates become U+FFFD."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

"""The typed record of what a skill declares: its needs, its author, its links.

The agents' formats agree on little. Facts stand at the top level, in ``metadata``, or in a
block named after an agent inside ``metadata``; for a single fact the first of these wins, for
lists all are joined.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

JsonValue: TypeAlias = "str | list[JsonValue] | dict[str, JsonValue]"
Block: TypeAlias = "dict[str, JsonValue]"

MAX_LIST_ITEMS = 50
MAX_ITEM_CHARACTERS = 200
MAX_DESCRIPTION_CHARACTERS = 4_000
MAX_URL_CHARACTERS = 2_000
MAX_SUMMARY_CHARACTERS = 300

_AGENT_BLOCKS = ("openclaw", "clawdbot", "clawdis", "moltbot", "clawhub")
_LINK_KEYS = (
    "homepage",
    "website",
    "repository",
    "repo",
    "documentation",
    "docs",
    "source",
    "github_url",
    "url",
)
# Top-level keys that the typed record holds completely; the others are kept in ``extra``.
_TYPED_KEYS = frozenset(["name", "description", "version", "license"])


@dataclass(frozen=True, slots=True)
class Link:
    """A web address (http or https) and the key under which the author gave it."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class SkillMetadata:
    """What the author declares; empty text and empty tuples mean "not said".

    Declarations are claims: nothing here was checked against the files. ``any_binaries`` are
    alternatives of which one is enough. ``extra`` keeps every other key of the front matter,
    made of strings, lists and dictionaries only.
    """

    name: str = ""
    description: str = ""
    version: str = ""
    license: str = ""
    author: str = ""
    env_vars: tuple[str, ...] = ()
    optional_env_vars: tuple[str, ...] = ()
    required_binaries: tuple[str, ...] = ()
    any_binaries: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    os: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    extra: Block = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A JSON object that jsonb can hold; ``from_json`` gives an equal record back."""
        record: dict[str, Any] = {key: getattr(self, key) for key in _TEXT_FIELDS}
        record |= {key: list(getattr(self, key)) for key in _LIST_FIELDS}
        record["links"] = [{"label": link.label, "url": link.url} for link in self.links]
        record["extra"] = self.extra
        return record

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> SkillMetadata:
        """The record that ``to_json`` wrote; keys that are missing keep their empty value."""
        values: dict[str, Any] = {key: record[key] for key in _TEXT_FIELDS if key in record}
        values |= {key: tuple(record[key]) for key in _LIST_FIELDS if key in record}
        links = tuple(Link(link["label"], link["url"]) for link in record.get("links", []))
        return cls(**values, links=links, extra=record.get("extra", {}))


_TEXT_FIELDS = ("name", "description", "version", "license", "author")
_LIST_FIELDS = (
    "env_vars",
    "optional_env_vars",
    "required_binaries",
    "any_binaries",
    "dependencies",
    "os",
)


def metadata_from(front: Block) -> SkillMetadata:
    """The typed record of a parsed front matter whose scalars are strings."""
    blocks = list(_blocks(front))
    needs = [block["requires"] for block in blocks if isinstance(block.get("requires"), dict)]
    requires: list[Block] = [need for need in needs if isinstance(need, dict)]
    env_vars = _joined([*_all(requires, "env"), *_all(blocks, "env", "primaryEnv")])
    optional = _joined(
        [
            *_all(requires, "optionalEnv", "optional_env"),
            *_all(_children(blocks, "config"), "optionalEnv", "optional_env"),
            *_all(blocks, "optionalEnv", "defaultEnv"),
        ]
    )
    return SkillMetadata(
        name=_first(blocks, "name"),
        description=_first(blocks, "description", limit=MAX_DESCRIPTION_CHARACTERS),
        version=_first(blocks, "version"),
        license=_first(blocks, "license"),
        author=_first(blocks, "author") or ", ".join(_joined(_all(blocks, "authors"))[:5]),
        env_vars=env_vars,
        optional_env_vars=tuple(name for name in optional if name not in env_vars),
        required_binaries=_joined(
            [*_all(requires, "bins", "commands", "tools"), *_all(blocks, "bins")]
        ),
        any_binaries=_joined(_all(requires, "anyBins", "any_bins")),
        dependencies=_joined([*_all(blocks, "dependencies"), *_installs(blocks)]),
        os=_joined([*_all(blocks, "os", "platforms"), *_all(requires, "os")]),
        links=_links(blocks),
        extra={key: value for key, value in front.items() if key not in _TYPED_KEYS},
    )


def summary_of(metadata: SkillMetadata, body: str) -> str:
    """One line of at most 300 characters for lists: the description, else the first paragraph.

    Cut at a word with an ellipsis; white space collapsed; nothing invisible in it.
    """
    text = metadata.description or _first_paragraph(body)
    line = " ".join("".join(_visible(text)).split())
    if len(line) <= MAX_SUMMARY_CHARACTERS:
        return line
    cut = line[:MAX_SUMMARY_CHARACTERS]
    shortened = cut[:-1].rpartition(" ")[0]
    # A text without spaces, as in Chinese or Japanese, has no word to cut at.
    if len(shortened) < MAX_SUMMARY_CHARACTERS // 2:
        shortened = cut[:-1]
    return shortened.rstrip(" ,;:.") + "…"


def _blocks(front: Block) -> Iterator[Block]:
    """The mappings that may state facts, the strongest first."""
    yield front
    nested = front.get("metadata")
    metadata = nested if isinstance(nested, dict) else {}
    yield metadata
    for agent in _AGENT_BLOCKS:
        for block in (metadata.get(agent), front.get(f"metadata.{agent}")):
            if isinstance(block, dict):
                yield block


def _children(blocks: Iterable[Block], key: str) -> list[Block]:
    return [child for block in blocks if isinstance(child := block.get(key), dict)]


def _all(blocks: Iterable[Block], *keys: str) -> Iterator[JsonValue]:
    for block in blocks:
        for key in keys:
            if key in block:
                yield block[key]


def _joined(values: Iterable[JsonValue]) -> tuple[str, ...]:
    """All items in order, each once, cut to the limits."""
    items = (item for value in values for item in _items(value))
    return tuple(dict.fromkeys(item for item in items if item))[:MAX_LIST_ITEMS]


def _items(value: JsonValue) -> Iterator[str]:
    """A list's entries, a mapping's keys, or the parts of one text between commas."""
    if isinstance(value, str):
        for part in value.split(","):
            yield _short(part)
    elif isinstance(value, dict):
        for key in value:
            yield _short(key)
    else:
        for item in value:
            if isinstance(item, str):
                yield _short(item)
            elif isinstance(item, dict):
                yield _named(item)


def _named(block: Block) -> str:
    for key in ("name", "id", "package", "key"):
        value = block.get(key)
        if isinstance(value, str):
            return _short(value)
    return _short(next(iter(block), ""))


def _installs(blocks: Iterable[Block]) -> Iterator[JsonValue]:
    """Packages of ``install`` steps as "kind:package"; steps that run a script name none."""
    for value in _all(blocks, "install"):
        for step in value if isinstance(value, list) else []:
            if not isinstance(step, dict):
                continue
            for key in ("formula", "package", "module", "cask"):
                package = step.get(key)
                if isinstance(package, str):
                    yield [f"{step.get('kind', key)}:{package}"]


def _first(blocks: Iterable[Block], key: str, *, limit: int = MAX_ITEM_CHARACTERS) -> str:
    for stated in _all(blocks, key):
        text = stated.get("name") if isinstance(stated, dict) else stated
        if isinstance(text, str) and text.strip():
            return _short(text, limit)
    return ""


def _short(text: str, limit: int = MAX_ITEM_CHARACTERS) -> str:
    text = text.strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _links(blocks: Iterable[Block]) -> tuple[Link, ...]:
    links: dict[str, Link] = {}
    for block in blocks:
        for key in _LINK_KEYS:
            stated = block.get(key)
            url = stated.get("url") if isinstance(stated, dict) else stated
            if isinstance(url, str) and _is_web_address(url.strip()):
                links.setdefault(url.strip(), Link(key, url.strip()))
    return tuple(links.values())[:MAX_LIST_ITEMS]


def _is_web_address(text: str) -> bool:
    is_web = re.match(r"https?://[^\s<>\"'\\]+\Z", text, re.IGNORECASE) is not None
    return is_web and text.isprintable() and len(text) <= MAX_URL_CHARACTERS


def _visible(text: str) -> Iterator[str]:
    for character in text:
        if character.isspace():
            yield " "
        elif unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co"):
            yield character


def _first_paragraph(body: str) -> str:
    """The first run of prose lines; headings, lists of badges, code and comments are skipped."""
    lines: list[str] = []
    is_code = False
    for line in map(str.strip, body[:20_000].splitlines()):
        if line.startswith(("```", "~~~")):
            is_code = not is_code
            continue
        is_prose = line != "" and not is_code and not line.startswith(("#", "<", "|", "---", "==="))
        text = _plain(line) if is_prose else ""
        if text:
            lines.append(text)
        elif lines:
            break
    return " ".join(lines)


def _plain(line: str) -> str:
    """A line of Markdown without its marks; lengths are bounded so that time stays linear."""
    line = re.sub(r"!\[[^\]\n]{0,200}\]\([^)\n]{0,500}\)", "", line)
    line = re.sub(r"\[([^\]\n]{0,200})\]\([^)\n]{0,500}\)", r"\1", line)
    line = re.sub(r"^(?:[>*+-] *|\d{1,3}[.)] )+", "", line)
    line = re.sub(r"(?<!\w)_{1,3}(?=\S)|(?<=\S)_{1,3}(?!\w)", "", line)
    return re.sub(r"[*`]{1,3}(?=\S)|(?<=\S)[*`]{1,3}", "", line).strip()

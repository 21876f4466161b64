"""Reads the demo's skills from their folders. No database.

A folder holds the files of the latest version. `skill.toml` lists the versions, newest first, and
each says what it changed, so that the files of the one before can be told by going back:

    [[version]]
    number = "1.1.0"
    days_ago = 12.5
    changelog = "Checks itself."
    added = ["scripts/check.sh"]           # files that came with this version
    dropped = { "NOTES.md" = "text" }      # files that went with it, and what stood in them
    edits = [{ file = "SKILL.md", now = "a passage since this version", then = "before it" }]
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from config.errors import DomainError

ROOT: Final = Path(__file__).parent
CARD_NAME: Final = "skill.toml"
OWNERS_NAME: Final = "owners.toml"

Files = dict[str, bytes]


class ContentInvalid(DomainError):
    """A demo skill contradicts itself; the message names the folder."""

    code = "demo_content_invalid"


@dataclass(frozen=True)
class Edit:
    """A passage that a version changed: `then` before it, `now` since."""

    file: str
    now: str
    then: str


@dataclass(frozen=True)
class DemoVersion:
    """What `skill.toml` says of one version; the time since its publication is in days."""

    number: str
    days_ago: float
    changelog: str = ""
    tags: tuple[str, ...] = ()
    # What its scan found, where that is not what the skill's state implies.
    scan: str = ""
    withdrawn: bool = False
    added: tuple[str, ...] = ()
    dropped: Mapping[str, str] = field(default_factory=dict)
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True)
class Counts:
    """Totals as of the first start of the demo."""

    downloads: int = 0
    installs: int = 0
    current: int = 0
    stars: int = 0


@dataclass(frozen=True)
class DemoSkill:
    """A skill's folder and what its `skill.toml` says; `versions` are newest first."""

    folder: Path
    name: str
    categories: tuple[str, ...]
    versions: tuple[DemoVersion, ...]
    summary: str = ""
    topics: tuple[str, ...] = ()
    license: str = "MIT-0"
    # A key of `publishing.STATES`.
    state: str = "clean"
    counts: Counts = Counts()
    # Badge kind → the reason staff gave.
    badges: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()

    @property
    def owner(self) -> str:
        return self.folder.parent.name

    @property
    def slug(self) -> str:
        return self.folder.name

    @property
    def keys(self) -> frozenset[tuple[str, str, str]]:
        """Return (owner, slug, version) of each version."""
        return frozenset((self.owner, self.slug, version.number) for version in self.versions)


def read_owners(root: Path = ROOT) -> dict[str, str]:
    """Return the display name of each owner by handle."""
    return dict(tomllib.loads((root / OWNERS_NAME).read_text(encoding="utf-8")))


def read_skills(root: Path = ROOT) -> list[DemoSkill]:
    """Return all demo skills, by owner and slug. Raises `ContentInvalid`."""
    return [_read_skill(card.parent) for card in sorted(root.glob(f"*/*/{CARD_NAME}"))]


def history(skill: DemoSkill) -> Iterator[tuple[DemoVersion, Files]]:
    """Return each version with its files by path, oldest first. Raises `ContentInvalid`."""
    files = {
        path.relative_to(skill.folder).as_posix(): path.read_bytes()
        for path in sorted(skill.folder.rglob("*"))
        if path.is_file() and path.name != CARD_NAME and "__pycache__" not in path.parts
    }
    told = []
    for version in skill.versions:
        told.append((version, files))
        files = _before(skill, version, files)
    if files != told[-1][1]:
        raise ContentInvalid(
            f"{_named(skill.folder)}: its first version changes nothing before it."
        )
    return reversed(told)


def _read_skill(folder: Path) -> DemoSkill:
    try:
        card: dict[str, Any] = tomllib.loads((folder / CARD_NAME).read_text(encoding="utf-8"))
        versions = tuple(_version(entry) for entry in card.pop("version"))
        counts = Counts(**card.pop("counts", {}))
        return DemoSkill(folder=folder, versions=versions, counts=counts, **_frozen(card))
    except (KeyError, TypeError, ValueError) as error:
        raise ContentInvalid(f"{_named(folder)}/{CARD_NAME}: {error}") from error


def _version(entry: dict[str, Any]) -> DemoVersion:
    edits = tuple(Edit(**edit) for edit in entry.pop("edits", []))
    return DemoVersion(edits=edits, **_frozen(entry))


def _frozen(table: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}


def _before(skill: DemoSkill, version: DemoVersion, files: Files) -> Files:
    """Return the files as they were before `version` changed them."""
    for path in (*version.added, *(edit.file for edit in version.edits)):
        if path not in files:
            raise ContentInvalid(f"{_named(skill.folder)} {version.number}: no file {path}.")
    then = {path: content for path, content in files.items() if path not in version.added}
    for edit in version.edits:
        text = then[edit.file].decode()
        if text.count(edit.now) != 1:
            raise ContentInvalid(
                f"{_named(skill.folder)} {version.number}: “{edit.now[:60]}” stands"
                f" {text.count(edit.now)} times in {edit.file}, not once."
            )
        then[edit.file] = text.replace(edit.now, edit.then).encode()
    return then | {path: text.encode() for path, text in version.dropped.items()}


def _named(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"

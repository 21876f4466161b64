"""What two versions of a skill differ in: files, read up to a limit, and what they ask for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from skills.blobs import read_text
from skills.diff import (
    FILE_LIMIT_BYTES,
    TOTAL_LIMIT_BYTES,
    FileContent,
    FileDiff,
    diff_files,
)
from skills.models import SkillFile, SkillVersion
from skills.readme import codes

DOMAINS_SHOWN: Final = 30

_HOST: Final = re.compile(r"https?://([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)", re.IGNORECASE)


@dataclass(frozen=True)
class Comparison:
    """What two versions differ in, and what the newer one asks for that the older did not."""

    files: list[FileDiff]
    # The newer version's files by path, and the texts that were read, by hash.
    after: Mapping[str, SkillFile]
    texts: Mapping[str, str | None]
    side_effects: list[tuple[str, Any]]


def compare(old: SkillVersion, new: SkillVersion) -> Comparison:
    """Compare the files of two versions: one query, and what differs is read up to a limit."""
    rows = SkillFile.objects.filter(version__in=[old, new]).select_related("blob")
    before = {file.path: file for file in rows if file.version_id == old.pk}
    after = {file.path: file for file in rows if file.version_id == new.pk}
    texts, unread = _texts(before, after)
    files = [
        # Not "binary": nobody looked.
        replace(item, binary=False, too_large=True) if item.path in unread else item
        for item in diff_files(_contents(before, texts), _contents(after, texts))
    ]
    return Comparison(files, after, texts, _side_effects(old, new, before, after, texts))


def _texts(
    before: Mapping[str, SkillFile], after: Mapping[str, SkillFile]
) -> tuple[dict[str, str | None], set[str]]:
    """Return texts by hash of what differs, and the paths left unread because it got too much."""
    texts: dict[str, str | None] = {}
    unread: set[str] = set()
    left = TOTAL_LIMIT_BYTES
    for path in sorted({*before, *after}):
        sides = [side[path] for side in (before, after) if path in side]
        if len({side.blob_id for side in sides}) == 1 and len(sides) > 1:
            continue
        if any(side.blob.size_bytes > FILE_LIMIT_BYTES for side in sides):
            continue
        left -= sum(side.blob.size_bytes for side in sides)
        if left < 0:
            unread.add(path)
            continue
        for side in sides:
            texts[side.blob_id] = read_text(side.blob_id)
    return texts, unread


def _contents(
    files: Mapping[str, SkillFile], texts: Mapping[str, str | None]
) -> dict[str, FileContent]:
    return {
        path: FileContent(file.blob_id, file.blob.size_bytes, texts.get(file.blob_id))
        for path, file in files.items()
    }


def _side_effects(
    old: SkillVersion,
    new: SkillVersion,
    before: Mapping[str, SkillFile],
    after: Mapping[str, SkillFile],
    texts: Mapping[str, str | None],
) -> list[tuple[str, Any]]:
    """Return what the newer version declares or names that the older one did not."""
    hosts_before = _hosts(texts.get(file.blob_id) for file in before.values())
    hosts = sorted(_hosts(texts.get(file.blob_id) for file in after.values()) - hosts_before)
    found = [
        ("New env", _new(old, new, "env_vars", "optional_env_vars")),
        ("New programs", _new(old, new, "required_binaries", "any_binaries")),
        ("New packages", _new(old, new, "dependencies")),
        ("New hosts in changed files", hosts[:DOMAINS_SHOWN]),
    ]
    return [(label, codes(names)) for label, names in found if names]


def _new(old: SkillVersion, new: SkillVersion, *keys: str) -> list[str]:
    known = {name for key in keys for name in old.metadata.get(key, [])}
    named = [name for key in keys for name in new.metadata.get(key, [])]
    return [name for name in dict.fromkeys(named) if name not in known]


def _hosts(texts: Iterable[str | None]) -> set[str]:
    return {host.lower() for text in texts if text for host in _HOST.findall(text)}

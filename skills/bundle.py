"""The one way in for the files of a version: a folder, a ZIP or parts become a Bundle.

Nothing is written to disk and nothing is kept in memory but one file at a time; a Bundle
reads its content again from where it came from, so its source must stay open while it is used.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

from skills.archive import open_member, read_members
from skills.content_types import content_type_of, is_text_type
from skills.frontmatter import parse_skill_md
from skills.metadata import SkillMetadata, summary_of
from skills.paths import (
    MAX_BUNDLE_BYTES,
    MAX_ENTRIES,
    MAX_FILE_BYTES,
    MAX_FILES,
    BundleRefused,
    bundle_too_large,
    check_no_clash,
    check_path,
    file_too_large,
    is_junk,
    path_key,
    quoted,
    too_many_files,
)

__all__ = [
    "MAX_BUNDLE_BYTES",
    "MAX_FILES",
    "MAX_FILE_BYTES",
    "Bundle",
    "BundleFile",
    "BundleRefused",
    "read_folder",
    "read_parts",
    "read_zip",
]

_CHUNK_BYTES = 64 * 1024
# The order of preference, should a skill hold both.
_README_NAMES = ("skill.md", "skills.md")
_SKILL_CARD = "skill-card.md"
_IMPORT_RECORD = "_meta.json"

Opener = Callable[[], BinaryIO]
Entry = tuple[str, Opener]


@dataclass(frozen=True, slots=True)
class BundleFile:
    """One file to be published; ``sha256`` is lower-case hex of its raw bytes."""

    path: str
    size_bytes: int
    sha256: str
    content_type: str
    opener: Opener = field(repr=False, compare=False)

    @property
    def is_text(self) -> bool:
        """True where the content is valid UTF-8 without NUL and its type says text."""
        return is_text_type(self.content_type)

    def open(self) -> BinaryIO:
        """The content from its start; the caller closes it. Not for several threads at once."""
        return self.opener()


@dataclass(frozen=True, slots=True)
class Bundle:
    """The checked files of one version, by path in code-point order, and what SKILL.md says.

    ``readme`` is the whole text of SKILL.md, ``body`` the part below its front matter.
    ``warnings`` are sentences for the author; none of them stops a publish.
    """

    files: tuple[BundleFile, ...]
    readme_path: str
    readme: str
    body: str
    metadata: SkillMetadata
    warnings: tuple[str, ...]

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    @property
    def summary(self) -> str:
        """The line for lists when the author gives none; at most 300 characters."""
        return summary_of(self.metadata, self.body)


def read_folder(path: Path) -> Bundle:
    """The skill in a folder, without an import's ``_meta.json``.

    Symbolic links, devices and everything else that is no plain file are refused, never
    followed. Raises BundleRefused, FrontMatterRefused, and OSError where the disk fails.
    """
    if path.is_symlink():
        raise _link(path.name)
    return _assemble(_folder_entries(path), may_strip=False)


def read_zip(source: BinaryIO) -> Bundle:
    """The skill in a ZIP; a single folder around everything is taken off.

    The source must be seekable and stay open as long as the bundle's files are read. Raises
    BundleRefused and FrontMatterRefused.
    """
    entries = (
        (member.path, partial(open_member, source, member)) for member in read_members(source)
    )
    return _assemble(entries, may_strip=True)


def read_parts(parts: Iterable[tuple[str, BinaryIO]]) -> Bundle:
    """The skill in files sent one by one as (path, seekable stream); at most 1,000 are taken.

    A single folder around everything is taken off. The streams must stay open as long as the
    bundle's files are read. Raises BundleRefused and FrontMatterRefused.
    """
    entries = ((path, partial(_open_part, stream)) for path, stream in parts)
    return _assemble(entries, may_strip=True)


def _open_part(stream: BinaryIO) -> BinaryIO:
    # A copy, so that whoever closes it does not close the upload. One byte over the limit is
    # enough to be refused.
    stream.seek(0)
    return io.BytesIO(stream.read(MAX_FILE_BYTES + 1))


def _folder_entries(root: Path, prefix: str = "") -> Iterator[Entry]:
    """Plain files below the root; the depth is bounded by the check of each folder's path."""
    waiting = [(root, prefix)]
    entry_count = 0
    while waiting:
        folder, prefix = waiting.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                entry_count += 1
                if entry_count > MAX_ENTRIES:
                    raise too_many_files()
                path = prefix + entry.name
                if is_junk(path) or entry.name == "__MACOSX" or path == _IMPORT_RECORD:
                    continue
                mode = entry.stat(follow_symlinks=False).st_mode
                if stat.S_ISDIR(mode):
                    check_path(path)
                    waiting.append((Path(entry.path), path + "/"))
                elif stat.S_ISREG(mode):
                    yield path, partial(_open_plain, entry.path)
                else:
                    raise _link(path)


def _open_plain(path: str) -> BinaryIO:
    # Between the listing and this moment the file may have become a link or a pipe.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags), "rb")


def _assemble(entries: Iterable[Entry], *, may_strip: bool) -> Bundle:
    """All paths are judged before the first byte of content is read."""
    wanted: list[Entry] = []
    for path, opener in entries:
        if is_junk(path):
            continue
        check_path(path)
        if len(wanted) == MAX_FILES:
            raise too_many_files()
        wanted.append((path, opener))
    check_no_clash(path for path, _ in wanted)
    warnings: list[str] = []
    folder = _single_folder(wanted) if may_strip else ""
    if folder:
        wanted = [(path.removeprefix(folder), opener) for path, opener in wanted]
        warnings.append(f"The folder {quoted(folder[:-1])} around the skill was taken off.")
    readme_path = _readme_path([path for path, _ in wanted])
    _refuse_skill_card([path for path, _ in wanted])
    return _read(sorted(wanted, key=lambda entry: entry[0]), readme_path, warnings)


def _read(entries: list[Entry], readme_path: str, warnings: list[str]) -> Bundle:
    files: list[BundleFile] = []
    allowance = MAX_BUNDLE_BYTES
    readme = ""
    for path, opener in entries:
        file = _examined(path, opener, allowance)
        allowance -= file.size_bytes
        files.append(file)
        if path == readme_path:
            readme = _readme_text(file)
    front = parse_skill_md(readme)
    if front.warning is not None:
        warnings.append(front.warning)
    return Bundle(tuple(files), readme_path, readme, front.body, front.metadata, tuple(warnings))


def _examined(path: str, opener: Opener, allowance: int) -> BundleFile:
    """The file with its size, hash and type; stops reading at the first limit it passes."""
    size_bytes = 0
    digest = hashlib.sha256()
    text = _TextTest()
    with opener() as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            size_bytes += len(chunk)
            if size_bytes > MAX_FILE_BYTES:
                raise file_too_large(path)
            if size_bytes > allowance:
                raise bundle_too_large()
            digest.update(chunk)
            text.feed(chunk)
    content_type = content_type_of(path, is_utf8=text.holds())
    return BundleFile(path, size_bytes, digest.hexdigest(), content_type, opener)


class _TextTest:
    """Whether bytes that come in chunks are UTF-8 without NUL."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._is_text = True

    def feed(self, chunk: bytes, *, final: bool = False) -> None:
        if not self._is_text:
            return
        try:
            self._decoder.decode(chunk, final)
        except UnicodeDecodeError:
            self._is_text = False
        if b"\0" in chunk:
            self._is_text = False

    def holds(self) -> bool:
        """True if everything fed so far is whole text; a character cut at the end is not."""
        self.feed(b"", final=True)
        return self._is_text


def _single_folder(entries: list[Entry]) -> str:
    """The folder (with its slash) that holds everything and has SKILL.md directly in it."""
    paths = [path for path, _ in entries]
    if not paths or _find_readme(paths) is not None:
        return ""
    folder = paths[0].partition("/")[0] + "/"
    if not all(path.startswith(folder) for path in paths):
        return ""
    inside = [path.removeprefix(folder) for path in paths]
    return folder if _find_readme(inside) is not None else ""


def _find_readme(paths: list[str]) -> str | None:
    # Not casefold: it takes the long s and the Kelvin sign for letters of SKILL.md.
    by_name = {path.lower(): path for path in paths if path.isascii()}
    return next((by_name[name] for name in _README_NAMES if name in by_name), None)


def _readme_path(paths: list[str]) -> str:
    found = _find_readme(paths)
    if found is None:
        raise BundleRefused(
            "There is no SKILL.md at the top of the skill; add one that says what it does.",
            code="skill_md_missing",
        )
    return found


def _refuse_skill_card(paths: list[str]) -> None:
    for path in paths:
        if path_key(path) == _SKILL_CARD:
            raise BundleRefused(
                f"{quoted(path)} is written by the registry; remove it from the skill.",
                code="skill_card_forbidden",
            )


def _readme_text(file: BundleFile) -> str:
    with file.open() as stream:
        content = stream.read()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BundleRefused(
            f"{quoted(file.path)} is not UTF-8 text; save it as UTF-8 and send it again.",
            code="skill_md_not_utf8",
        ) from None
    if "\0" in text:
        raise BundleRefused(
            f"{quoted(file.path)} holds a NUL character; remove it and send it again.",
            code="skill_md_has_nul",
        )
    return text


def _link(path: str) -> BundleRefused:
    return BundleRefused(
        f"{quoted(path)} is a link or no plain file; put the file itself into the skill.",
        code="link_refused",
    )

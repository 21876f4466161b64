"""Which files a skill may hold: the limits, the path rules, and the intake's one refusal.

A path that passes here can be written below a folder on Linux, macOS and Windows without
leaving it, without meeting another file of the same skill, and without deceiving a reader.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from config.errors import DomainError

MAX_FILE_BYTES = 10 * 1024 * 1024
MAX_BUNDLE_BYTES = 50 * 1024 * 1024
MAX_FILES = 1_000
# Folders, and what a Mac adds beside each file, count here but are not published.
MAX_ENTRIES = 4_000

# The contract allows 500 characters. Paths stand under a btree index, where a key longer than
# about 2,700 bytes is an error, so 500 characters of four bytes each are too many.
MAX_PATH_CHARACTERS = 500
MAX_PATH_BYTES = 1_000
# No file system of a client can write a longer name.
MAX_SEGMENT_BYTES = 255
# The contract sets no depth. Published Java and TypeScript trees reach 9 to 12 folders.
MAX_PATH_DEPTH = 16
_SHOWN_CHARACTERS = 80

_DEVICE_NAMES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"]
)
# The second is the short name under which Windows also opens a .git folder.
_GIT_FOLDERS = frozenset([".git", "git~1"])
# Control, format (bidi and zero width), surrogate, line and paragraph separators.
_INVISIBLE_CATEGORIES = frozenset(["Cc", "Cf", "Cs", "Zl", "Zp"])


class BundleRefused(DomainError):
    """The files cannot become a version; the code names the rule, the message the way out."""

    code = "bundle_refused"

    def __init__(
        self, message: str, *, field: str | None = "files", code: str | None = None
    ) -> None:
        super().__init__(message, field=field, code=code)


def too_many_files() -> BundleRefused:
    """The refusal of a skill with more than `MAX_FILES` files."""
    return BundleRefused(
        f"The skill has more than {MAX_FILES:,} files; leave out what is not needed.",
        code="too_many_files",
    )


def file_too_large(path: str) -> BundleRefused:
    """The refusal of a file above `MAX_FILE_BYTES`."""
    return BundleRefused(
        f"{quoted(path)} is larger than 10 MB; make it smaller or leave it out.",
        code="file_too_large",
    )


def bundle_too_large() -> BundleRefused:
    """The refusal of files above `MAX_BUNDLE_BYTES` together."""
    return BundleRefused(
        "The files are larger than 50 MB together; leave out what is not needed.",
        code="bundle_too_large",
    )


def quoted(path: str) -> str:
    """The path in quotes for a message: cut where it is long, nothing a terminal obeys."""
    shown = path if len(path) <= _SHOWN_CHARACTERS else path[:_SHOWN_CHARACTERS] + "..."
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in shown) + '"'


def is_junk(path: str) -> bool:
    """True for what operating systems leave in archives; it is dropped without a word."""
    *folders, name = path.split("/")
    return "__MACOSX" in folders or name == ".DS_Store" or name.startswith("._")


def path_key(path: str) -> str:
    """Equal for two paths that some file system takes for the same file."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def check_path(path: str) -> None:
    """Refuse a path that is not plain, relative, visible and short; codes ``path_…``."""
    _check_length(path)
    fault = _fault_of(path)
    if fault is not None:
        raise BundleRefused(
            f"The path {quoted(path)} {fault}; rename the file and send it again.",
            code="path_unsafe",
        )


def check_no_clash(paths: Iterable[str]) -> None:
    """Refuse paths of which two would meet on some file system; linear in their length."""
    files: dict[str, str] = {}
    for path in paths:
        key = path_key(path)
        if key in files:
            raise _clash(files[key], path)
        files[key] = path
    for key, path in files.items():
        end = key.find("/")
        while end != -1:
            if key[:end] in files:
                raise _clash(files[key[:end]], path)
            end = key.find("/", end + 1)


def _clash(first: str, second: str) -> BundleRefused:
    return BundleRefused(
        f"{quoted(first)} and {quoted(second)} would be the same file on some systems; "
        "rename or remove one of them.",
        code="path_duplicate",
    )


def _check_length(path: str) -> None:
    too_long = len(path) > MAX_PATH_CHARACTERS
    if too_long or len(path.encode("utf-8", "surrogatepass")) > MAX_PATH_BYTES:
        raise BundleRefused(
            f"The path {quoted(path)} is longer than {MAX_PATH_CHARACTERS} characters or "
            f"{MAX_PATH_BYTES} bytes; shorten its folders or its name.",
            code="path_too_long",
        )
    if path.count("/") >= MAX_PATH_DEPTH:
        raise BundleRefused(
            f"The path {quoted(path)} has more than {MAX_PATH_DEPTH} parts; use fewer folders.",
            code="path_too_deep",
        )


def _fault_of(path: str) -> str | None:
    if any(unicodedata.category(c) in _INVISIBLE_CATEGORIES for c in path):
        return "has a character that cannot be seen or is not valid Unicode"
    if "\\" in path:
        return "has a backslash, and folders are separated by a slash"
    # On Windows "a.md:x" and "a.md::$DATA" write into a.md, and "C:" leaves the folder.
    if ":" in path:
        return "has a colon, which Windows reads as a drive or a hidden stream"
    for segment in path.split("/"):
        fault = _segment_fault(segment)
        if fault is not None:
            return fault
    return None


def _segment_fault(segment: str) -> str | None:
    if segment in ("", ".", ".."):
        return "is not relative to the skill's folder or has an empty, '.' or '..' part"
    if segment[-1] in ". ":
        return "has a part that ends in a dot or a space, which Windows removes"
    if len(segment.encode()) > MAX_SEGMENT_BYTES:
        return f"has a part longer than {MAX_SEGMENT_BYTES} bytes"
    folded = segment.casefold()
    if folded in _GIT_FOLDERS:
        return "lies in a .git folder, which is not part of a skill"
    if folded.split(".")[0].rstrip(" ") in _DEVICE_NAMES:
        return "has the name of a Windows device"
    return None

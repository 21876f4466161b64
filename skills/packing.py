"""Puts the files of bundles into the store, and the ZIP of each that downloads hand out."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from typing import BinaryIO, Final, Self, cast

from skills import blobs
from skills.archive import write_archive
from skills.bundle import Bundle, BundleFile

# An archive up to this size is built in memory, a larger one on disk.
SPOOL_BYTES: Final = 8 * 1024 * 1024


def store_with_archives(bundles: Sequence[Bundle]) -> list[str]:
    """Store the files of each bundle and the ZIP made of them; return the ZIPs' hashes."""
    with ExitStack() as spools:
        archives = [_archive(bundle, spools) for bundle in bundles]
        blobs.store([*(file for bundle in bundles for file in bundle.files), *archives])
    return [archive.sha256 for archive in archives]


def _archive(bundle: Bundle, spools: ExitStack) -> BundleFile:
    spool = spools.enter_context(tempfile.SpooledTemporaryFile(SPOOL_BYTES))  # noqa: SIM115
    out = cast("BinaryIO", spool)
    write_archive(bundle.files, out)
    size = out.tell()
    out.seek(0)
    sha256 = hashlib.file_digest(out, "sha256").hexdigest()  # type: ignore[arg-type]

    def reopen() -> BinaryIO:
        out.seek(0)
        return cast("BinaryIO", Borrowed(out))

    return BundleFile("", size, sha256, "application/zip", reopen)


class Borrowed:
    """Reads a file that is somebody else's to close."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
        self.seek = file.seek
        self.tell = file.tell

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def close(self) -> None:
        """Leave it open."""

"""A ZIP that is sent while it is written: nothing of it is held but what waits to be sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

PIECE: Final = 64 * 1024


class _Outlet:
    """Takes what the ZIP writes until it is sent; knows no position, so nothing is sought."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> int:
        """Keep what is written."""
        self._waiting.append(bytes(data))
        self._size += len(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: what waits is taken."""

    def close(self) -> None:
        """Do nothing: the last piece is taken afterwards."""

    def take(self, at_least: int = 1) -> Iterator[bytes]:
        """Yield what waits, once it is so much."""
        if self._size >= at_least:
            yield b"".join(self._waiting)
            self._waiting, self._size = [], 0


def zip_stream(files: Iterable[tuple[str, Iterable[bytes]]], now: datetime) -> Iterator[bytes]:
    """Yield a ZIP of these files, each read once and in its turn."""
    outlet = _Outlet()
    with ZipFile(outlet, "w", ZIP_DEFLATED) as archive:
        for name, pieces in files:
            told = ZipInfo(name, now.timetuple()[:6])
            told.compress_type = ZIP_DEFLATED
            # How long a file gets is not known before: it may pass 4 GiB.
            with archive.open(told, "w", force_zip64=True) as entry:
                for piece in pieces:
                    entry.write(piece)
                    yield from outlet.take(PIECE)
    yield from outlet.take()

"""The body of the older clients' publish: one text part and a part for each file (contract 7.1).

Django's own reading of a form keeps the last part of a file's name only, so two `Notes.md` in two
folders would become one. This one keeps the path, and the content of all files in one temporary
file; memory holds a piece at a time, and later one file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, cast

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from config.bodies import BodyRefused, BodyTooLarge, Readable
from config.errors import DomainError
from skills.packing import SPOOL_BYTES
from skills.paths import MAX_BUNDLE_BYTES, bundle_too_large, too_many_files

# The files, and what stands around a thousand of them.
MAX_BODY_BYTES: Final = MAX_BUNDLE_BYTES + 4 * 1024 * 1024
_FILES: Final = "files"
PAYLOAD: Final = "payload"


class PayloadMissing(DomainError):
    code = "payload_missing"


@dataclass(frozen=True)
class Form:
    """What was sent: the payload's text, and the files as `skills.bundle.read_parts` takes them."""

    payload: str
    parts: list[tuple[str, BinaryIO]]


@contextmanager
def read_form(meta: dict[str, Any], body: Readable) -> Iterator[Form]:
    """Read the form; its parts stay open until the block ends.

    Raises `BodyTooLarge` before the first byte is read, `BundleRefused` at the first file too many,
    `BodyRefused` for what is no form or was cut off, `PayloadMissing`.
    """
    length = declared_length(meta)
    if length > MAX_BODY_BYTES:
        raise BodyTooLarge(bundle_too_large().message)
    with tempfile.SpooledTemporaryFile(SPOOL_BYTES) as spool:
        files = _Files(cast("BinaryIO", spool))
        counted = _Counted(body)
        try:
            fields, _none = _Parser(meta, cast("Any", counted), [files]).parse()
        except TooManyFilesSent:
            raise too_many_files() from None
        except (TooManyFieldsSent, RequestDataTooBig):
            raise BodyTooLarge("Everything beside the files is at most 2 MB.") from None
        except MultiPartParserError:
            raise BodyRefused("The body is no form that can be read; update your client.") from None
        if counted.count < length:
            raise BodyRefused("The upload was cut off; send it again.")
        if PAYLOAD not in fields:
            raise PayloadMissing("The part “payload” is missing; update your client.")
        yield Form(str(fields[PAYLOAD]), files.parts)


def declared_length(meta: dict[str, Any]) -> int:
    """Return how many bytes a request says it has; 0 where it says no number."""
    text = str(meta.get("CONTENT_LENGTH") or "0")
    return int(text) if text.isascii() and text.isdecimal() else 0


class _Parser(MultiPartParser):
    """Leaves a file's name as it was sent; the intake judges it."""

    def sanitize_file_name(self, file_name: str) -> str:
        return file_name


@dataclass
class _Counted:
    body: Readable
    count: int = 0

    def read(self, size: int = -1) -> bytes:
        piece = self.body.read(size)
        self.count += len(piece)
        return piece


class _Files(FileUploadHandler):
    """Puts one file behind the other and remembers where each lies."""

    def __init__(self, spool: BinaryIO) -> None:
        super().__init__()
        self.spool = spool
        self.parts: list[tuple[str, BinaryIO]] = []

    def new_file(self, field_name: str, file_name: str, *args: Any, **kwargs: Any) -> None:
        super().new_file(field_name, file_name, *args, **kwargs)
        if field_name != _FILES:
            raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002
        self.spool.write(raw_data)

    def file_complete(self, file_size: int) -> None:
        begin = self.spool.tell() - file_size
        assert self.file_name is not None  # noqa: S101 - `new_file` gave it.
        self.parts.append((self.file_name, cast("BinaryIO", _Slice(self.spool, begin, file_size))))


@dataclass
class _Slice:
    """A part of a file that is read like a file of its own."""

    spool: BinaryIO
    begin: int
    size: int
    position: int = field(default=0)

    def seek(self, offset: int) -> int:
        self.position = offset
        return offset

    def read(self, size: int) -> bytes:
        self.spool.seek(self.begin + self.position)
        piece = self.spool.read(min(size, self.size - self.position))
        self.position += len(piece)
        return piece

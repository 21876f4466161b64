"""Encoded payloads: base64, hexadecimal and URL escapes in a text, decoded layer by layer.

Everything is bounded: how long a candidate may be, how many are tried, how much may come out and
how deep it goes. A file that holds more than that says so with a finding of its own.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

MAX_DEPTH: Final = 4
MAX_CANDIDATES: Final = 50_000
MAX_PAYLOADS: Final = 5_000
MAX_CANDIDATE_CHARACTERS: Final = 256 * 1024
MAX_DECODED_BYTES: Final = 1024 * 1024

_SHORTEST_TEXT: Final = 8
_PRINTABLE_SHARE: Final = 0.95
_PRINTABLE: Final = frozenset(b"\t\n\r") | frozenset(range(0x20, 0x7F))
_JUDGED_BYTES: Final = 2_048
_MEANINGFUL: Final = re.compile(rb"[a-zA-Z]{2}")

_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{20,}+(?:\r?\n[A-Za-z0-9+/_-]{20,}+)*+={0,2}")
_HEX: Final = re.compile(rb"(?:\\x[0-9A-Fa-f]{2}){8,}+|(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}){16,}+")
_URL: Final = re.compile(rb"(?:%[0-9A-Fa-f]{2}[A-Za-z0-9._~/:-]{0,80}){8,}+")


class Payload(NamedTuple):
    """Something decoded; `offset` is where it stands in the outermost text."""

    offset: int
    encoding: str
    content: bytes


class TooMuchEncoded(Exception):
    """More encoded text than is looked into; the rest was not read."""


class _Budget:
    def __init__(self) -> None:
        self.candidates = MAX_CANDIDATES
        self.payloads = MAX_PAYLOADS
        self.decoded_bytes = MAX_DECODED_BYTES

    def spend_candidate(self) -> None:
        self.candidates -= 1
        if self.candidates < 0:
            raise TooMuchEncoded

    def spend_payload(self, size_bytes: int) -> None:
        self.payloads -= 1
        self.decoded_bytes -= size_bytes
        if self.payloads < 0 or self.decoded_bytes < 0:
            raise TooMuchEncoded


def payloads(content: bytes) -> Iterator[Payload]:
    """Yield every text or program hidden in `content`, nested ones too; raises `TooMuchEncoded`."""
    budget = _Budget()
    waiting = [(Payload(0, "", content), MAX_DEPTH)]
    while waiting:
        outer, depth = waiting.pop()
        for found in _layer(outer.content, budget):
            offset = outer.offset if outer.encoding else found.offset
            encoding = f"{outer.encoding}, {found.encoding}" if outer.encoding else found.encoding
            inner = Payload(offset, encoding, found.content)
            yield inner
            if depth > 1:
                waiting.append((inner, depth - 1))


def program_kind(content: bytes) -> str | None:
    """Return what kind of program these bytes begin, or None."""
    return next((kind for magic, kind in _PROGRAMS if content.startswith(magic)), None)


_PROGRAMS: Final = (
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a Linux program"),
    (b"\xcf\xfa\xed\xfe", "a macOS program"),
    (b"\xce\xfa\xed\xfe", "a macOS program"),
    (b"\xca\xfe\xba\xbe", "a macOS or Java program"),
    (b"dex\n", "an Android program"),
    (b"\x00asm", "a WebAssembly program"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "a Windows shortcut"),
)


def _layer(content: bytes, budget: _Budget) -> Iterator[Payload]:
    for pattern, encoding, decode in _ENCODINGS:
        for candidate in pattern.finditer(content):
            decoded = decode(candidate.group()[:MAX_CANDIDATE_CHARACTERS])
            budget.spend_candidate()
            for name, plain in ((encoding, decoded), *_unpacked(encoding, decoded)):
                if _is_telling(plain):
                    budget.spend_payload(len(plain))
                    yield Payload(candidate.start(), name, plain)


def _unpacked(encoding: str, packed: bytes) -> Iterator[tuple[str, bytes]]:
    """The content of what gzip or zlib packed, as far as it fits."""
    if not packed.startswith((b"\x1f\x8b", b"\x78\x01", b"\x78\x9c", b"\x78\xda")):
        return
    # 32 recognises both headers. The limit stops a bomb at its first 256 KB.
    machine = zlib.decompressobj(wbits=32 + zlib.MAX_WBITS)
    try:
        yield f"{encoding}, compressed", machine.decompress(packed, MAX_CANDIDATE_CHARACTERS)
    except zlib.error:
        return


def _is_telling(decoded: bytes) -> bool:
    """Say whether the bytes are text that says something, or a program."""
    if program_kind(decoded) and len(decoded) > len(b"MZ") * 32:
        return True
    part = decoded[:_JUDGED_BYTES]
    if len(part) < _SHORTEST_TEXT or not _MEANINGFUL.search(part):
        return False
    printable = sum(byte in _PRINTABLE for byte in part)
    return printable >= _PRINTABLE_SHARE * len(part)


def _from_base64(candidate: bytes) -> bytes:
    compact = candidate.translate(bytes.maketrans(b"-_", b"+/"), b"\r\n=")
    # A wrong length is cut, not refused: the text around may have lent it a letter.
    whole = compact[: len(compact) - (len(compact) % 4 == 1)]
    try:
        plain = base64.b64decode(whole + b"=" * (-len(whole) % 4))
    except binascii.Error:
        return b""
    # PowerShell encodes UTF-16; without its zero bytes it is the text.
    is_wide = plain[1::2].count(0) > len(plain) // 3 and program_kind(plain) is None
    return plain.replace(b"\0", b"") if is_wide else plain


def _from_hex(candidate: bytes) -> bytes:
    digits = candidate.replace(b"\\x", b"")
    return bytes.fromhex(digits[: len(digits) // 2 * 2].decode("ascii"))


_ENCODINGS: Final[tuple[tuple[re.Pattern[bytes], str, Callable[[bytes], bytes]], ...]] = (
    (_BASE64, "base64", _from_base64),
    (_HEX, "hexadecimal", _from_hex),
    (_URL, "URL escapes", unquote_to_bytes),
)

"""ZIP files at the door: reads hostile ones without trust, writes ours byte for byte the same.

The reader does its own parsing. The standard library is lenient (it takes the central
directory's word, skips what lies between records and lets entries share bytes), and whatever
two readers understand differently can show a reviewer one skill and an installer another.
So every byte of an accepted archive belongs to exactly one record, and the two descriptions
of each entry agree.
"""

from __future__ import annotations

import io
import stat
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO, Protocol

from skills.paths import (
    MAX_BUNDLE_BYTES,
    MAX_ENTRIES,
    MAX_FILE_BYTES,
    BundleRefused,
    bundle_too_large,
    check_path,
    file_too_large,
    is_junk,
    quoted,
)

# A bomb is told by its ratio; small files of one repeated line are not bombs.
MAX_RATIO = 50
RATIO_FLOOR_BYTES = 256 * 1024
# Headers of every entry, on top of the files themselves.
MAX_ARCHIVE_BYTES = MAX_BUNDLE_BYTES + 8 * 1024 * 1024
MAX_DIRECTORY_BYTES = 4 * 1024 * 1024

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_LOCAL_SIGNATURE, _CENTRAL_SIGNATURE, _END_SIGNATURE = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
# What may follow an entry written as a stream, by length: without and with the optional
# signature, with sizes of four or of eight bytes.
_DESCRIPTORS = {
    12: struct.Struct("<3L"),
    16: struct.Struct("<4s3L"),
    20: struct.Struct("<LQQ"),
    24: struct.Struct("<4sLQQ"),
}
_STORED, _DEFLATED = 0, 8
_FLAG_STREAMED, _FLAG_PATCH, _FLAG_UTF8 = 0x08, 0x20, 0x800
_FLAGS_ENCRYPTED = 0x01 | 0x40 | 0x2000
_FLAGS_COMPARED = _FLAGS_ENCRYPTED | _FLAG_STREAMED | _FLAG_PATCH | _FLAG_UTF8
# A field that is full says that its value stands in a ZIP64 record.
_IN_ZIP64, _COUNT_IN_ZIP64 = 0xFFFFFFFF, 0xFFFF
_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Member:
    """One entry whose two descriptions agree; its content has not been read yet."""

    path: str
    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed_bytes: int
    size_bytes: int
    header_offset: int
    data_offset: int = 0

    @property
    def is_folder(self) -> bool:
        return self.path.endswith("/")


class PackableFile(Protocol):
    """What the writer needs of a file."""

    @property
    def path(self) -> str: ...

    def open(self) -> BinaryIO: ...


def read_members(source: BinaryIO) -> tuple[Member, ...]:
    """The files of a ZIP in the order of its directory, folders left out; nothing is inflated.

    Refuses (BundleRefused, codes ``archive_…`` and ``link_refused``) every archive that hides
    bytes, contradicts itself, holds links or claims more than the limits. The paths of files
    are not judged here. Reads the directory and one header per entry.
    """
    directory, directory_offset, count = _read_directory(source)
    members = _parse_directory(directory, count)
    _check_claims(members)
    located = _locate(source, members, directory_offset)
    return tuple(member for member in located if not member.is_folder)


def open_member(source: BinaryIO, member: Member) -> BinaryIO:
    """The content of one entry in memory; never more than its claimed size, which was checked.

    Moves the position of the source. Refuses content that differs from its claims.
    """
    source.seek(member.data_offset)
    if member.method == _STORED:
        content = source.read(member.packed_bytes)
    else:
        content = _inflate(source, member)
    if len(content) != member.size_bytes or zlib.crc32(content) != member.crc:
        raise _corrupt(member)
    return io.BytesIO(content)


def write_archive(files: Iterable[PackableFile], out: BinaryIO) -> None:
    """Write the canonical ZIP: sorted paths, fixed time, mode and compression, nothing added.

    The same files give the same bytes, whatever their order. Holds one file at a time; ``out``
    need not be seekable. Paths must be distinct.
    """
    directory = bytearray()
    offset = 0
    count = 0
    for file in sorted(files, key=lambda file: file.path.encode()):
        crc, size_bytes, packed = _deflate(file)
        name = file.path.encode()
        flags = 0 if name.isascii() else _FLAG_UTF8
        # Time 0 and date 0x21 are 1980-01-01 00:00, the first moment a ZIP can name.
        shared = (20, flags, _DEFLATED, 0, 0x21, crc, len(packed), size_bytes, len(name), 0)
        out.write(_LOCAL.pack(_LOCAL_SIGNATURE, *shared))
        out.write(name)
        out.write(packed)
        mode = (stat.S_IFREG | 0o644) << 16
        made_by_unix = 3 << 8 | 20
        directory += _CENTRAL.pack(_CENTRAL_SIGNATURE, made_by_unix, *shared, 0, 0, 0, mode, offset)
        directory += name
        offset += _LOCAL.size + len(name) + len(packed)
        count += 1
    out.write(directory)
    out.write(_END.pack(_END_SIGNATURE, 0, 0, count, count, len(directory), offset, 0))


def _deflate(file: PackableFile) -> tuple[int, int, bytes]:
    compressor = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    crc, size_bytes, packed = 0, 0, bytearray()
    with file.open() as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            crc = zlib.crc32(chunk, crc)
            size_bytes += len(chunk)
            packed += compressor.compress(chunk)
    packed += compressor.flush()
    return crc, size_bytes, bytes(packed)


def _read_directory(source: BinaryIO) -> tuple[bytes, int, int]:
    """The central directory, its offset and its number of entries."""
    archive_bytes = source.seek(0, io.SEEK_END)
    if archive_bytes > MAX_ARCHIVE_BYTES:
        raise BundleRefused(
            "The archive is larger than a skill may be (50 MB); leave out what is not needed.",
            code="bundle_too_large",
        )
    tail_offset = max(0, archive_bytes - _END.size - 0xFFFF)
    source.seek(tail_offset)
    tail = source.read()
    found = tail.rfind(_END_SIGNATURE)
    if found == -1 or found + _END.size > len(tail):
        raise _invalid("is not a complete ZIP archive")
    _, disk, first_disk, here, count, size, offset, comment_bytes = _END.unpack_from(tail, found)
    end_offset = tail_offset + found
    if end_offset + _END.size + comment_bytes != archive_bytes:
        raise _foreign_bytes()
    if count == _COUNT_IN_ZIP64 or _IN_ZIP64 in (size, offset):
        raise _invalid("uses the ZIP64 format, which a skill never needs")
    if disk or first_disk or here != count:
        raise BundleRefused(
            "The archive is one part of several; pack the skill into a single ZIP file.",
            code="archive_multi_disk",
        )
    if count > MAX_ENTRIES or size > MAX_DIRECTORY_BYTES:
        raise BundleRefused(
            f"The archive has more than {MAX_ENTRIES:,} entries; leave out what is not needed.",
            code="too_many_files",
        )
    if offset + size != end_offset:
        raise _foreign_bytes()
    source.seek(offset)
    return source.read(size), offset, count


def _parse_directory(directory: bytes, count: int) -> list[Member]:
    members: list[Member] = []
    position = 0
    for _ in range(count):
        if position + _CENTRAL.size > len(directory):
            raise _invalid("has a directory that ends too early")
        fields = _CENTRAL.unpack_from(directory, position)
        name_end = position + _CENTRAL.size + fields[10]
        if fields[0] != _CENTRAL_SIGNATURE or name_end > len(directory):
            raise _invalid("has a damaged directory")
        members.append(_member(fields, directory[position + _CENTRAL.size : name_end]))
        position = name_end + fields[11] + fields[12]
    if position != len(directory):
        raise _foreign_bytes()
    return members


def _member(fields: tuple[int, ...], raw_name: bytes) -> Member:
    flags, method, crc, packed_bytes, size_bytes = fields[3], fields[4], *fields[7:10]
    disk, mode, offset = fields[13], fields[15] >> 16, fields[16]
    try:
        path = raw_name.decode()
    except UnicodeDecodeError:
        raise BundleRefused(
            "The archive has a file name that is not UTF-8; pack it again with another tool.",
            code="path_unsafe",
        ) from None
    if flags & _FLAGS_ENCRYPTED:
        raise BundleRefused(
            f"{quoted(path)} is encrypted; pack the skill again without a password.",
            code="archive_encrypted",
        )
    if method not in (_STORED, _DEFLATED) or flags & _FLAG_PATCH:
        raise BundleRefused(
            f"{quoted(path)} is packed with an unusual method; pack the skill with plain ZIP.",
            code="archive_method",
        )
    if disk or _IN_ZIP64 in (packed_bytes, size_bytes, offset):
        raise _invalid("has an entry outside itself or in the ZIP64 format")
    member = Member(path, raw_name, flags, method, crc, packed_bytes, size_bytes, offset)
    _check_mode(member, mode)
    return member


def _check_mode(member: Member, mode: int) -> None:
    """Only plain files and folders; the kind of a folder must fit its name."""
    kind = stat.S_IFMT(mode)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise BundleRefused(
            f"{quoted(member.path)} is a link or a device; put the file itself into the archive.",
            code="link_refused",
        )
    if member.is_folder:
        check_path(member.path[:-1])
    is_dir_mode, is_file_mode = kind == stat.S_IFDIR, kind == stat.S_IFREG
    if member.is_folder and (member.size_bytes or is_file_mode):
        raise _invalid(f"has a folder {quoted(member.path)} with content")
    if not member.is_folder and is_dir_mode:
        raise _invalid(f"has a file {quoted(member.path)} marked as a folder")


def _check_claims(members: Sequence[Member]) -> None:
    """Refuse by the claimed sizes, before anything is inflated; reading holds them to these."""
    total_bytes = 0
    for member in members:
        if is_junk(member.path):
            continue
        total_bytes += member.size_bytes
        if member.size_bytes > MAX_FILE_BYTES:
            raise file_too_large(member.path)
        if member.size_bytes > max(RATIO_FLOOR_BYTES, MAX_RATIO * member.packed_bytes):
            raise BundleRefused(
                f"{quoted(member.path)} unpacks to more than {MAX_RATIO} times its packed size; "
                "send it packed with the method 'store', or leave it out.",
                code="archive_ratio",
            )
        if total_bytes > MAX_BUNDLE_BYTES:
            raise bundle_too_large()


def _locate(source: BinaryIO, members: Sequence[Member], directory_offset: int) -> list[Member]:
    """Each member with the offset of its content; together they tile the archive exactly."""
    by_offset = sorted(members, key=lambda member: member.header_offset)
    starts = [member.header_offset for member in by_offset] + [directory_offset]
    if starts[0] != 0:
        raise _foreign_bytes()
    data_offsets: dict[int, int] = {}
    for member, next_start in zip(by_offset, starts[1:], strict=True):
        data_offset = _check_local_header(source, member)
        spare = next_start - (data_offset + member.packed_bytes)
        if spare < 0:
            raise BundleRefused(
                f"{quoted(member.path)} shares bytes with another entry; pack the skill again.",
                code="archive_overlap",
            )
        _check_spare(source, member, next_start - spare, spare)
        data_offsets[member.header_offset] = data_offset
    return [replace(m, data_offset=data_offsets[m.header_offset]) for m in members]


def _check_local_header(source: BinaryIO, member: Member) -> int:
    """The offset of the content, once the header in front of it says what the directory says."""
    source.seek(member.header_offset)
    header = source.read(_LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(_LOCAL_SIGNATURE):
        raise _mismatch(member)
    fields = _LOCAL.unpack(header)
    flags, method, claims, name_bytes, extra_bytes = fields[2], fields[3], fields[6:9], *fields[9:]
    expected = (member.crc, member.packed_bytes, member.size_bytes)
    if member.flags & _FLAG_STREAMED:
        claims_agree = all(
            claim in (0, value) for claim, value in zip(claims, expected, strict=True)
        )
    else:
        claims_agree = claims == expected
    flags_agree = (flags ^ member.flags) & _FLAGS_COMPARED == 0
    name_agrees = source.read(name_bytes) == member.raw_name
    if not (claims_agree and flags_agree and name_agrees and method == member.method):
        raise _mismatch(member)
    return int(member.header_offset + _LOCAL.size + name_bytes + extra_bytes)


def _check_spare(source: BinaryIO, member: Member, offset: int, spare: int) -> None:
    """What follows the content is nothing, or the descriptor of a streamed entry."""
    if not member.flags & _FLAG_STREAMED:
        if spare:
            raise _foreign_bytes()
        return
    descriptor = _DESCRIPTORS.get(spare)
    if descriptor is None:
        raise _foreign_bytes()
    source.seek(offset)
    claims = descriptor.unpack(source.read(spare))[-3:]
    if claims != (member.crc, member.packed_bytes, member.size_bytes):
        raise _mismatch(member)


def _inflate(source: BinaryIO, member: Member) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    content = bytearray()
    remaining = member.packed_bytes
    try:
        while remaining and not inflater.eof:
            chunk = source.read(min(_CHUNK_BYTES, remaining))
            if not chunk:
                raise _corrupt(member)
            remaining -= len(chunk)
            while chunk:
                # One byte more than claimed shows a lie; a length of 0 would mean no bound.
                content += inflater.decompress(chunk, member.size_bytes + 1 - len(content))
                chunk = inflater.unconsumed_tail
                if len(content) > member.size_bytes:
                    raise _corrupt(member)
    except zlib.error:
        raise _corrupt(member) from None
    if not inflater.eof or inflater.unused_data or remaining:
        raise _corrupt(member)
    return bytes(content)


def _invalid(fault: str) -> BundleRefused:
    return BundleRefused(
        f"The upload {fault}; pack the skill again with an ordinary ZIP tool.",
        code="archive_invalid",
    )


def _foreign_bytes() -> BundleRefused:
    return BundleRefused(
        "The archive has bytes before, between or after its files that belong to none of them; "
        "pack the skill again.",
        code="archive_trailing_data",
    )


def _mismatch(member: Member) -> BundleRefused:
    return BundleRefused(
        f"The archive describes {quoted(member.path)} in two ways that differ; pack it again.",
        code="archive_header_mismatch",
    )


def _corrupt(member: Member) -> BundleRefused:
    return BundleRefused(
        f"{quoted(member.path)} does not unpack to what the archive says; pack the skill again.",
        code="archive_corrupt",
    )

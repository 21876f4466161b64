import contextlib
import io
import random
import stat
import struct
import tracemalloc
import zipfile
import zlib
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skills.archive import open_member, read_members, write_archive
from skills.bundle import BundleRefused, read_parts, read_zip
from tests.timing import timed

README = b"# Demo\n"


@dataclass
class Entry:
    """One entry of a hand-made archive; what is set to a value lies about the content."""

    name: bytes
    content: bytes = b"x"
    method: int = 8
    flags: int = 0
    mode: int = stat.S_IFREG | 0o644
    local_name: bytes | None = None
    local_method: int | None = None
    local_crc: int | None = None
    crc: int | None = None
    size: int | None = None
    packed: bytes | None = None
    packed_size: int | None = None
    offset: int | None = None
    disk: int = 0
    after: bytes = b""
    local_extra: bytes = b""
    central_extra: bytes = b""

    def body(self):
        if self.packed is not None:
            return self.packed
        if self.method != 8:
            return self.content
        squeeze = zlib.compressobj(6, zlib.DEFLATED, -15)
        return squeeze.compress(self.content) + squeeze.flush()


def build(*entries, before=b"", after=b"", comment=b"", between=b"", **end):
    """A ZIP byte by byte, after the entries' wishes."""
    out = bytearray(before)
    central = bytearray()
    for e in entries:
        body = e.body()
        crc = zlib.crc32(e.content) if e.crc is None else e.crc
        size = len(e.content) if e.size is None else e.size
        packed_size = len(body) if e.packed_size is None else e.packed_size
        offset = len(out) if e.offset is None else e.offset
        local_name = e.name if e.local_name is None else e.local_name
        streamed = bool(e.flags & 8)
        claims = (
            (0, 0, 0)
            if streamed
            else (crc if e.local_crc is None else e.local_crc, packed_size, size)
        )
        method = e.method if e.local_method is None else e.local_method
        out += struct.pack(
            "<4s5H3L2H",
            b"PK\3\4",
            20,
            e.flags,
            method,
            0,
            33,
            *claims,
            len(local_name),
            len(e.local_extra),
        )
        out += local_name + e.local_extra + body + e.after
        central += struct.pack(
            "<4s6H3L5H2L",
            *(b"PK\1\2", 788, 20, e.flags, e.method, 0, 33, crc, packed_size, size),
            *(len(e.name), len(e.central_extra), 0, e.disk, 0, e.mode << 16, offset),
        )
        central += e.name + e.central_extra
    out += between
    count = end.get("count", len(entries))
    offset = end.get("directory_offset", len(out))
    out += central
    out += struct.pack(
        "<4s4H2LH",
        *(b"PK\5\6", end.get("end_disk", 0), 0, end.get("here", count), count),
        *(end.get("directory_size", len(central)), offset, len(comment)),
    )
    return io.BytesIO(bytes(out) + comment + after)


def descriptor(content, packed, *, signature=b"PK\7\x08", layout="<3L"):
    return signature + struct.pack(layout, zlib.crc32(content), len(packed), len(content))


def refusal(source):
    with pytest.raises(BundleRefused) as caught:
        read_zip(source)
    assert caught.value.message.endswith(".")
    return caught.value.code


SKILL = Entry(b"SKILL.md", README)
X = Entry(b"x", b"hello")
STREAMED = Entry(b"x", b"hello", flags=8)


def test_hand_made_archive_is_read():
    assert [file.path for file in read_zip(build(SKILL, X)).files] == ["SKILL.md", "x"]


@pytest.mark.parametrize("method", [0, 8])
@pytest.mark.parametrize("signature", [b"PK\7\x08", b""])
@pytest.mark.parametrize("layout", ["<3L", "<LQQ"])
def test_streamed_entry_is_read(method, signature, layout):
    entry = Entry(b"x", b"hello", method=method, flags=8)
    entry.after = descriptor(b"hello", entry.body(), signature=signature, layout=layout)

    assert read_zip(build(SKILL, entry)).files[1].open().read() == b"hello"


def test_comment_and_extra_fields_are_read_over():
    entry = Entry(b"x", local_extra=b"UT\4\0abcd", central_extra=b"UT\2\0ab")

    assert len(read_zip(build(SKILL, entry, comment=b"0a1b2c")).files) == 2


@pytest.mark.parametrize("unseekable", [False, True])
def test_archive_of_the_standard_library_is_read(unseekable):
    out = io.BytesIO()
    target = Unseekable(out) if unseekable else out
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("docs")
        archive.writestr("SKILL.md", README)
        archive.writestr("docs/ü.md", "ü")

    assert [file.path for file in read_zip(out).files] == ["SKILL.md", "docs/ü.md"]


@pytest.mark.parametrize(
    ("code", "source"),
    [
        ("archive_invalid", io.BytesIO()),
        ("archive_invalid", io.BytesIO(b"not a zip")),
        ("archive_invalid", io.BytesIO(b"PK\5\6")),
        ("skill_md_missing", build()),
        ("archive_trailing_data", build(SKILL, before=b"#!/bin/sh\n")),
        ("archive_trailing_data", build(SKILL, before=b"MZ", directory_offset=2)),
        ("archive_trailing_data", build(SKILL, after=b"tail")),
        ("archive_trailing_data", build(SKILL, between=b"gap")),
        ("archive_trailing_data", build(SKILL, Entry(b"x", after=b"hidden"))),
        ("archive_trailing_data", build(SKILL, X, count=1)),
        ("archive_trailing_data", build(SKILL, comment=build(X).getvalue())),
        ("archive_invalid", build(SKILL, count=2)),
        ("archive_invalid", build(SKILL, count=0xFFFF)),
        ("archive_invalid", build(SKILL, directory_offset=0xFFFFFFFF)),
        ("too_many_files", build(SKILL, count=5000)),
        ("archive_multi_disk", build(SKILL, here=0)),
        ("archive_multi_disk", build(SKILL, end_disk=1)),
        ("archive_invalid", build(SKILL, Entry(b"x", disk=1))),
        ("archive_encrypted", build(SKILL, Entry(b"x", flags=1))),
        ("archive_encrypted", build(SKILL, Entry(b"x", flags=0x41))),
        ("archive_encrypted", build(SKILL, Entry(b"x", flags=0x2000))),
        ("archive_method", build(SKILL, Entry(b"x", method=12))),
        ("archive_method", build(SKILL, Entry(b"x", method=93))),
        ("archive_method", build(SKILL, Entry(b"x", flags=0x20))),
        ("link_refused", build(SKILL, Entry(b"x", b"/etc/passwd", mode=stat.S_IFLNK | 0o777))),
        ("link_refused", build(SKILL, Entry(b"x", mode=stat.S_IFCHR))),
        ("link_refused", build(SKILL, Entry(b"x", mode=stat.S_IFIFO))),
        ("archive_invalid", build(SKILL, Entry(b"x", mode=stat.S_IFDIR))),
        ("archive_invalid", build(SKILL, Entry(b"x/", b"content", mode=0))),
        ("path_unsafe", build(SKILL, Entry(b"../", b"", mode=stat.S_IFDIR))),
        ("path_unsafe", build(SKILL, Entry(b"../x"))),
        ("path_unsafe", build(SKILL, Entry(b"a\0.md"))),
        ("path_unsafe", build(SKILL, Entry(b"\xff.md"))),
        ("path_unsafe", build(SKILL, Entry(b"\xed\xa0\x80.md"))),
        ("path_duplicate", build(SKILL, X, X)),
        ("path_duplicate", build(SKILL, Entry(b"skill.md"))),
        ("archive_header_mismatch", build(SKILL, Entry(b"x", local_name=b"y"))),
        ("archive_header_mismatch", build(SKILL, Entry(b"x", local_method=0))),
        ("archive_header_mismatch", build(SKILL, Entry(b"x", local_crc=1))),
        ("archive_overlap", build(SKILL, Entry(b"y", offset=0, local_name=b"SKILL.md"))),
        ("archive_overlap", build(SKILL, Entry(b"x", offset=9))),
        ("archive_overlap", build(SKILL, Entry(b"x", packed_size=900))),
        ("archive_trailing_data", build(SKILL, STREAMED)),
        ("archive_corrupt", build(SKILL, Entry(b"x", crc=1))),
        ("archive_corrupt", build(SKILL, Entry(b"x", b"hello", size=4))),
        ("archive_corrupt", build(SKILL, Entry(b"x", b"hello", size=6))),
        ("archive_corrupt", build(SKILL, Entry(b"x", b"hello", method=0, size=6))),
        ("archive_corrupt", build(SKILL, Entry(b"x", packed=b"\xff\xff"))),
        ("archive_corrupt", build(SKILL, Entry(b"x", b"hello", packed=X.body() + b"hidden"))),
        ("archive_corrupt", build(SKILL, Entry(b"x", b"hello", packed=X.body()[:-1]))),
        ("archive_corrupt", build(SKILL, Entry(b"x", packed=b""))),
    ],
)
def test_hostile_archive_is_refused(code, source):
    assert refusal(source) == code


def test_descriptor_that_contradicts_the_directory_is_refused():
    entry = Entry(b"x", b"hello", flags=8)
    entry.after = descriptor(b"other", entry.body())

    assert refusal(build(SKILL, entry)) == "archive_header_mismatch"


def test_two_names_for_the_same_bytes_are_refused():
    kernel = Entry(b"x", b"hello")
    twin = Entry(b"x", b"hello", offset=len(SKILL.body()) + 30 + len(SKILL.name))

    assert refusal(build(SKILL, kernel, twin)) in {"archive_overlap", "archive_trailing_data"}


@pytest.mark.parametrize(
    ("size", "claim", "code"),
    [
        (50 * 2**20, 50 * 2**20, "file_too_large"),
        (50 * 2**20, 200_000, "archive_corrupt"),
        (9 * 2**20, 9 * 2**20, "archive_ratio"),
        (10, 2**32 - 2, "file_too_large"),
    ],
)
def test_bomb_is_refused_at_once(size, claim, code):
    bomb = build(SKILL, Entry(b"x", bytes(size), size=claim))

    assert timed(lambda: refusal(bomb), bound_seconds=1) == code


def test_lie_about_the_size_costs_no_memory():
    bomb = build(SKILL, Entry(b"x", bytes(50 * 2**20), size=200_000))

    tracemalloc.start()
    assert refusal(bomb) == "archive_corrupt"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 2 * 2**20


def test_bytes_hidden_after_a_stream_that_ends_with_a_chunk_are_refused():
    content = bytes(range(251)) * 261
    stored_block = b"\1" + struct.pack("<HH", 65_511, 65_511 ^ 0xFFFF) + content
    padded = b"\0" + struct.pack("<HH", 15, 15 ^ 0xFFFF) + bytes(15) + stored_block
    assert len(padded) == 64 * 1024
    entry = Entry(b"x", bytes(15) + content, packed=padded)

    assert len(read_zip(build(SKILL, entry)).files) == 2
    entry.packed = padded + b"hidden"
    assert refusal(build(SKILL, entry)) == "archive_corrupt"


def test_many_files_that_are_too_large_together_are_refused_before_reading():
    block = random.Random(1).randbytes(100_000)
    content = block * 45
    entries = [Entry(f"{number}".encode(), content, method=0) for number in range(12)]
    source = build(SKILL, *entries)

    with pytest.raises(BundleRefused) as caught:
        read_members(source)

    assert caught.value.code == "bundle_too_large"


def test_small_file_of_one_repeated_line_is_no_bomb():
    content = b"# the same line\n" * 16_000

    assert read_zip(build(SKILL, Entry(b"x", content))).files[1].size_bytes == len(content)


def test_huge_upload_is_refused_by_its_size_alone():
    class Huge(io.BytesIO):
        def seek(self, offset, whence=0):
            return 2**40

    assert refusal(Huge()) == "bundle_too_large"


def test_too_many_entries_are_refused():
    entries = [Entry(f"{number}".encode()) for number in range(1_001)]

    assert refusal(build(SKILL, *entries)) == "too_many_files"


def test_junk_is_not_inflated():
    bomb = Entry(b"__MACOSX/x", bytes(20 * 2**20), crc=1)

    assert [file.path for file in read_zip(build(SKILL, bomb)).files] == ["SKILL.md"]


class Unseekable(io.RawIOBase):
    def __init__(self, target):
        self.target = target

    def writable(self):
        return True

    def write(self, data):
        return self.target.write(data)


# No two of these names are equal without regard to case.
NAMES = st.text("abcxyzé文 ", min_size=1, max_size=8).map(lambda text: f"F{text}e")


@given(st.dictionaries(NAMES, st.binary(max_size=3_000), max_size=6), st.randoms())
@settings(max_examples=60, deadline=None)
def test_written_archive_reads_back_and_is_the_same_in_any_order(files, chance):
    parts = [(path, io.BytesIO(content)) for path, content in files.items()]
    bundle = read_parts([("SKILL.md", io.BytesIO(README)), *parts])
    shuffled = list(bundle.files)
    chance.shuffle(shuffled)
    first, second = io.BytesIO(), io.BytesIO()

    write_archive(bundle.files, first)
    write_archive(shuffled, Unseekable(second))

    assert first.getvalue() == second.getvalue()
    assert read_zip(first) == bundle
    with zipfile.ZipFile(first) as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist()} == (
            {"SKILL.md": README} | files
        )


def test_written_archive_is_canonical():
    out = io.BytesIO()
    write_archive(read_parts([("b", io.BytesIO(b"")), ("SKILL.md", io.BytesIO(README))]).files, out)

    with zipfile.ZipFile(out) as archive:
        infos = archive.infolist()
    assert [info.filename for info in infos] == ["SKILL.md", "b"]
    assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}
    assert {info.external_attr >> 16 for info in infos} == {stat.S_IFREG | 0o644}
    assert {info.compress_type for info in infos} == {zipfile.ZIP_DEFLATED}


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_damaged_archive_is_refused_or_read_but_never_crashes(data):
    whole = bytearray(build(SKILL, X, comment=b"note").getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(whole) - 1))
        whole[position] = data.draw(st.integers(0, 255))
    source = io.BytesIO(bytes(whole))

    with contextlib.suppress(BundleRefused):
        for member in read_members(source):
            assert len(open_member(source, member).read()) == member.size_bytes

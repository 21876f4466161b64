"""Differences between versions are right, and bounded for hostile files."""

from __future__ import annotations

import random
from hashlib import sha256

import pytest

from skills import diff
from skills.diff import FILE_LIMIT_BYTES, FileChange, FileContent, Row, RowKind, diff_files
from tests.timing import timed


def _file(text):
    data = text.encode()
    return FileContent(sha256(data).hexdigest(), len(data), text)


def _binary(data):
    return FileContent(sha256(data).hexdigest(), len(data), None)


def _diff(old, new):
    (found,) = diff_files({"a.md": _file(old)}, {"a.md": _file(new)})
    return found


def _patched(old, file_diff):
    """Apply the hunks to the old text, the way `patch` would."""
    lines = old.splitlines(keepends=True)
    out, at = [], 0
    for hunk in file_diff.hunks:
        start = hunk.old_start - 1 if hunk.old_count else hunk.old_start
        out += lines[at:start]
        assert len(out) == (hunk.new_start - 1 if hunk.new_count else hunk.new_start)
        at = start + hunk.old_count
        for row, following in zip(hunk.rows, [*hunk.rows[1:], None], strict=True):
            if row.kind in (RowKind.CONTEXT, RowKind.ADDED):
                ends = following is not None and following.kind == RowKind.NOTE
                out.append(row.text if ends else row.text + "\n")
    return "".join(out + lines[at:])


def test_a_changed_line_stands_in_three_lines_of_context():
    old = "".join(f"{n}\n" for n in range(1, 11))

    found = _diff(old, old.replace("5\n", "five\n"))

    assert (found.kind, found.added_lines, found.removed_lines) == (FileChange.CHANGED, 1, 1)
    (hunk,) = found.hunks
    assert hunk.header == "@@ -2,7 +2,7 @@"
    assert hunk.rows[2:6] == (
        Row(RowKind.CONTEXT, 4, 4, "4"),
        Row(RowKind.REMOVED, 5, None, "5"),
        Row(RowKind.ADDED, None, 5, "five"),
        Row(RowKind.CONTEXT, 6, 6, "6"),
    )


@pytest.mark.parametrize(("gap", "hunks"), [(6, 1), (7, 2)])
def test_changes_share_a_hunk_while_their_context_meets(gap, hunks):
    middle = "".join(f"{n}\n" for n in range(gap))

    assert len(_diff(f"a\n{middle}b\n", f"c\n{middle}d\n").hunks) == hunks


def test_added_and_removed_files_are_whole():
    removed, added = diff_files({"b": _file("x\ny\n")}, {"c": _file("z")})

    assert (removed.kind, removed.removed_lines, removed.hunks[0].header) == (
        FileChange.REMOVED,
        2,
        "@@ -1,2 +0,0 @@",
    )
    assert (added.kind, added.added_lines, added.hunks[0].header) == (
        FileChange.ADDED,
        1,
        "@@ -0,0 +1,1 @@",
    )


def test_equal_files_are_left_out_and_paths_are_in_order():
    old = {"z": _file("1"), "same": _file("s"), "b": _file("1\n")}

    assert [d.path for d in diff_files(old, {**old, "z": _file("2"), "a": _file("n")})] == [
        "a",
        "z",
    ]


def test_a_moved_file_is_renamed_once():
    old = {"a": _file("x\n"), "b": _file("x\n")}

    found = diff_files(old, {"c": _file("x\n"), "d": _file("y\n")})

    assert [(d.path, d.old_path, d.kind) for d in found] == [
        ("b", None, FileChange.REMOVED),
        ("c", "a", FileChange.RENAMED),
        ("d", None, FileChange.ADDED),
    ]
    assert found[1].hunks == ()


def test_empty_files_are_not_renamed():
    found = diff_files({"a": _file("")}, {"b": _file("")})

    assert [(d.path, d.kind, d.hunks) for d in found] == [
        ("a", FileChange.REMOVED, ()),
        ("b", FileChange.ADDED, ()),
    ]


def test_line_ends_are_differences():
    end = _diff("a\nb", "a\nb\n")
    carriage = _diff("a\r\n", "a\n")

    assert [(r.kind, r.text) for r in end.hunks[0].rows[1:]] == [
        (RowKind.REMOVED, "b"),
        (RowKind.NOTE, "No newline at end of file"),
        (RowKind.ADDED, "b"),
    ]
    assert [r.text for r in carriage.hunks[0].rows] == ["a\r", "a"]


def test_binary_and_oversize_files_have_no_lines():
    old = {"i.png": _binary(b"\x00"), "l": _file("a"), "m": _binary(b"x" * (FILE_LIMIT_BYTES + 1))}
    new = {"i.png": _binary(b"\x01"), "l": _file("a" * (FILE_LIMIT_BYTES + 1))}

    flags = {d.path: (d.binary, d.too_large, d.added_lines, d.hunks) for d in diff_files(old, new)}

    assert flags == {
        "i.png": (True, False, None, ()),
        "l": (False, True, None, ()),
        "m": (False, True, None, ()),
    }


def test_random_differences_patch_the_old_text_into_the_new():
    dice = random.Random(7)
    for _ in range(300):
        old, new = (
            "\n".join(dice.choices("abcd", k=dice.randrange(14))) + dice.choice(["", "\n"])
            for _ in range(2)
        )
        for found in diff_files({"a": _file(old)}, {"a": _file(new)}):
            assert _patched(old, found) == new


def test_a_long_file_with_few_changes_is_exact():
    old = [f"line {n % 900}" if n % 3 else "" for n in range(6000)]
    new = list(old)
    for n in range(0, 6000, 100):
        new[n] = f"changed {n}"

    found = _diff("\n".join(old), "\n".join(new))

    assert (found.added_lines, found.removed_lines) == (60, 60)
    assert _patched("\n".join(old), found) == "\n".join(new)


def _drawn(dice, lines, kinds):
    return "\n".join(f"{dice.randrange(kinds):x}" for _ in range(lines))


def _hostile():
    dice = random.Random(3)
    equal = "a\n" * 50_000
    shuffled = [f"{n:x}" for n in range(30_000)]
    mixed = dice.sample(shuffled, k=len(shuffled))
    woven = "\n".join(str(n // 2) if n % 2 else "z" for n in range(36_000))
    return {
        "equal lines": (equal, equal + "b\n"),
        "equal lines, other ends": (f"x\n{equal}y", f"z\n{equal}w"),
        "distinct lines": (
            "\n".join(map(str, range(30_000))),
            "\n".join(f"x{n}" for n in range(28_000)),
        ),
        "shuffled": ("\n".join(shuffled), "\n".join(mixed)),
        "woven": ("\n".join(map(str, range(18_000))), woven),
        "two lines alternate": ("a\nb\n" * 49_000, "b\na\n" * 48_000 + "c"),
        **{
            f"{k} kinds": (_drawn(dice, 45_000, k), _drawn(dice, 45_000, k))
            for k in (2, 100, 300, 1000)
        },
        **{f"few of {k}": (_drawn(dice, 9000, k), _drawn(dice, 9000, k)) for k in (50, 300)},
    }


HOSTILE = _hostile()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_take_less_than_a_second(name):
    old, new = HOSTILE[name]

    found = timed(lambda: _diff(old, new), bound_seconds=1)

    assert sum(len(hunk.rows) for hunk in found.hunks) <= diff.FILE_LIMIT_LINES * 7
    assert found.too_large or _patched(old, found) == new


def test_equal_lines_with_one_more_are_one_added_line():
    old, new = HOSTILE["equal lines"]

    found = _diff(old, new)

    assert (found.added_lines, found.removed_lines, len(found.hunks)) == (1, 0, 1)


def test_many_hostile_files_share_one_budget():
    old, new = HOSTILE["few of 300"]
    before = {f"{n:03}": _file(f"{n}{old}") for n in range(300)}
    after = {f"{n:03}": _file(f"{n}{new}") for n in range(300)}

    found = timed(lambda: diff_files(before, after), bound_seconds=5)

    assert len(found) == 300
    assert not found[0].too_large
    assert found[-1].too_large
    assert sum(len(hunk.rows) for one in found for hunk in one.hunks) < diff.TOTAL_LIMIT_LINES * 7

import io
import os
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from skills.archive import write_archive
from skills.bundle import (
    MAX_BUNDLE_BYTES,
    MAX_FILE_BYTES,
    MAX_FILES,
    BundleRefused,
    read_folder,
    read_parts,
    read_zip,
)
from skills.paths import check_no_clash, check_path, is_junk, path_key

ARCHIVE = Path(__file__).parents[3] / "shared" / "data" / "clawhub-archive" / "skills"
README = b"---\nname: demo\ndescription: Waters the plants.\n---\n# Demo\n"


def parts(*paths):
    return [(path, io.BytesIO(b"x")) for path in paths]


def with_readme(*paths):
    return [("SKILL.md", io.BytesIO(README)), *((path, io.BytesIO(b"x")) for path in paths)]


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return out


def refusal(call):
    with pytest.raises(BundleRefused) as caught:
        call()
    assert caught.value.message.endswith(".")
    assert caught.value.message.isprintable()
    return caught.value.code


def test_three_doors_give_the_same_bundle(tmp_path):
    files = {"SKILL.md": README, "docs/a.md": b"# a\n", "bin/run": b"\x00\xff", "empty": b""}
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)

    bundles = [
        read_folder(tmp_path),
        read_zip(zipped(files)),
        read_parts((path, io.BytesIO(content)) for path, content in files.items()),
    ]

    assert bundles[0] == bundles[1] == bundles[2]
    bundle = bundles[0]
    assert [file.path for file in bundle.files] == sorted(files)
    assert bundle.metadata.name == "demo"
    assert bundle.body == "# Demo\n"
    assert bundle.summary == "Waters the plants."
    assert bundle.warnings == ()
    assert bundle.size_bytes == sum(map(len, files.values()))
    for each in bundles:
        assert {file.path: file.open().read() for file in each.files} == files


def test_content_can_be_read_twice_from_every_door(tmp_path):
    (tmp_path / "SKILL.md").write_bytes(README)
    doors = [
        read_folder(tmp_path),
        read_zip(zipped({"SKILL.md": README})),
        read_parts(with_readme()),
    ]

    for bundle in doors:
        for _ in range(2):
            with bundle.files[0].open() as stream:
                assert stream.read() == README


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "//server/share/x",
        "C:/x",
        "c:x",
        "SKILL.md::$DATA",
        "../x",
        "a/../../x",
        "a/./x",
        "a//x",
        "a/",
        "a\\x",
        "\\\\server\\x",
        "a\0x",
        "a\x1bx",
        "a\u202ex",
        "a\u200bx",
        "a\ufeffx",
        "a\u2028x",
        "a\ud800x",
        "a./x",
        "a /x",
        "x.",
        "x ",
        "...",
        "CON",
        "a/nul.txt",
        "aux .md",
        "com1.tar.gz",
        "LPT².txt",
        ".git/config",
        "a/.GIT/hooks/x",
        ".git",
        "GIT~1/config",
        "é" * 128,
    ],
)
def test_unsafe_path_is_refused(path):
    assert refusal(lambda: read_parts(with_readme(path))) == "path_unsafe"


@pytest.mark.parametrize(
    "path",
    [
        ".env.txt",
        ".github/x.yml",
        ".gitignore",
        "a b/ü.md",
        "文档/说明.md",
        "console",
        "a..b",
        "-x",
    ],
)
def test_ordinary_path_is_accepted(path):
    assert path in [file.path for file in read_parts(with_readme(path)).files]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/".join(["a" * 99] * 5 + ["b"]), "path_too_long"),
        ("/".join(["é" * 90] * 5 + ["文" * 40]), "path_too_long"),
        ("/".join("a" * 17), "path_too_deep"),
    ],
)
def test_long_or_deep_path_is_refused(path, code):
    assert refusal(lambda: read_parts(with_readme(path))) == code


def test_path_at_its_limits_is_accepted():
    check_path("/".join(["a" * 99] * 5))
    check_path("/".join("a" * 16))


@pytest.mark.parametrize(
    "pair",
    [
        ("a.md", "a.md"),
        ("a.md", "A.md"),
        ("ü.md", "u\u0308.md"),
        ("straße", "STRASSE"),
        ("a", "a/b"),
        ("docs/x/y", "DOCS/X"),
    ],
)
def test_paths_that_meet_on_some_system_are_refused(pair):
    assert refusal(lambda: read_parts(with_readme(*pair))) == "path_duplicate"
    assert refusal(lambda: read_parts(with_readme(*reversed(pair)))) == "path_duplicate"


@given(st.text(max_size=30))
@example("a/..")
@settings(max_examples=100, deadline=None)
def test_accepted_path_stays_inside_and_is_visible(path):
    try:
        check_path(path)
    except BundleRefused:
        return

    assert os.path.normpath(path) == path
    assert not Path(path).is_absolute()
    assert not path.startswith("..")
    assert path.encode().decode() == path
    assert path_key(path_key(path)) == path_key(path)


@given(st.lists(st.text("aAbB/é\u0301e", min_size=1, max_size=5), max_size=8))
def test_clash_is_found_exactly_when_keys_or_folders_meet(paths):
    keys = [path_key(path) for path in paths]
    meets = len(set(keys)) < len(keys) or any(
        other.startswith(key + "/") for key in keys for other in keys
    )

    if meets:
        assert refusal(lambda: check_no_clash(paths)) == "path_duplicate"
    else:
        check_no_clash(paths)


def test_what_operating_systems_leave_is_dropped(tmp_path):
    junk = ["__MACOSX/._SKILL.md", "__MACOSX/x", ".DS_Store", "docs/.DS_Store", "docs/._a.md"]
    for path in junk:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(b"x")
    (tmp_path / "SKILL.md").write_bytes(README)

    doors = [
        read_parts(with_readme(*junk)),
        read_folder(tmp_path),
        read_zip(zipped({"SKILL.md": README} | dict.fromkeys(junk, b"x"))),
    ]

    assert all(is_junk(path) for path in junk)
    for bundle in doors:
        assert [file.path for file in bundle.files] == ["SKILL.md"]
        assert bundle.warnings == ()


@pytest.mark.parametrize("name", ["skill-card.md", "Skill-Card.MD"])
def test_skill_card_is_refused_at_the_root_only(name, tmp_path):
    (tmp_path / "SKILL.md").write_bytes(README)
    (tmp_path / name).write_bytes(b"x")

    assert refusal(lambda: read_parts(with_readme(name))) == "skill_card_forbidden"
    assert refusal(lambda: read_folder(tmp_path)) == "skill_card_forbidden"
    assert len(read_parts(with_readme(f"docs/{name}")).files) == 2


def test_import_record_is_left_out_of_a_folder_but_not_of_an_upload(tmp_path):
    (tmp_path / "docs").mkdir()
    for path in ["_meta.json", "docs/_meta.json"]:
        (tmp_path / path).write_bytes(b"{}")
    (tmp_path / "SKILL.md").write_bytes(README)

    assert [file.path for file in read_folder(tmp_path).files] == ["SKILL.md", "docs/_meta.json"]
    assert len(read_parts(with_readme("_meta.json")).files) == 2


@pytest.mark.parametrize("name", ["SKILL.md", "skill.md", "Skill.MD", "skills.md", "SKILLS.md"])
def test_readme_is_found_in_any_case(name):
    assert read_parts([(name, io.BytesIO(README))]).readme_path == name


def test_skill_md_wins_over_skills_md():
    both = [("SKILLS.md", io.BytesIO(b"no")), ("skill.md", io.BytesIO(README))]

    assert read_parts(both).readme_path == "skill.md"


@pytest.mark.parametrize(
    "files",
    [
        [],
        ["README.md"],
        ["a/b/SKILL.md"],
        ["a/SKILL.md", "b/x"],
        ["\u017fkill.md"],
        ["s\u212aill.md"],
    ],
)
def test_missing_readme_is_refused(files):
    assert refusal(lambda: read_parts(parts(*files))) == "skill_md_missing"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xff# x", "skill_md_not_utf8"),
        (b"# \xc3", "skill_md_not_utf8"),
        (b"# a\0", "skill_md_has_nul"),
    ],
)
def test_readme_must_be_text(content, code):
    assert refusal(lambda: read_parts([("SKILL.md", io.BytesIO(content))])) == code


def test_byte_order_mark_is_no_part_of_the_text():
    bundle = read_parts([("SKILL.md", io.BytesIO(b"\xef\xbb\xbf" + README))])

    assert bundle.readme.startswith("---")
    assert bundle.metadata.name == "demo"
    assert bundle.size_bytes == len(README) + 3


def test_single_folder_around_a_zip_is_taken_off():
    files = {"demo/": b"", "demo/SKILL.md": README, "demo/docs/a.md": b"", "__MACOSX/x": b""}

    bundle = read_zip(zipped(files))

    assert [file.path for file in bundle.files] == ["SKILL.md", "docs/a.md"]
    assert bundle.warnings == ('The folder "demo" around the skill was taken off.',)


def test_skill_card_cannot_hide_in_the_folder_that_is_taken_off():
    files = {"demo/SKILL.md": README, "demo/skill-card.md": b"x"}

    assert refusal(lambda: read_zip(zipped(files))) == "skill_card_forbidden"


def test_folder_is_kept_where_the_skill_is_already_at_the_root():
    assert (
        read_zip(zipped({"SKILL.md": README, "demo/SKILL.md": b""})).files[1].path
        == "demo/SKILL.md"
    )


def test_nested_archive_is_a_file_like_any_other():
    inner = zipped({"x": b"1"}).getvalue()

    bundle = read_zip(zipped({"SKILL.md": README, "inner.zip": inner}))

    assert bundle.files[1].content_type == "application/zip"
    assert bundle.files[1].open().read() == inner


@pytest.mark.parametrize(
    ("path", "content", "content_type"),
    [
        ("a.md", b"x", "text/markdown"),
        ("a.SVG", b"<svg/>", "image/svg+xml"),
        ("a.json", b"{}", "application/json"),
        ("a.json", b"\xff", "application/octet-stream"),
        ("a.md", b"a\0b", "application/octet-stream"),
        ("a.png", b"not a picture", "image/png"),
        ("Makefile", "é".encode(), "text/plain"),
        ("Makefile", b"\xe9", "application/octet-stream"),
        ("Makefile", b"cut \xc3", "application/octet-stream"),
        ("folder.md/run", b"x", "text/plain"),
        (".md", b"x", "text/markdown"),
        ("x.unknown", b"", "text/plain"),
    ],
)
def test_content_type_is_by_table_and_content(path, content, content_type):
    [file] = [
        f for f in read_parts([*with_readme(), (path, io.BytesIO(content))]).files if f.path == path
    ]

    assert file.content_type == content_type
    assert file.is_text == (not content_type.startswith(("application/octet", "image/png")))


def test_character_across_a_chunk_border_is_text():
    content = b"a" * (64 * 1024 - 1) + "é".encode()

    bundle = read_parts([*with_readme(), ("notes", io.BytesIO(content))])

    assert bundle.files[1].content_type == "text/plain"


def test_file_limit_is_exact():
    at_limit = [*with_readme(), ("x", io.BytesIO(b"a" * MAX_FILE_BYTES))]
    above = [*with_readme(), ("x", io.BytesIO(b"a" * (MAX_FILE_BYTES + 1)))]

    assert read_parts(at_limit).files[1].size_bytes == MAX_FILE_BYTES
    assert refusal(lambda: read_parts(above)) == "file_too_large"


def test_skill_limit_counts_every_file():
    stream = io.BytesIO(b"a" * MAX_FILE_BYTES)
    same = [(f"{number}", stream) for number in range(MAX_BUNDLE_BYTES // MAX_FILE_BYTES)]

    assert refusal(lambda: read_parts([*same, *with_readme()])) == "bundle_too_large"


def test_file_count_limit_is_exact_and_stops_the_reading():
    names = [f"{number}.md" for number in range(MAX_FILES - 1)]
    taken = 0

    def endless():
        nonlocal taken
        yield from with_readme()
        while True:
            taken += 1
            yield f"{taken}", io.BytesIO()

    assert len(read_parts(with_readme(*names)).files) == MAX_FILES
    assert refusal(lambda: read_parts(with_readme(*names, "one-more"))) == "too_many_files"
    assert refusal(lambda: read_parts(endless())) == "too_many_files"
    assert taken <= MAX_FILES


@pytest.mark.parametrize("kind", ["file", "folder", "outside", "broken", "pipe"])
def test_link_or_pipe_in_a_folder_is_refused(kind, tmp_path):
    root = tmp_path / "skill"
    root.mkdir()
    (root / "SKILL.md").write_bytes(README)
    (root / "docs").mkdir()
    if kind == "pipe":
        os.mkfifo(root / "x")
    else:
        target = {"file": "SKILL.md", "folder": "docs", "outside": "/etc", "broken": "nowhere"}[
            kind
        ]
        (root / "x").symlink_to(target)

    assert refusal(lambda: read_folder(root)) == "link_refused"


def test_folder_that_is_itself_a_link_is_refused(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "SKILL.md").write_bytes(README)
    (tmp_path / "link").symlink_to("real")

    assert refusal(lambda: read_folder(tmp_path / "link")) == "link_refused"


def test_file_swapped_for_a_link_after_the_check_is_not_followed(tmp_path):
    (tmp_path / "SKILL.md").write_bytes(README)
    bundle = read_folder(tmp_path)
    (tmp_path / "SKILL.md").unlink()
    (tmp_path / "SKILL.md").symlink_to("/etc/hostname")

    with pytest.raises(OSError, match="symbolic links"):
        bundle.files[0].open()


def test_folder_with_a_name_that_is_not_utf8_is_refused(tmp_path):
    (tmp_path / "SKILL.md").write_bytes(README)
    (tmp_path / os.fsdecode(b"\xff.md")).touch()

    assert refusal(lambda: read_folder(tmp_path)) == "path_unsafe"


def test_version_control_folder_is_refused_before_it_is_walked(tmp_path):
    (tmp_path / "SKILL.md").write_bytes(README)
    (tmp_path / ".git").mkdir()

    assert refusal(lambda: read_folder(tmp_path)) == "path_unsafe"


def test_memory_is_bounded_by_the_largest_file(tmp_path):
    big = os.urandom(1024 * 1024)
    files = {"SKILL.md": README} | {f"{number}.bin": big for number in range(8)}
    source, target = zipped(files), tmp_path / "out.zip"

    tracemalloc.start()
    bundle = read_zip(source)
    with target.open("wb") as out:
        write_archive(bundle.files, out)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert target.stat().st_size > 8 * len(big)
    assert peak < 6 * len(big)


def test_walk_stops_in_a_folder_full_of_junk(tmp_path, monkeypatch):
    monkeypatch.setattr("skills.bundle.MAX_ENTRIES", 20)
    (tmp_path / "SKILL.md").write_bytes(README)
    for number in range(20):
        (tmp_path / f"._{number}").touch()

    assert refusal(lambda: read_folder(tmp_path)) == "too_many_files"


@pytest.mark.skipif(
    not ARCHIVE.is_dir(), reason="the archive of real skills is not beside the project"
)
def test_every_real_skill_is_accepted():
    folders = sorted(record.parent for record in ARCHIVE.rglob("_meta.json"))

    bundles = [read_folder(folder) for folder in folders]

    assert len(bundles) == 426
    assert all(bundle.summary for bundle in bundles)
    texts = [" ".join(bundle.warnings) for bundle in bundles]
    assert sum("is not valid YAML" in text for text in texts) == 12
    assert sum("has no front matter" in text or "is not closed" in text for text in texts) == 31
    assert not any("_meta.json" in [file.path for file in bundle.files] for bundle in bundles)

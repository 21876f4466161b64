"""What the search benchmark makes of rankings: means by kind, a baseline, and what it refuses."""

from __future__ import annotations

from collections import Counter

from tests.benchmarks import search
from tests.benchmarks.judgements import Judged, Kind, read
from tests.benchmarks.relevance import Relevance


def test_the_baseline_is_of_these_queries():
    judged = read()
    kinds = Counter(one.kind.value for one in judged) | {search.ALL: len(judged)}
    known = search.read_baseline()

    assert known.keys() >= search.MODES.keys()
    for groups in known.values():
        assert {name: figures.queries for name, figures in groups.items()} == kinds


def test_every_kind_and_all_of_them_are_measured():
    judged = [
        Judged(query, kind, "en", {"ben/lamps": 3})
        for query, kind in [
            ("bright", Kind.MEANING),
            ("nothing", Kind.MEANING),
            ("lmps", Kind.TYPO),
        ]
    ]

    found = search.summarise(judged, lambda query: [] if query == "nothing" else ["ben/lamps"])

    assert found == {
        "all": search.Figures(3, Relevance(2 / 3, 2 / 3, 2 / 3)),
        "meaning": search.Figures(2, Relevance(0.5, 0.5, 0.5)),
        "typo": search.Figures(1, Relevance(1, 1, 1)),
    }


def test_a_mode_without_figures_is_written_down_and_others_are_kept(tmp_path):
    path = tmp_path / "baseline.json"
    before, now = figures(0.5), figures(0.7)

    assert search.accepted({"lexical": before}, path) == {"lexical": before}
    both = search.accepted({"lexical": now, "vector": now}, path)

    assert both == search.read_baseline(path) == {"lexical": before, "vector": now}


def test_a_drop_is_missed_and_a_small_one_is_not():
    known = {"lexical": figures(0.5)}

    assert missed({"lexical": figures(0.479)}, known) == ["search, lexical: all (3 queries)"]
    assert missed({"lexical": figures(0.481)}, known) == []


def test_hybrid_must_be_worth_it():
    known = {"lexical": figures(0.5), "hybrid": figures(0.54)}

    assert missed(known, known) == ["search: hybrid over lexical"]
    assert missed(known | {"hybrid": figures(0.56)}, known) == []


def figures(ndcg):
    return {"all": search.Figures(3, Relevance(ndcg, 0.5, 0.5))}


def missed(found, known):
    return [one.name for one in search.compare(found, known) if one.is_missed]

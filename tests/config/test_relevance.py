"""The figures of a ranking, on examples worked out by hand."""

from __future__ import annotations

from math import log2

import pytest

from tests.benchmarks.relevance import Relevance, judge, mean, ndcg, recall, reciprocal_rank

GRADES = {"exact": 3, "good": 2, "related": 1}
# The logarithms of 2 and 4 are 1 and 2.
BEST = 7 + 3 / log2(3) + 1 / 2


def test_the_best_order_has_a_gain_of_one():
    assert ndcg(["exact", "good", "related", "nothing"], GRADES) == 1


def test_gain_is_by_grade_and_place():
    assert ndcg(["nothing", "exact"], GRADES) == pytest.approx(7 / log2(3) / BEST)
    assert ndcg(["related", "good", "exact"], GRADES) == pytest.approx(
        (1 + 3 / log2(3) + 7 / 2) / BEST
    )


def test_what_stands_below_the_tenth_place_gains_nothing():
    others = [f"other{n}" for n in range(10)]

    assert judge([*others, "exact"], GRADES) == Relevance(0, 0, 0)
    assert ndcg([*others[:9], "exact"], GRADES) == pytest.approx(7 / log2(11) / BEST)


def test_the_best_order_has_ten_places_as_well():
    grades = {f"key{n}": 3 for n in range(12)}

    found = judge([f"key{n}" for n in range(10)], grades)

    assert found == Relevance(1, 1, 1)


def test_recall_counts_the_exact_and_the_good_only():
    good = {"exact", "good"}

    assert recall(["related", "good"], good) == 0.5
    assert judge(["related", "good"], GRADES).recall == 0.5


def test_reciprocal_rank_is_that_of_the_first_good_one():
    assert reciprocal_rank(["related", "nothing", "good", "exact"], {"exact", "good"}) == 1 / 3
    assert judge(["related"], GRADES).reciprocal_rank == 0


def test_an_empty_ranking_has_nothing():
    assert judge([], GRADES) == Relevance(0, 0, 0)


def test_a_key_that_stands_twice_is_refused():
    with pytest.raises(ValueError, match="once"):
        judge(["exact", "exact"], GRADES)


def test_every_query_counts_alike_in_the_mean():
    assert mean([Relevance(1, 0.5, 1), Relevance(0, 0, 0.5)]) == Relevance(0.5, 0.25, 0.75)

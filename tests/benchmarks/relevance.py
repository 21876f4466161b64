"""How good a ranking is, against grades that people gave. Pure: no database, no search.

A ranking is a list of keys, best first. Grades say how well a key answers the query; a key that has
none answers it not at all.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

DEPTH: Final = 10
"""As many places as a person looks at before typing something else."""

GOOD: Final = 2
"""From this grade on a result is what was looked for; below, it is only related."""


@dataclass(frozen=True)
class Relevance:
    """The three figures of a ranking, or the means of many; each from 0 to 1."""

    ndcg: float
    recall: float
    reciprocal_rank: float


def judge(ranking: Sequence[str], grades: Mapping[str, int]) -> Relevance:
    """Return the figures of one ranking.

    Raises ValueError where a key stands twice: it would be counted twice.
    """
    if len(set(ranking)) < len(ranking):
        raise ValueError("A ranking names each key once.")
    good = {key for key, grade in grades.items() if grade >= GOOD}
    return Relevance(ndcg(ranking, grades), recall(ranking, good), reciprocal_rank(ranking, good))


def ndcg(ranking: Sequence[str], grades: Mapping[str, int]) -> float:
    """Return the gain of the first places over the most that any ranking could have there.

    A grade g gains 2^g - 1, so one exact answer outweighs two good ones; place n counts 1/log2(n + 1).
    """
    best = _gain(sorted(grades.values(), reverse=True))
    return _gain(grades.get(key, 0) for key in ranking[:DEPTH]) / best if best else 0.0


def recall(ranking: Sequence[str], good: Collection[str]) -> float:
    """Return the share of good answers in the first places; of more than fit there, ten are all."""
    within = min(len(good), DEPTH)
    return sum(key in good for key in ranking[:DEPTH]) / within if within else 0.0


def reciprocal_rank(ranking: Sequence[str], good: Collection[str]) -> float:
    """Return one over the place of the first good answer; 0 where none is in the first places."""
    places = (place for place, key in enumerate(ranking[:DEPTH], 1) if key in good)
    return 1 / next(places, math.inf)


def mean(figures: Collection[Relevance]) -> Relevance:
    """Return the means: every query counts alike, however many answers it has."""
    return Relevance(
        fmean(one.ndcg for one in figures),
        fmean(one.recall for one in figures),
        fmean(one.reciprocal_rank for one in figures),
    )


def _gain(grades: Iterable[int]) -> float:
    first = list(grades)[:DEPTH]
    return sum((2**grade - 1) / math.log2(place + 1) for place, grade in enumerate(first, 1))

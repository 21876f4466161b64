"""How boards and search results are ordered: pure, and the only place that knows.

`/about/ranking/` prints from here.

A board is a list of candidates that had something happen in its window. Their order is a chain of
terms, each of which only decides between those that all terms before it left equal.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from typing import Final, NamedTuple

BOARD_SIZE: Final = 200
"""Ranks of a board: as far as anybody reads, and small enough to keep hourly snapshots."""

CAPPED_RANKS: Final = 20
"""The ranks in which owners make room for each other."""

PER_OWNER: Final = 2
"""Skills of one owner within them: nobody fills the first screen with a series of their own."""

RISING_DAYS: Final = 30
"""For so long after it was first published a skill can rise."""

WINDOW_HOURS: Final = 24
"""The short window: completed hours only, so that a board built at five past is not cut short."""

WINDOW_DAYS: Final = {"7d": 7, "30d": 30}
"""The long windows: UTC days, today the last of them."""

SPARKLINE_DAYS: Final = 14
"""Days of the small drawing beside a rank: this week and the one before, to compare."""

MOVEMENT_SPAN: Final = timedelta(hours=24)
"""Movement is against the ranks of this time ago, so that it does not flicker with the hours."""

MOVEMENT_LEEWAY: Final = timedelta(hours=12)
"""A snapshot further than this from that moment would tell of another day; then none is shown."""


class Candidate(NamedTuple):
    """A skill that may be on a board, with what happened to it in the window."""

    skill_id: int
    owner_id: int
    downloads: int
    installs: int
    stars: int
    created_at: datetime
    is_suspicious: bool


@dataclass(frozen=True)
class Term:
    """One step of the order: which figure decides, which end comes first, what it is there for."""

    figure: str
    descends: bool
    words: str
    reason: str


# What people fetched. Counted once per visitor and day, so refreshing a page does not climb.
DOWNLOADS: Final = Term(
    "downloads",
    descends=True,
    words="has more downloads in the window",
    reason="It is what people did, not what they said.",
)
# Among equals the one that is kept: an install comes from a person's client, once for good.
INSTALLS: Final = Term(
    "installs",
    descends=True,
    words="has more new installs in the window",
    reason="A skill that is installed was wanted for more than a look.",
)
# Then the one that people recommend. Stars taken away count against those given.
STARS: Final = Term(
    "stars",
    descends=True,
    words="gained more stars in the window",
    reason="Stars that were taken back are subtracted.",
)
# Then the younger one, which had less time to be found.
NEWNESS: Final = Term(
    "created_at",
    descends=True,
    words="was first published later",
    reason="The younger one had less time to be found.",
)
# Last something that never ties, so that two builds of the same counts give the same board.
IDENTITY: Final = Term(
    "skill_id",
    descends=False,
    words="was registered here earlier",
    reason="It only keeps complete ties in one order from build to build.",
)
ORDER: Final = (DOWNLOADS, INSTALLS, STARS, NEWNESS, IDENTITY)


def ranked(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return the board: at most `BOARD_SIZE` in order, the first ranks shared between owners.

    The first ranks are the best among each owner's best `PER_OWNER`; whoever had to make room
    follows right behind them, in order with all others, so ranks have no gap.
    """
    first: list[Candidate] = []
    rest: list[Candidate] = []
    taken: Counter[int] = Counter()
    for candidate in _in_order(candidates):
        if len(first) < CAPPED_RANKS and taken[candidate.owner_id] < PER_OWNER:
            taken[candidate.owner_id] += 1
            first.append(candidate)
        else:
            rest.append(candidate)
    return (first + rest)[:BOARD_SIZE]


def is_settled(candidates: Iterable[Candidate]) -> bool:
    """Say whether these, being the best of all there are, decide the board whoever comes behind.

    They do when they fill the board, and the first ranks within what each owner may have of them.
    """
    per_owner = Counter(candidate.owner_id for candidate in candidates)
    capped = sum(min(count, PER_OWNER) for count in per_owner.values())
    return per_owner.total() >= BOARD_SIZE and capped >= CAPPED_RANKS


def completed_hours(now: datetime) -> tuple[datetime, datetime]:
    """Return the beginnings of the first and the last UTC hour of the short window."""
    current = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return current - timedelta(hours=WINDOW_HOURS), current - timedelta(hours=1)


def days_until(now: datetime, count: int) -> tuple[date, date]:
    """Return the first and the last of the `count` UTC days that end with today."""
    today = now.astimezone(UTC).date()
    return today - timedelta(days=count - 1), today


def _in_order(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Sort by the last term first: a stable sort keeps it wherever the ones before it tie."""
    found = list(candidates)
    for term in reversed(ORDER):
        found.sort(key=attrgetter(term.figure), reverse=term.descends)
    return found


# --- Search ---------------------------------------------------------------------------------------

EXACT_TIER: Final = 3.0
"""The skill that *is* what was typed: its slug, with its owner or without, or its name."""

PREFIX_TIER: Final = 2.0
"""Skills whose name or slug begins with what was typed."""

RANK_OFFSET: Final = 60
"""Of reciprocal rank fusion: Cormack, Clarke, Büttcher, SIGIR 2009; their constant."""

ADOPTION_SHARE: Final = 0.016
"""What downloads may add at most: about one place of the fusion, so that they bury nobody."""

NAMESAKE_SHARE: Final = 0.9
"""And among skills of the very name that was typed: who squats on it stands below who is used."""

ADOPTION_FULL: Final = 6.0
"""That much is added from a million downloads (ten to this power) on."""


class Match(NamedTuple):
    """A skill that was found, with what its place follows from beside how it was found."""

    skill_id: int
    downloads: int
    is_suspicious: bool


class Source(NamedTuple):
    """What one way of finding found, the best first, and what that counts for."""

    weight: float
    found: list[int]


def fuse(sources: list[Source]) -> dict[int, float]:
    """Return how well each skill was found, from 0 to 1: 1 is the best of every source.

    Reciprocal rank fusion: only places count, since scores of words and of meaning have no common
    measure. Sources that found nothing take nothing from the others.
    """
    told = [source for source in sources if source.found]
    best = sum(source.weight / (RANK_OFFSET + 1) for source in told)
    scores: Counter[int] = Counter()
    for source in told:
        for place, skill_id in enumerate(dict.fromkeys(source.found), start=1):
            scores[skill_id] += source.weight / (RANK_OFFSET + place) / best  # type: ignore[assignment]
    return dict(scores)


def search_score(tier: float, fused: float, downloads: int) -> float:
    """Return the score of a search result; higher is better.

    The tier decides first. Within it, how well words and meaning match, and how many use it.
    """
    adoption = min(math.log10(1 + downloads) / ADOPTION_FULL, 1.0)
    share = NAMESAKE_SHARE if tier >= EXACT_TIER else ADOPTION_SHARE
    return tier + (1 - share) * fused + share * adoption

"""The order of boards, against a slow and obvious model of the rules."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from skills import ranking
from skills.ranking import Candidate, is_settled, ranked

START = datetime(2026, 3, 1, tzinfo=UTC)


def candidate(skill_id: int, owner_id: int = 0, **said) -> Candidate:
    figures = {"downloads": 1, "installs": 0, "stars": 0, "created_at": START}
    return Candidate(
        skill_id=skill_id, owner_id=owner_id or skill_id, is_suspicious=False, **(figures | said)
    )


def is_before(one: Candidate, other: Candidate) -> bool:
    """The rules as a person would read them aloud."""
    if one.downloads != other.downloads:
        return one.downloads > other.downloads
    if one.installs != other.installs:
        return one.installs > other.installs
    if one.stars != other.stars:
        return one.stars > other.stars
    if one.created_at != other.created_at:
        return one.created_at > other.created_at
    return one.skill_id < other.skill_id


def model(candidates: list[Candidate]) -> list[Candidate]:
    """Pick rank by rank; among the first twenty skip owners that have two already."""
    left, board = list(candidates), []
    while left and len(board) < 200:
        allowed = [
            c for c in left if len(board) >= 20 or [b.owner_id for b in board].count(c.owner_id) < 2
        ]
        # Nobody else is left to take the rank: those who made room follow directly.
        choice = allowed or left
        best = next(c for c in choice if all(c is d or is_before(c, d) for d in choice))
        board.append(best)
        left.remove(best)
    return board


figures = st.tuples(
    st.integers(1, 6), st.integers(0, 3), st.integers(0, 1), st.integers(-1, 1), st.integers(0, 2)
)


@settings(max_examples=200, deadline=None)
@given(st.lists(figures, max_size=60))
def test_the_order_is_that_of_the_rules(drawn):
    candidates = [
        candidate(n, owner, downloads=d, installs=i, stars=s, created_at=START + timedelta(days=b))
        for n, (owner, d, i, s, b) in enumerate(drawn, start=1)
    ]

    assert ranked(candidates) == model(candidates)


def test_the_third_skill_of_an_owner_moves_below_the_shared_ranks():
    series = [candidate(n, owner_id=1, downloads=1_000 - n) for n in range(1, 6)]
    others = [candidate(n, downloads=100 - n) for n in range(10, 40)]

    board = [c.skill_id for c in ranked(series + others)]

    assert board[:2] == [1, 2]
    assert board[2:20] == list(range(10, 28))
    assert board[20:] == [3, 4, 5, *range(28, 40)]


def test_with_few_others_those_who_made_room_follow_directly():
    series = [candidate(n, owner_id=1, downloads=1_000 - n) for n in range(1, 6)]

    assert [c.skill_id for c in ranked([*series, candidate(9)])] == [1, 2, 9, 3, 4, 5]


def test_a_board_ends_at_its_size():
    assert len(ranked(candidate(n) for n in range(1, 300))) == ranking.BOARD_SIZE


def test_a_board_is_settled_when_nobody_behind_could_enter():
    crowd = [candidate(n, owner_id=n % 10 + 1) for n in range(1, 201)]

    assert is_settled(crowd)
    assert not is_settled(crowd[:-1])
    assert not is_settled([c._replace(owner_id=c.owner_id % 9) for c in crowd])


def test_every_term_says_why_it_is_there():
    assert [term.figure for term in ranking.ORDER] == [
        "downloads",
        "installs",
        "stars",
        "created_at",
        "skill_id",
    ]
    assert all(term.words and term.reason.endswith(".") for term in ranking.ORDER)


def test_the_short_window_is_of_completed_hours():
    at = datetime(2026, 3, 1, 0, 5, tzinfo=UTC)

    assert ranking.completed_hours(at) == (
        datetime(2026, 2, 28, 0, tzinfo=UTC),
        datetime(2026, 2, 28, 23, tzinfo=UTC),
    )


def test_days_include_today_and_know_leap_years():
    at = datetime(2028, 3, 1, 23, 59, tzinfo=UTC)

    assert ranking.days_until(at, 7) == (date(2028, 2, 24), date(2028, 3, 1))
    assert ranking.days_until(at, 1) == (date(2028, 3, 1), date(2028, 3, 1))

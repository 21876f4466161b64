"""What a cluster's notes add up to."""

from __future__ import annotations

import pytest

from jobs.ledger import Ledger
from jobs.tree import backoff


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ledger(clock):
    return Ledger(clock=clock)


def test_a_row_is_given_back_only_while_nobody_has_begun_it(ledger):
    ledger.read(b"fetched 7\nfetched 8\nbegun 7 100\n")

    assert ledger.young_fetched(60) == {8}
    assert ledger.under_way == {100: 7}


def test_a_row_fetched_long_ago_is_not_given_back(ledger, clock):
    ledger.read(b"fetched 7\n")
    clock.now += 61

    assert ledger.young_fetched(60) == set()


def test_a_cluster_is_quiet_when_the_result_is_stored_and_not_before(ledger, clock):
    assert ledger.is_quiet
    for line in (b"fetched 7\nbegun 7 100\n", b"ended 7 100\n"):
        ledger.read(line)
        assert not ledger.is_quiet

    ledger.read(b"stored\n")

    assert ledger.is_quiet
    assert ledger.stored_at == clock.now


def test_a_worker_that_is_gone_has_nothing_under_way(ledger):
    ledger.read(b"begun 7 100\nbegun 8 101\ngone 100\ndied a worker was killed by SIGKILL\n")

    assert ledger.under_way == {101: 8}
    assert ledger.deaths == ["a worker was killed by SIGKILL"]


def test_a_note_cut_in_two_waits_for_its_other_half(ledger):
    ledger.read(b"fetched 7\nfet")
    assert ledger.fetched.keys() == {7}

    ledger.read(b"ched 42\n")
    assert ledger.fetched.keys() == {7, 42}


def test_a_row_fetched_again_has_not_ended(ledger):
    ledger.read(b"begun 7 100\nended 7 100\n")
    assert ledger.ended.keys() == {7}

    ledger.read(b"fetched 7\n")
    assert not ledger.ended


def test_old_rows_are_forgotten(ledger, clock):
    ledger.read(b"fetched 7\nbegun 8 100\nended 8 100\n")
    clock.now += 10
    ledger.read(b"fetched 9\n")

    ledger.forget(5)

    assert ledger.fetched.keys() == {9}
    assert not ledger.ended


def test_failing_starts_wait_longer_and_longer_up_to_half_a_minute():
    assert [backoff(failures) for failures in range(8)] == [0, 1, 2, 4, 8, 16, 30, 30]

"""Who is counted, and how: the bucket of one process and the exact count of all."""

from __future__ import annotations

import pytest
import time_machine
from django.db import connection, transaction
from django.test import RequestFactory

from config import ratelimit
from config.ratelimit import client_address, take_exact, take_read
from tests import flush
from tests.config.rivals import at_once


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(ratelimit.time, "monotonic", clock.monotonic)
    return clock


# --- Reads ---------------------------------------------------------------------------------------


def test_a_bucket_gives_its_limit_at_once_and_then_refuses(clock):
    quotas = [take_read("a", 5) for _ in range(6)]

    assert [quota.allowed for quota in quotas] == [True] * 5 + [False]
    assert [quota.remaining for quota in quotas] == [4, 3, 2, 1, 0, 0]
    assert {quota.limit for quota in quotas} == {5}


def test_a_bucket_refills_evenly_and_never_above_its_limit(clock):
    for _ in range(60):
        take_read("a", 60)

    clock.now += 0.9
    assert not take_read("a", 60).allowed
    clock.now += 0.2
    assert take_read("a", 60).allowed
    assert not take_read("a", 60).allowed
    clock.now += 3_600

    assert [take_read("a", 60).allowed for _ in range(61)] == [True] * 60 + [False]


def test_a_refused_caller_who_waits_as_told_is_let_in(clock):
    for _ in range(3):
        take_read("a", 3)
    refused = take_read("a", 3)

    assert not refused.allowed
    assert refused.reset_seconds == 20
    clock.now += refused.reset_seconds
    assert take_read("a", 3).allowed


def test_refused_requests_do_not_push_the_refill_away(clock):
    for _ in range(60):
        take_read("a", 60)
    for _ in range(10):
        clock.now += 0.25
        take_read("a", 60)

    clock.now += 1
    assert take_read("a", 60).allowed


def test_callers_do_not_share_a_bucket(clock):
    assert take_read("a", 1).allowed
    assert take_read("b", 1).allowed
    assert not take_read("a", 1).allowed


def test_many_callers_do_not_fill_the_memory_and_the_oldest_is_forgotten_first(clock, monkeypatch):
    monkeypatch.setattr(ratelimit, "_MAX_BUCKETS", 10)
    for number in range(11):
        take_read(str(number), 1)

    assert len(ratelimit._reads._levels) == 10
    assert not take_read("10", 1).allowed
    assert take_read("0", 1).allowed


def test_threads_take_no_more_than_there_is(clock):
    results = at_once(*[lambda: sum(take_read("a", 100).allowed for _ in range(50))] * 8)

    assert sum(results) == 100


# --- Exact ---------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_exact_count_refuses_after_its_limit_and_starts_anew_each_minute():
    with time_machine.travel("2025-03-01T12:00:50Z", tick=False) as moment:
        quotas = [take_exact("write", "a", 2) for _ in range(4)]
        assert [quota.allowed for quota in quotas] == [True, True, False, False]
        assert [quota.remaining for quota in quotas] == [1, 0, 0, 0]
        assert {quota.reset_seconds for quota in quotas} == {10}

        moment.shift(10)

        fresh = take_exact("write", "a", 2)
        assert fresh.allowed
        assert fresh.reset_seconds == 60


@pytest.mark.django_db
def test_kinds_and_callers_are_counted_apart():
    for kind, key in [("write", "a"), ("login", "a"), ("write", "b")]:
        assert take_exact(kind, key, 1).allowed
    assert not take_exact("write", "a", 1).allowed


@pytest.mark.django_db
def test_an_exact_count_is_one_statement_and_one_row(django_assert_num_queries):
    for _ in range(3):
        with django_assert_num_queries(1):
            take_exact("write", "caller\ud800".encode("utf-8", "replace").decode(), 5)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), max(hits) FROM config_rate_limit")
        assert cursor.fetchone() == (1, 3)


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_are_counted_exactly():
    with time_machine.travel("2025-03-01T12:00:00Z", tick=False):
        results = at_once(
            *[lambda: sum(take_exact("write", "eight", 100).allowed for _ in range(20))] * 8
        )

        assert sum(results) == 100
        assert not take_exact("write", "eight", 160).allowed


@pytest.mark.django_db(transaction=True)
def test_a_count_that_is_rolled_back_was_never_made():
    """Hence a caller counts before the transaction of the act, not inside it."""
    with transaction.atomic():
        take_exact("write", "back", 1)
        transaction.set_rollback(True)

    assert take_exact("write", "back", 1).allowed


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("empty", [flush.empty_tables, flush._truncate_all], ids=["few", "many"])
def test_what_a_test_counted_refuses_nothing_in_the_next(empty):
    take_exact("download", "next", 1)
    empty()

    assert take_exact("download", "next", 1).allowed


# --- Whose address -------------------------------------------------------------------------------


def address(peer: str, forwarded: str | None = None) -> str:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return client_address(RequestFactory().get("/", REMOTE_ADDR=peer, headers=headers))


def test_without_a_proxy_a_forwarded_address_is_anybodys_claim(settings):
    settings.TRUSTED_PROXY_COUNT = 0

    assert address("203.0.113.5", "198.51.100.1") == "203.0.113.5"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "client"),
    [
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "1.1.1.1, 2.2.2.2, 198.51.100.1", "198.51.100.1"),
        (2, "1.1.1.1, 198.51.100.1, 10.0.0.1", "198.51.100.1"),
        (1, "1.1.1.1,198.51.100.1 ", "198.51.100.1"),
        # Fewer hops than proxies: it did not come through them, so the peer counts.
        (2, "198.51.100.1", "10.0.0.9"),
        (1, "", "10.0.0.9"),
        (1, None, "10.0.0.9"),
        (1, "1.1.1.1, ", "10.0.0.9"),
    ],
)
def test_behind_proxies_the_hop_that_the_outermost_of_them_saw_counts(
    settings, proxies, forwarded, client
):
    settings.TRUSTED_PROXY_COUNT = proxies

    assert address("10.0.0.9", forwarded) == client


@pytest.mark.parametrize(
    "text", ["unknown", "1.2.3", "x" * 10_000, "<script>", "::1::", "1.2.3.4:80"]
)
def test_a_hop_that_is_no_address_is_one_caller(settings, text):
    settings.TRUSTED_PROXY_COUNT = 1

    assert address("10.0.0.9", text) == "unknown"


def test_callers_of_one_ipv6_network_are_one():
    first = address("2001:db8:1:2:3:4:5:6")

    assert first == address("2001:db8:1:2:ffff::1") == "2001:db8:1:2::"
    assert first != address("2001:db8:1:3::1")


def test_an_ipv4_caller_on_an_ipv6_socket_is_the_same_caller():
    assert address("::ffff:203.0.113.5") == address("203.0.113.5")


def test_a_socket_without_address_is_one_caller():
    assert address("") == "unknown"

"""A search that would take long is stopped by the database, and said so."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection
from psycopg.errors import LockNotAvailable

from config import patience
from config.patience import SearchTooSlow, for_seconds

SLOW = "SELECT pg_sleep(20)"


def run(sql: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(patience, "SECONDS", 0.05)


@pytest.mark.django_db(transaction=True)
def test_a_statement_that_takes_longer_is_stopped_and_the_connection_goes_on(impatient):
    with pytest.raises(SearchTooSlow) as refusal, for_seconds("Ask for less."):
        run(SLOW)

    assert refusal.value.message == "That would take too long. Ask for less."
    assert run("SELECT 1") == 1
    assert run("SHOW statement_timeout") == "0"


@pytest.mark.django_db(transaction=True)
def test_settings_hold_within_alone():
    with for_seconds("", "enable_seqscan = off", "work_mem = '3MB'"):
        assert [run(f"SHOW {name}") for name in ("enable_seqscan", "work_mem")] == ["off", "3MB"]
        assert run("SHOW statement_timeout") == "2s"
    assert run("SHOW enable_seqscan") == "on"


@pytest.mark.django_db
def test_another_fault_stays_what_it_is():
    with pytest.raises(OperationalError), for_seconds("", "lock_timeout = '10ms'"):
        raise OperationalError from LockNotAvailable()

"""Writers that meet: real threads, each with a connection of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

from django.db import connection, transaction

PATIENCE_SECONDS = 60


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Run each job in a thread; return what each returned, or the exception it raised."""

    def guarded(job: Callable[[], Any]) -> Any:
        try:
            return job()
        except Exception as error:  # noqa: BLE001 - the caller looks at it.
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(guarded, jobs, timeout=PATIENCE_SECONDS))


def meet(first: Callable[[], Any], second: Callable[[], Any]) -> list[Any]:
    """Run `first`, hold its transaction open until `second` waits for it, then commit.

    No luck involved: it fails when `second` never comes to wait on a lock.
    """
    written, go_on = Event(), Event()

    def hold() -> Any:
        try:
            with transaction.atomic():
                result = first()
                written.set()
                assert go_on.wait(PATIENCE_SECONDS)
                return result
        finally:
            written.set()

    def follow() -> Any:
        assert written.wait(PATIENCE_SECONDS)
        return second()

    def release() -> None:
        assert written.wait(PATIENCE_SECONDS)
        try:
            wait_until_blocked()
        finally:
            go_on.set()

    *results, released = at_once(hold, follow, release)
    assert released is None, released
    return results


def wait_until_blocked(count: int = 1) -> None:
    """Wait until `count` sessions of this database wait for another one's lock."""
    deadline = time.monotonic() + PATIENCE_SECONDS / 2
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0] >= count:
                return
        time.sleep(0.005)
    raise AssertionError("nobody waits for a lock")

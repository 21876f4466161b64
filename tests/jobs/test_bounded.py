"""What the supervisor does waits for nobody: a frozen process may hold any lock."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.db import OperationalError, transaction
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from jobs import beats, bounded, schedules
from jobs.models import ClusterBeat
from tests.config.rivals import PATIENCE_SECONDS, at_once
from tests.factories.jobs import make_beat

pytestmark = pytest.mark.django_db(transaction=True)


def while_held(rows: Any, act: Callable[[], Any]) -> tuple[Any, float]:
    """Act while somebody holds these rows; return what came of it, and the seconds it took."""
    held, acted = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            list(rows.select_for_update())
            held.set()
            acted.wait(PATIENCE_SECONDS)

    def follow() -> tuple[Any, float]:
        assert held.wait(PATIENCE_SECONDS)
        began = time.monotonic()
        try:
            found = act()
        except OperationalError as error:
            found = error
        finally:
            acted.set()
        return found, time.monotonic() - began

    return at_once(hold, follow)[1]


def test_schedules_that_a_frozen_scheduler_holds_are_left_for_later():
    schedules.synchronize()
    Schedule.objects.filter(name="copy_totals").update(minutes=7)

    wrong, seconds = while_held(Schedule.objects.all(), schedules.synchronize)

    assert (wrong, seconds < bounded.LOCK_SECONDS) == (0, True)
    assert schedules.synchronize() == 1


def test_signs_of_life_wait_for_a_lock_for_seconds_only(monkeypatch):
    monkeypatch.setattr(bounded, "LOCK_SECONDS", 1)
    beat = make_beat()

    error, seconds = while_held(ClusterBeat.objects.all(), lambda: beats.record([beat]))

    assert bounded.is_lock_held(error)
    assert seconds < PATIENCE_SECONDS / 2


def test_a_row_that_somebody_holds_is_not_given_back_and_the_others_are():
    soon = timezone.now() + timedelta(hours=1)
    held, free = (OrmQ.objects.create(key="skillboard", payload="", lock=soon) for _ in "ab")

    given, seconds = while_held(
        OrmQ.objects.filter(pk=held.pk), lambda: beats.give_back([held.pk, free.pk])
    )

    assert (given, seconds < bounded.LOCK_SECONDS) == (1, True)
    free.refresh_from_db()
    assert free.lock <= timezone.now()

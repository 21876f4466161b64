"""The fold counts each event once, in its own hour and day, whatever happens around it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from threading import Event

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from skills import event_log, fold
from skills.models import (
    EventKind,
    SiteTotals,
    Skill,
    SkillHourlyStat,
    SkillTotal,
    StatEvent,
)
from tests.config.rivals import PATIENCE_SECONDS, at_once, wait_until_blocked
from tests.factories import stats
from tests.factories.skills import SkillFactory
from tests.factories.stats import counted, daily, hourly, queue, total

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "delta", "found"),
    [
        (EventKind.DOWNLOAD, 0, counted(downloads=1)),
        (EventKind.STAR, 0, counted(stars=1)),
        (EventKind.UNSTAR, 0, counted(stars=-1)),
        (
            EventKind.INSTALL_NEW,
            0,
            counted(installs_new=1, installs_all_time=1, installs_current=1),
        ),
        (EventKind.INSTALL_REACTIVATE, 0, counted(installs_current=1)),
        (EventKind.INSTALL_DEACTIVATE, 0, counted(installs_current=-1)),
        (EventKind.INSTALL_CLEAR, -1, counted(installs_all_time=-1, installs_current=-1)),
        (EventKind.INSTALL_CLEAR, 0, counted(installs_all_time=-1)),
    ],
)
def test_what_each_kind_adds(kind, delta, found):
    skill = SkillFactory()
    queue(skill, kind, NOON, delta=delta)

    stats.fold()

    assert daily(skill) == {NOON.date(): found}
    assert hourly(skill) == {NOON: found}
    # Stars in the totals are the number of star rows, which no event makes.
    assert total(skill) == found | {"stars": 0}
    site = SiteTotals.objects.values(*stats.COLUMNS).get()
    assert site == found


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("moment", "day", "hour"),
    [
        ("2026-03-01T00:00:00+00:00", "2026-03-01", "2026-03-01T00:00:00+00:00"),
        ("2026-02-28T23:59:59.999999+00:00", "2026-02-28", "2026-02-28T23:00:00+00:00"),
        ("2024-02-29T23:59:59+00:00", "2024-02-29", "2024-02-29T23:00:00+00:00"),
        ("2024-03-01T00:00:00+00:00", "2024-03-01", "2024-03-01T00:00:00+00:00"),
        ("2025-12-31T23:30:00-01:00", "2026-01-01", "2026-01-01T00:00:00+00:00"),
        ("2026-03-29T02:30:00+02:00", "2026-03-29", "2026-03-29T00:00:00+00:00"),
        ("2026-05-01T00:15:00+05:30", "2026-04-30", "2026-04-30T18:00:00+00:00"),
    ],
)
def test_hour_and_day_are_those_of_the_event_in_utc(moment, day, hour):
    skill = SkillFactory()
    queue(skill, EventKind.DOWNLOAD, datetime.fromisoformat(moment))

    stats.fold()

    assert list(daily(skill)) == [date.fromisoformat(day)]
    assert list(hourly(skill)) == [datetime.fromisoformat(hour)]


@pytest.mark.django_db
def test_the_session_time_zone_moves_nothing():
    skill = SkillFactory()
    queue(skill, EventKind.DOWNLOAD, datetime(2026, 3, 1, 0, 30, tzinfo=UTC))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'America/New_York'")

    stats.fold()

    assert list(daily(skill)) == [date(2026, 3, 1)]


@pytest.mark.django_db
def test_an_event_a_week_late_joins_its_own_day():
    skill = SkillFactory()
    queue(skill, EventKind.DOWNLOAD, NOON)
    stats.fold()
    queue(skill, EventKind.DOWNLOAD, NOON - timedelta(days=7), NOON, count=2)

    stats.fold()

    assert {day: row["downloads"] for day, row in daily(skill).items()} == {
        NOON.date() - timedelta(days=7): 2,
        NOON.date(): 3,
    }
    assert total(skill)["downloads"] == 5


@pytest.mark.django_db
def test_folding_again_changes_nothing():
    skill = SkillFactory()
    queue(skill, EventKind.DOWNLOAD, NOON, count=3)
    assert stats.fold() == 3
    before = (daily(skill), hourly(skill), total(skill))

    assert stats.fold() == 0

    assert (daily(skill), hourly(skill), total(skill)) == before


@pytest.mark.django_db
def test_many_batches_drain_the_queue(settings):
    settings.STAT_FOLD_BATCH = 7
    skills = [SkillFactory() for _ in range(3)]
    for skill in skills:
        queue(skill, EventKind.DOWNLOAD, NOON, count=50)
    batches: list[int] = []

    assert fold.fold_until_drained(lambda folded: batches.append(folded.taken)) == 150

    assert max(batches) == 7
    assert [total(skill)["downloads"] for skill in skills] == [50, 50, 50]


@pytest.mark.slow
@pytest.mark.django_db
def test_a_million_events_that_wait_are_counted(settings):
    settings.STAT_FOLD_BATCH = 50_000
    skill = SkillFactory()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO skills_statevent (skill_id, kind, occurred_at)"
            " SELECT %s, 0, %s FROM generate_series(1, 1000000)",
            [skill.pk, NOON],
        )

    assert stats.fold() == 1_000_000

    assert total(skill)["downloads"] == 1_000_000


@pytest.mark.django_db
def test_events_of_a_skill_that_is_gone_leave_the_queue_and_count_nothing():
    gone, stays = SkillFactory(), SkillFactory()
    queue(gone, EventKind.DOWNLOAD, NOON, count=2)
    queue(stays, EventKind.DOWNLOAD, NOON)
    gone_id = gone.pk
    gone.delete()

    event_log.prepare(timezone.now())
    folded = fold.fold_batch(100)

    assert (folded.taken, folded.counted) == (3, 1)
    assert not StatEvent.objects.exists()
    assert not SkillTotal.objects.filter(pk=gone_id).exists()
    assert SiteTotals.objects.get().downloads == 1


@pytest.mark.django_db
def test_no_skill_row_is_written_and_updated_at_stays():
    skill = SkillFactory()
    before = Skill.objects.values().get(pk=skill.pk)
    queue(skill, EventKind.DOWNLOAD, count=5)
    with CaptureQueriesContext(connection) as captured:
        stats.fold()

    assert Skill.objects.values().get(pk=skill.pk) == before
    assert not [q for q in captured if 'UPDATE "skills_skill"' in q["sql"]]


@pytest.mark.django_db
def test_the_log_keeps_what_was_folded_and_drops_whole_days():
    skill = SkillFactory()
    queue(skill, EventKind.DOWNLOAD, NOON, count=2)
    stats.fold()
    today = timezone.now().date()
    with connection.cursor() as cursor:
        cursor.execute("SELECT skill_id, kind FROM skills_stateventlog")
        assert cursor.fetchall() == [(skill.pk, EventKind.DOWNLOAD)] * 2

    assert event_log.drop_before(today) == []
    assert len(event_log.drop_before(today + timedelta(days=1))) == 1

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM skills_stateventlog")
        assert cursor.fetchone() == (0,)
    assert total(skill)["downloads"] == 2


@pytest.mark.django_db
def test_without_a_log_nothing_is_kept(settings):
    settings.STAT_EVENT_LOG_DAYS = 0
    queue(SkillFactory(), EventKind.DOWNLOAD, NOON)

    assert stats.fold() == 1


@pytest.mark.django_db(transaction=True)
def test_two_folds_at_once_share_the_queue(settings):
    settings.STAT_FOLD_BATCH = 20
    skills = [SkillFactory() for _ in range(5)]
    for skill in skills:
        queue(skill, EventKind.DOWNLOAD, NOON, count=200)

    taken = at_once(*[stats.fold] * 4)

    assert sum(taken) == 1000
    assert [total(skill)["downloads"] for skill in skills] == [200] * 5


@pytest.mark.django_db(transaction=True)
def test_a_fold_that_waits_does_not_hold_up_the_folds_of_other_skills(settings):
    settings.STAT_EVENT_LOG_DAYS = 0
    slow, quick = SkillFactory(), SkillFactory()
    for skill in (slow, quick):
        queue(skill, EventKind.DOWNLOAD, NOON)
    stats.fold()
    queue(slow, EventKind.DOWNLOAD, NOON)
    quick_done = Event()

    def hold() -> None:
        with transaction.atomic():
            SkillHourlyStat.objects.select_for_update().get(skill=slow)
            held.set()
            assert quick_done.wait(PATIENCE_SECONDS)

    def fold_slow() -> int:
        assert held.wait(PATIENCE_SECONDS)
        return stats.fold()

    def fold_quick() -> int:
        try:
            assert held.wait(PATIENCE_SECONDS)
            wait_until_blocked()
            queue(quick, EventKind.DOWNLOAD, NOON)
            return fold.fold_batch(10).taken
        finally:
            quick_done.set()

    held = Event()
    results = at_once(hold, fold_slow, fold_quick)

    assert results == [None, 1, 1]
    assert [total(skill)["downloads"] for skill in (slow, quick)] == [2, 2]


@pytest.mark.django_db(transaction=True)
def test_a_fold_that_rolls_back_leaves_every_event_for_the_next():
    skill = SkillFactory()
    queue(skill, EventKind.DOWNLOAD, NOON, count=3)
    event_log.prepare(timezone.now())
    with transaction.atomic():
        fold.fold_batch(10)
        transaction.set_rollback(True)

    assert StatEvent.objects.count() == 3
    stats.fold()

    assert total(skill)["downloads"] == 3


@pytest.mark.django_db
@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(list(EventKind)),
            st.integers(0, 4 * 24 * 60).map(lambda m: NOON - timedelta(minutes=m)),
        ),
        max_size=60,
    )
)
def test_totals_days_and_hours_are_what_plain_counting_gives(drawn):
    with transaction.atomic():
        skills = [SkillFactory() for _ in range(3)]
        events = [
            StatEvent(
                skill_id=skills[n].pk,
                kind=kind,
                delta=-1 if kind == EventKind.INSTALL_CLEAR and when.minute % 2 else 0,
                occurred_at=when,
            )
            for n, kind, when in drawn
        ]
        StatEvent.objects.bulk_create(events)

        stats.fold()

        truth = stats.truth((e.skill_id, e.kind, e.delta) for e in events)
        for skill in skills:
            wanted = truth.get(skill.pk, counted())
            for rows in (daily(skill), hourly(skill)):
                sums = counted(**{c: sum(row[c] for row in rows.values()) for c in stats.COLUMNS})
                assert sums == wanted
            if skill.pk in truth:
                assert total(skill) == wanted | {"stars": 0}
        transaction.set_rollback(True)

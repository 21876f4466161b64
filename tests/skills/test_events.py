"""Recording: repeats are harmless, one statement each, and a request never fails for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import time_machine
from django.db import DatabaseError, transaction
from django.utils import timezone

from skills import events
from skills.models import DownloadMark, EventKind, SkillInstall, SkillStar, SkillTotal, StatEvent
from tests.config.rivals import at_once
from tests.factories.skills import SkillFactory
from tests.factories.stats import unusable

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)


def queued() -> list[tuple[int, str]]:
    return [
        (event.skill_id, event.get_kind_display()) for event in StatEvent.objects.order_by("id")
    ]


@pytest.mark.django_db
def test_a_download_counts_once_per_visitor_and_utc_day(django_assert_num_queries):
    skill = SkillFactory()

    with time_machine.travel(MIDNIGHT - timedelta(seconds=1), tick=False):
        with django_assert_num_queries(1):
            assert events.record_download(skill_id=skill.pk, visitor="ip:192.0.2.1")
        with django_assert_num_queries(1):
            assert not events.record_download(skill_id=skill.pk, visitor="ip:192.0.2.1")
        assert events.record_download(skill_id=skill.pk, visitor="user:1")
    with time_machine.travel(MIDNIGHT, tick=False):
        assert events.record_download(skill_id=skill.pk, visitor="ip:192.0.2.1")

    assert queued() == [(skill.pk, "download")] * 3


@pytest.mark.django_db
def test_a_mark_tells_neither_the_address_nor_that_it_is_the_same_visitor_as_yesterday():
    skill = SkillFactory()
    for day in (MIDNIGHT, MIDNIGHT + timedelta(days=1)):
        with time_machine.travel(day, tick=False):
            events.record_download(skill_id=skill.pk, visitor="ip:192.0.2.1")

    marks = set(DownloadMark.objects.values_list("visitor", flat=True))

    assert len(marks) == 2
    assert all(isinstance(mark, UUID) for mark in marks)


@pytest.mark.django_db
def test_another_key_makes_other_marks(settings):
    skill = SkillFactory()
    events.record_download(skill_id=skill.pk, visitor="ip:192.0.2.1")
    settings.SECRET_KEY = "another" * 10

    assert events.record_download(skill_id=skill.pk, visitor="ip:192.0.2.1")


@pytest.mark.django_db
def test_a_star_is_one_statement_and_counts_at_once(django_assert_num_queries, charlie):
    skill = SkillFactory()

    with django_assert_num_queries(1):
        assert events.star(skill_id=skill.pk, user_id=charlie.pk)
    assert not events.star(skill_id=skill.pk, user_id=charlie.pk)

    assert SkillTotal.objects.get(pk=skill.pk).stars == 1
    assert queued() == [(skill.pk, "star")]


@pytest.mark.django_db(transaction=True)
def test_a_star_on_a_skill_deleted_beside_us_says_that_it_is_gone(charlie):
    with pytest.raises(events.SkillGone):
        events.star(skill_id=987_654, user_id=charlie.pk)

    assert queued() == []


@pytest.mark.django_db
def test_a_star_taken_back_counts_at_once_and_once(django_assert_num_queries, charlie):
    skill = SkillFactory()
    events.star(skill_id=skill.pk, user_id=charlie.pk)

    with django_assert_num_queries(1):
        assert events.unstar(skill_id=skill.pk, user_id=charlie.pk)
    assert not events.unstar(skill_id=skill.pk, user_id=charlie.pk)

    assert SkillTotal.objects.get(pk=skill.pk).stars == 0
    assert queued() == [(skill.pk, "star"), (skill.pk, "unstar")]


@pytest.mark.django_db
def test_a_first_install_a_repeat_and_a_return(django_assert_num_queries, charlie):
    one, two = SkillFactory(), SkillFactory()
    with time_machine.travel(MIDNIGHT, tick=False), django_assert_num_queries(1):
        assert events.record_installs(user_id=charlie.pk, skill_ids=[two.pk, one.pk, one.pk])
    with time_machine.travel(MIDNIGHT + timedelta(hours=1), tick=False):
        assert not events.record_installs(user_id=charlie.pk, skill_ids=[one.pk])
    SkillInstall.objects.filter(skill=one).update(is_active=False)
    with time_machine.travel(MIDNIGHT + timedelta(days=90), tick=False):
        assert events.record_installs(user_id=charlie.pk, skill_ids=[one.pk, two.pk])

    assert sorted(queued()) == sorted(
        [(one.pk, "install_new"), (two.pk, "install_new"), (one.pk, "install_reactivate")]
    )


@pytest.mark.django_db(transaction=True)
def test_a_skill_deleted_beside_us_does_not_take_the_report_with_it(charlie):
    skill = SkillFactory()

    assert events.record_installs(user_id=charlie.pk, skill_ids=[skill.pk, 987_654])

    assert queued() == [(skill.pk, "install_new")]


@pytest.mark.django_db
def test_a_report_within_a_day_writes_no_row(charlie):
    skill = SkillFactory()
    with time_machine.travel(MIDNIGHT, tick=False):
        events.record_installs(user_id=charlie.pk, skill_ids=[skill.pk])
    with time_machine.travel(MIDNIGHT + timedelta(hours=23), tick=False):
        events.record_installs(user_id=charlie.pk, skill_ids=[skill.pk])
    assert SkillInstall.objects.get().last_seen_at == MIDNIGHT

    later = MIDNIGHT + timedelta(hours=25)
    with time_machine.travel(later, tick=False):
        events.record_installs(user_id=charlie.pk, skill_ids=[skill.pk])

    assert SkillInstall.objects.get().last_seen_at == later


@pytest.mark.django_db
def test_an_install_unseen_for_sixty_days_is_given_up_once(charlie, mona):
    skill = SkillFactory()
    with time_machine.travel(MIDNIGHT, tick=False):
        events.record_installs(user_id=charlie.pk, skill_ids=[skill.pk])
    with time_machine.travel(MIDNIGHT + timedelta(days=30), tick=False):
        events.record_installs(user_id=mona.pk, skill_ids=[skill.pk])

    with time_machine.travel(MIDNIGHT + timedelta(days=60), tick=False):
        assert events.deactivate_installs(batch=10) == 0
    with time_machine.travel(MIDNIGHT + timedelta(days=60, seconds=1), tick=False):
        assert events.deactivate_installs(batch=10) == 1
        assert events.deactivate_installs(batch=10) == 0

    assert queued()[2:] == [(skill.pk, "install_deactivate")]


@pytest.mark.django_db
def test_an_account_that_goes_takes_its_installs_back_with_what_each_was(charlie):
    active, given_up = SkillFactory(), SkillFactory()
    events.record_installs(user_id=charlie.pk, skill_ids=[active.pk, given_up.pk])
    SkillInstall.objects.filter(skill=given_up).update(is_active=False)
    StatEvent.objects.all().delete()

    assert events.clear_installs(user_id=charlie.pk)

    told = dict(StatEvent.objects.values_list("skill_id", "delta"))
    assert told == {active.pk: -1, given_up.pk: 0}
    assert not SkillInstall.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_count_once(charlie):
    skill = SkillFactory()
    record = [
        lambda: events.record_download(skill_id=skill.pk, visitor="user:7"),
        lambda: events.star(skill_id=skill.pk, user_id=charlie.pk),
        lambda: events.record_installs(user_id=charlie.pk, skill_ids=[skill.pk]),
    ]

    results = at_once(*(record * 8))

    assert sum(results) == 3
    assert sorted(kind for _, kind in queued()) == ["download", "install_new", "star"]
    assert SkillTotal.objects.get(pk=skill.pk).stars == SkillStar.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_the_database_refuses_is_logged_and_fails_nothing(caplog):
    with unusable(DownloadMark):
        assert events.record_download(skill_id=1, visitor="user:1") is False

    assert "record_download was not recorded" in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"kind": 7}, "kind"),
        ({"kind": -1}, "kind"),
        ({"delta": -1}, "delta"),
        ({"kind": EventKind.INSTALL_CLEAR, "delta": 1}, "delta"),
        ({"kind": EventKind.INSTALL_CLEAR, "delta": -1000}, "delta"),
        ({"occurred_at": datetime(2019, 12, 31, 23, 59, 59, tzinfo=UTC)}, "occurred_at"),
        ({"occurred_at": timezone.now() + timedelta(hours=1)}, "occurred_at"),
        ({"occurred_at": datetime(2026, 3, 1)}, "occurred_at"),  # noqa: DTZ001
        ({"occurred_at": None}, "occurred_at"),
        ({"occurred_at": "2026-03-01"}, "occurred_at"),
        ({"skill_id": 2**63}, "skill_id"),
        ({"skill_id": 0}, "skill_id"),
        ({"skill_id": None}, "skill_id"),
    ],
)
def test_events_that_cannot_be_are_refused_whole(told, field):
    good = StatEvent(skill_id=1, kind=EventKind.DOWNLOAD, occurred_at=timezone.now())
    usual = {"skill_id": 1, "kind": EventKind.DOWNLOAD, "occurred_at": timezone.now()}

    with pytest.raises(events.EventRefused) as refusal:
        events.queue_events([good, StatEvent(**usual | told)])

    assert refusal.value.field == field
    assert not StatEvent.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("told", [{"kind": 7}, {"delta": 5}, {"kind": 6, "delta": -2}])
def test_the_database_itself_refuses_what_no_event_can_be(told):
    usual = {"skill_id": 1, "kind": EventKind.DOWNLOAD, "occurred_at": timezone.now()}

    with pytest.raises(DatabaseError), transaction.atomic():
        StatEvent.objects.create(**usual | told)

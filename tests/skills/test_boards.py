"""Building boards: who is on them, in which window, what they are compared with, what is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import DatabaseError
from django.utils import timezone

from jobs.models import JobRun, Trigger
from jobs.progress import Progress
from skills import boards, verdict
from skills.boards import build, prune_snapshots
from skills.events import queue_events
from skills.fold import fold_until_drained
from skills.jobs import build_leaderboards
from skills.models import (
    EventKind,
    Leaderboard,
    LeaderboardEntry,
    Skill,
    SkillDailyStat,
    StatEvent,
)
from skills.models.leaderboard import Board, Window
from tests.config.rivals import at_once
from tests.factories.boards import (
    SUSPICIOUS,
    decided,
    decided_many,
    downloaded,
    ever,
    folded_at,
    in_hour,
    on_day,
    slugs,
    week,
)
from tests.factories.skills import NamespaceFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def today(moment: datetime = NOW):
    return moment.date()


# --- Windows -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "first", "last"),
    [
        (NOW, datetime(2026, 2, 28, 12, tzinfo=UTC), datetime(2026, 3, 1, 11, tzinfo=UTC)),
        (
            datetime(2026, 1, 1, tzinfo=UTC),
            datetime(2025, 12, 31, tzinfo=UTC),
            datetime(2025, 12, 31, 23, tzinfo=UTC),
        ),
        (
            datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC),
            datetime(2028, 2, 28, 23, tzinfo=UTC),
            datetime(2028, 2, 29, 22, tzinfo=UTC),
        ),
    ],
)
def test_24_hours_are_the_last_24_completed_ones(now, first, last):
    skill, too_old, too_new = decided_many(3)
    in_hour(skill, first, 1)
    in_hour(skill, last, 2)
    in_hour(too_old, first - HOUR, 50)
    in_hour(too_new, last + HOUR, 50)

    built = build(Board.TRENDING, Window.DAY, now).plain

    assert slugs(built) == [skill.slug]
    assert built.entries.get().downloads == 3


@pytest.mark.parametrize(("window", "count"), [(Window.WEEK, 7), (Window.MONTH, 30)])
@pytest.mark.parametrize("now", [NOW, datetime(2028, 3, 1, 0, 5, tzinfo=UTC)])
def test_days_are_utc_days_with_today(window, count, now):
    skill, too_old = decided_many(2)
    on_day(skill, today(now), downloads=1)
    on_day(skill, today(now) - (count - 1) * DAY, downloads=2)
    on_day(too_old, today(now) - count * DAY, downloads=50)

    built = build(Board.TRENDING, window, now).plain

    assert slugs(built) == [skill.slug]
    assert built.entries.get().downloads == 3


def test_rising_takes_skills_of_the_last_30_days_only():
    young = decided(slug="young", created_at=NOW - 30 * DAY)
    old = decided(slug="old", created_at=NOW - 30 * DAY - timedelta(seconds=1))
    on_day(young, today(), downloads=1)
    on_day(old, today(), downloads=50)

    assert slugs(build(Board.RISING, Window.WEEK, NOW).plain) == ["young"]
    assert slugs(week(NOW).plain) == ["old", "young"]


def test_all_time_is_made_of_the_totals():
    one, other = decided_many(2)
    ever(one, 5)
    ever(other, 9)

    assert slugs(build(Board.ALL_TIME, Window.EVER, NOW).plain) == [other.slug, one.slug]


def test_an_event_that_comes_a_week_late_counts_on_its_day():
    skill, now = decided(), timezone.now()
    late = StatEvent(skill_id=skill.pk, kind=EventKind.DOWNLOAD, occurred_at=now - 7 * DAY)
    queue_events([late])
    fold_until_drained()

    assert slugs(week(now).plain) == []
    assert slugs(build(Board.TRENDING, Window.MONTH, now).plain) == [skill.slug]


def test_a_day_with_nothing_makes_an_empty_board_and_a_zero_in_the_drawing():
    skill = decided()
    on_day(skill, today() - 2 * DAY, downloads=4)
    on_day(skill, today() - 13 * DAY, downloads=3)
    on_day(skill, today() - 14 * DAY, downloads=9)

    entry = week(NOW).plain.entries.get()

    assert entry.days == [3, *[0] * 10, 4, 0, 0]
    assert slugs(build(Board.TRENDING, Window.DAY, NOW).plain) == []


def test_the_downloads_of_the_window_are_those_of_every_skill():
    on_day(decided(), today(), downloads=4)
    on_day(decided(moderation_reason=verdict.SCAN_PENDING), today(), downloads=5)

    assert week(NOW).plain.window_downloads == 9


# --- Who is on a board ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "plain", "everything"),
    [
        ({"moderation_reason": "scanner.static.clean"}, True, True),
        ({"moderation_reason": "manual.approved"}, True, True),
        ({"moderation_reason": "scanner.static.pending"}, False, False),
        ({"moderation_reason": "scanner.static.running"}, False, False),
        ({"moderation_reason": "scanner.vt.failed"}, False, False),
        (SUSPICIOUS, False, True),
        (SUSPICIOUS | {"moderation_reason": "scanner.static.suspicious"}, False, True),
        # A new version inherits the doubt until its scan is done.
        (SUSPICIOUS | {"moderation_reason": "scanner.static.pending"}, False, True),
        ({"moderation_status": "hidden", "moderation_reason": "auto.reports"}, False, False),
        ({"moderation_status": "removed", "moderation_reason": "manual.removed"}, False, False),
        ({"soft_deleted_at": NOW}, False, False),
    ],
)
def test_a_board_holds_what_the_truth_table_says(columns, plain, everything):
    skill = decided(**columns)
    on_day(skill, today(), downloads=1)

    built = week(NOW)

    assert slugs(built.plain) == [skill.slug] * plain
    assert slugs(built.everything) == [skill.slug] * everything


def test_a_skill_whose_versions_are_all_withdrawn_is_on_no_board():
    skill = decided()
    on_day(skill, today(), downloads=1)
    for version in skill.versions.all():
        version.withdrawn_at = NOW
        version.save()

    assert slugs(week(NOW).everything) == []


@pytest.mark.parametrize("reason", ["pending", "running", "failed", "clean", "suspicious", "x"])
@pytest.mark.parametrize("scanner", ["scanner.static", "scanner.vt", "manual", "auto"])
def test_the_pattern_of_queries_is_the_word_of_the_truth_table(scanner, reason):
    whole = f"{scanner}.{reason}"
    skill = decided(moderation_reason=whole)
    on_day(skill, today(), downloads=1)
    is_suspicious = Skill.objects.get(pk=skill.pk).is_suspicious
    word = verdict.word_of_active(whole, is_suspicious=is_suspicious)

    assert slugs(week(NOW).everything) == [skill.slug] * (word != verdict.Word.NOT_SCANNED)


def test_what_only_lost_something_has_no_rank():
    on_day(decided(), today(), stars=-1)
    gained = decided()
    on_day(gained, today(), stars=1)

    assert slugs(week(NOW).plain) == [gained.slug]


def test_a_deleted_skill_leaves_no_gap_even_where_its_counts_are_left_over():
    gone, left = decided_many(2)
    on_day(left, today(), downloads=1)
    on_day(gone, today(), downloads=50)
    key = gone.pk
    gone.delete()
    SkillDailyStat.objects.create(day=today(), skill_id=key, downloads=50)

    assert slugs(week(NOW).plain) == [left.slug]


def test_what_is_left_out_is_left_out_before_the_cut():
    hidden = decided_many(600, moderation_status="hidden", moderation_reason="manual.hidden")
    shown = decided_many(3, NamespaceFactory())
    downloaded(hidden, today(), most=10_000)
    downloaded(shown, today(), most=10)

    assert slugs(week(NOW).plain) == [skill.slug for skill in shown]


def test_an_owner_with_300_skills_gets_two_of_the_first_20():
    flood = decided_many(300, NamespaceFactory())
    others = decided_many(30)
    downloaded(flood, today(), most=10_000)
    downloaded(others, today(), most=100)

    ranks = slugs(week(NOW).plain)

    assert ranks[:20] == [s.slug for s in (*flood[:2], *others[:18])]
    assert ranks[20:] == [s.slug for s in flood[2:182]]


def test_it_asks_for_more_until_both_variants_are_full(monkeypatch):
    monkeypatch.setattr(boards, "FIRST_KEEP", 10)
    doubtful = decided_many(210, NamespaceFactory(), **SUSPICIOUS)
    flood = decided_many(210, NamespaceFactory())
    others = decided_many(20)
    downloaded(doubtful, today(), most=10_000)
    downloaded(flood, today(), most=1_000)
    downloaded(others, today(), most=100)

    built = week(NOW)

    assert slugs(built.plain)[:20] == [s.slug for s in (*flood[:2], *others[:18])]
    assert slugs(built.everything)[:4] == [s.slug for s in (*doubtful[:2], *flood[:2])]
    assert built.everything.entry_count == built.plain.entry_count == 200
    assert built.plain.suspicious_count == built.everything.suspicious_count > 0


def test_those_who_tie_at_the_cut_are_told_apart_by_what_follows(monkeypatch):
    monkeypatch.setattr(boards, "FIRST_KEEP", 210)
    downloaded(decided_many(190), today(), most=1_000)
    tied = [decided(slug=f"tied-{n:02}", created_at=NOW - n * HOUR) for n in reversed(range(30))]
    for skill in tied:
        on_day(skill, today(), downloads=1)

    assert slugs(week(NOW).plain)[190:] == [f"tied-{n:02}" for n in range(10)]


# --- Movement ------------------------------------------------------------------------------------


def test_movement_is_against_the_snapshot_nearest_to_a_day_before():
    falls, climbs, new = decided_many(3)
    on_day(falls, today() - 3 * DAY, downloads=5)
    on_day(climbs, today() - 3 * DAY, downloads=4)
    yesterday = week(NOW - DAY).plain
    on_day(climbs, today(), downloads=9)
    on_day(new, today(), downloads=1)
    week(NOW - 3 * HOUR)

    built = week(NOW).plain

    assert built.compared_with == yesterday
    rows = built.entries.order_by("rank").values_list("skill", "previous_rank")
    assert list(rows) == [(climbs.pk, 2), (falls.pk, 1), (new.pk, None)]


@pytest.mark.parametrize("hours", [11, 37])
def test_without_a_snapshot_near_enough_there_is_no_movement(hours):
    skill = decided()
    on_day(skill, today() - 3 * DAY, downloads=5)
    week(NOW - hours * HOUR)

    built = week(NOW).plain

    assert built.compared_with is None
    assert built.entries.get().previous_rank is None


def test_the_board_says_until_when_events_are_counted():
    assert week(NOW).plain.counted_until is None
    folded_at(NOW - HOUR)

    assert week(NOW).plain.counted_until == NOW - HOUR


# --- Whole, or not at all ------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_builders_at_once_leave_whole_snapshots():
    downloaded(decided_many(30), today(), most=100)
    start = Barrier(2)

    def run():
        start.wait(10)
        return week(NOW).plain.pk

    built = at_once(run, run)

    assert len(set(built)) == 2
    for header in Leaderboard.objects.all():
        assert len(slugs(header)) == header.entry_count == 30


@pytest.mark.django_db(transaction=True)
def test_a_build_that_dies_before_its_commit_leaves_nothing(monkeypatch):
    downloaded(decided_many(3), today(), most=100)
    before = week(NOW - HOUR).plain
    written = LeaderboardEntry.objects.bulk_create
    calls = []

    def dies_at_the_second(rows):
        calls.append(written(rows))
        if len(calls) == 2:
            raise DatabaseError("the connection is gone")

    monkeypatch.setattr(LeaderboardEntry.objects, "bulk_create", dies_at_the_second)
    with pytest.raises(DatabaseError):
        week(NOW)

    of_board = Leaderboard.objects.of(Board.TRENDING, Window.WEEK, with_suspicious=False)
    assert of_board.first() == before
    assert Leaderboard.objects.count() == 2
    assert LeaderboardEntry.objects.count() == 6


def test_the_job_builds_every_board_and_a_second_run_changes_no_rank():
    downloaded(decided_many(5), timezone.now().date(), most=100)

    for kind in ("first", "second"):
        run = JobRun.objects.create(kind=kind, trigger=Trigger.COMMAND, lease_token=uuid4())
        told = build_leaderboards(Progress(run, run.lease_token, slice_seconds=None))

        assert told == {"boards": 5, "old_snapshots": 0}

    newest, other = Leaderboard.objects.of(Board.TRENDING, Window.WEEK, with_suspicious=False)
    assert slugs(newest) == slugs(other)
    assert Leaderboard.objects.count() == 20


def test_a_run_goes_on_at_the_board_where_it_stopped():
    assert list(boards.build_all(NOW, after=3)) == [4, 5]
    assert set(Leaderboard.objects.values_list("board", flat=True)) == {"rising", "all-time"}


# --- What is kept --------------------------------------------------------------------------------


def snapshots() -> list[datetime]:
    named = Leaderboard.objects.of(Board.TRENDING, Window.WEEK, with_suspicious=False)
    return [row.built_at for row in named]


def test_every_snapshot_is_kept_for_26_hours_then_the_last_of_each_day():
    for hours in range(24 * 40):
        Leaderboard.objects.create(
            board=Board.TRENDING,
            window=Window.WEEK,
            with_suspicious=False,
            built_at=NOW - hours * HOUR,
            entry_count=0,
        )

    assert prune_snapshots(NOW) == 40 * 24 - 27 - 30

    kept = snapshots()
    assert kept[:27] == [NOW - n * HOUR for n in range(27)]
    assert [moment.hour for moment in kept[27:]] == [9, *[23] * 29]
    assert len({moment.date() for moment in kept[27:]}) == 30
    assert prune_snapshots(NOW) == 0


def test_pruning_takes_the_entries_and_leaves_those_compared_with_it():
    skill = decided()
    on_day(skill, today(), downloads=1)
    week(NOW - 25 * HOUR)
    later = week(NOW).plain

    prune_snapshots(NOW + 40 * DAY)

    assert not LeaderboardEntry.objects.exists()
    assert not Leaderboard.objects.filter(pk=later.pk).exists()

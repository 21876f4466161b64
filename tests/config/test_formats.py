"""Numbers and times are written one way everywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.utils import translation

from config.formats import (
    NOTHING,
    bytes_size,
    calendar_day,
    change,
    clock_time,
    compact_count,
    day_and_month,
    decimal,
    dollars,
    duration,
    exact_count,
    exact_time,
    percent,
    relative_time,
    short_date,
)

NOW = datetime(2026, 3, 3, 14, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1k"),
        (1299, "1.2k"),
        (12_499, "12.4k"),
        (99_999, "99.9k"),
        (124_999, "124k"),
        (999_999, "999k"),
        (1_299_999, "1.2M"),
        (5_000_000_000, "5B"),
        (-1299, "-1.2k"),
        (None, NOTHING),
    ],
)
def test_compact_counts_truncate_and_never_round_up(count, text):
    assert compact_count(count) == text


def test_exact_counts_have_separators():
    assert [exact_count(n) for n in (0, 12_431, None)] == ["0", "12,431", NOTHING]


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1 KB"), (10_485_759, "9.9 MB"), (None, NOTHING)],
)
def test_sizes(size, text):
    assert bytes_size(size) == text


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (0, "0 s"),
        (0.34, "340 ms"),
        (59.9, "59 s"),
        (240, "4 min"),
        (4320, "1 h 12 min"),
        (7200, "2 h"),
        (timedelta(days=2, hours=3, minutes=59), "2 d 3 h"),
        (-240, "-4 min"),
        (None, NOTHING),
    ],
)
def test_durations(span, text):
    assert duration(span) == text


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=3, minutes=50), "3 h ago"),
        (timedelta(days=30), "30 d ago"),
        (timedelta(days=30, seconds=1), "1 Feb 2026"),
        (-timedelta(hours=3), "in 3 h"),
        (-timedelta(days=40), "12 Apr 2026"),
    ],
)
def test_relative_time(age, text):
    assert relative_time(NOW - age, NOW) == text


def test_dates_are_utc_whatever_the_zone_of_the_moment():
    late = datetime(2026, 3, 4, 1, 0, 0, tzinfo=timezone(timedelta(hours=2)))

    assert (short_date(late), exact_time(late)) == ("3 Mar 2026", "2026-03-03 23:00:00 UTC")
    assert (short_date(None), exact_time(None), relative_time(None, NOW)) == (NOTHING,) * 3


@pytest.mark.parametrize(
    ("name", "exact", "clock"),
    [
        ("Europe/Paris", "2026-03-28 23:30:00 UTC+1", "23:30 UTC+1"),
        ("America/St_Johns", "2026-03-28 20:00:00 UTC-2:30", "20:00 UTC-2:30"),
        ("Asia/Kathmandu", "2026-03-29 04:15:00 UTC+5:45", "29 Mar 2026, 04:15 UTC+5:45"),
        ("Africa/Abidjan", "2026-03-28 22:30:00 UTC", "22:30 UTC"),
    ],
)
def test_exact_times_are_told_in_a_zone_with_how_far_it_is_from_utc(name, exact, clock):
    moment = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)
    before = datetime(2026, 3, 28, 15, 0, tzinfo=UTC)

    assert exact_time(moment, ZoneInfo(name)) == exact
    assert clock_time(moment, before, ZoneInfo(name)) == clock


def test_summer_time_is_told_apart():
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    told = [exact_time(first + n * timedelta(hours=1), ZoneInfo("Europe/Paris")) for n in (0, 1)]

    assert told == ["2026-10-25 02:30:00 UTC+2", "2026-10-25 02:30:00 UTC+1"]


def _rendered(source, **context):
    return Template("{% load formats %}" + source).render(Context(context))


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (112, 100, "+12 %"),
        (1_999, 1_000, "+99.9 %"),
        (1_129, 1_000, "+12.9 %"),
        (50, 100, "-50 %"),
        (0, 3, "-100 %"),
        (100_000, 1, "+9,999,900 %"),
        (100_001, 100_000, "0"),
        (7, 7, "0"),
        (7, 0, NOTHING),
        (-1, 7, NOTHING),
        (None, 7, NOTHING),
        (7, None, NOTHING),
    ],
)
def test_a_change_has_its_sign_truncates_and_is_unknown_without_a_before(now, before, text):
    assert change(now, before) == text


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOW, "14:05 UTC"),
        (NOW - timedelta(hours=14), "00:05 UTC"),
        (NOW - timedelta(hours=15), "2 Mar 2026, 23:05 UTC"),
        (NOW.astimezone(timezone(timedelta(hours=10))), "14:05 UTC"),
        (None, NOTHING),
    ],
)
def test_a_time_of_day_names_the_day_if_it_is_not_today(moment, text):
    assert clock_time(moment, NOW) == text


def test_days_of_the_calendar():
    assert calendar_day(NOW.date()) == "3 Mar 2026"
    assert day_and_month(NOW.date()) == "3 Mar"


def test_time_ago_tag():
    html = _rendered("{% time_ago dt now %}", dt=NOW - timedelta(hours=3), now=NOW)

    assert html == (
        '<time datetime="2026-03-03T11:05:12Z" title="2026-03-03 11:05:12 UTC">3 h ago</time>'
    )
    assert _rendered("{% time_ago dt %}", dt=None) == NOTHING


def test_time_ago_without_now_is_about_the_present():
    assert ">just now<" in _rendered("{% time_ago dt %}", dt=datetime.now(tz=UTC))


def test_count_tag_is_the_same_in_every_locale():
    with translation.override("de"):
        html = _rendered("{% count n %}", n=12_431)

    assert html == '<data value="12431" title="12,431">12.4k</data>'
    assert _rendered("{% count n %}", n=431) == '<data value="431">431</data>'
    assert _rendered("{% count n %}", n=None) == NOTHING


def test_filters_escape_and_answer_none():
    html = _rendered(
        "{{ t|mark_invisible }} {{ n|compact_count }} {{ b|bytes_size }}",
        t="<\u200b",
        n=None,
        b=2048,
    )

    assert html.startswith("&lt;<mark ")
    assert html.endswith("— 2 KB")


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 9_800, "0.0 %"),
        (1_240, 9_800, "12.6 %"),
        (9_799, 9_800, "99.9 %"),
        (9_800, 9_800, "100.0 %"),
        (1, 0, NOTHING),
    ],
)
def test_a_share_is_cut_off_so_that_only_all_reads_as_all(part, whole, text):
    assert percent(part, whole) == text


def test_measured_numbers_have_separators_and_the_decimals_asked_for():
    assert decimal(13057.46, 1) == "13,057.5"
    assert decimal(0, 2) == "0.00"


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (None, NOTHING),
        (0, "$0.00"),
        (1, "$0.000001"),
        (2_400, "$0.0024"),
        (9_999, "$0.009999"),
        (10_000, "$0.01"),
        (19_999, "$0.01"),
        (1_240_500_000, "$1,240.50"),
        (10**12, "$1,000,000.00"),
    ],
)
def test_money_is_never_written_as_more_than_it_is(micros, text):
    assert dollars(micros) == text

"""Charts: well-formed and small whatever the numbers are, and true to them."""

from __future__ import annotations

import re
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.charts import _ticks, bars, ranks, sparkline

FIRST = date(2024, 1, 20)  # Its 90 days hold a leap day and two ends of months.
COUNTS = st.integers(min_value=-(10**6), max_value=10**13)
RANKS = st.integers(min_value=1, max_value=200)
LABELS = st.text(st.characters(codec="utf-8", categories=["L", "P", "S", "N", "Zs"]), max_size=80)


def days_of(values) -> list[tuple[date, int | None]]:
    return [(FIRST + timedelta(days=n), value) for n, value in enumerate(values)]


def gappy(numbers, most=90):
    return st.lists(st.none() | numbers, max_size=most).map(days_of)


def read(svg: str) -> ET.Element:
    """The drawing as a tree, after the checks that hold for every one."""
    root = ET.fromstring(svg)
    for element in root.iter():
        assert element.tag in {"svg", "title", "desc", "path", "line", "text"}
        assert not {
            name for name in element.attrib if name in {"style", "id"} or name.startswith("on")
        }
    assert root.get("role") == "img"
    assert root[0].tag == "title"
    assert not re.search(r"\b(nan|inf)\b|e[+-]?\d", svg.partition("</title>")[2])
    assert set(re.findall(r"#[0-9a-f]{6}|rgb", "".join(root.attrib.values()))) == set()
    return root


def paths(svg: str) -> list[ET.Element]:
    """What is drawn in the plot."""
    return list(read(svg).find("svg").iter("path"))


def words(svg: str) -> list[str]:
    return [text.text for text in read(svg).iter("text")]


# --- Whatever the numbers are ---------------------------------------------------------------------


@given(st.lists(COUNTS, max_size=120), LABELS)
def test_a_sparkline_is_small_and_well_formed(values, label):
    svg = sparkline(values, label=label)

    assert read(svg)[0].text == label or not label
    assert len(sparkline(values, label="Downloads per day, the last 30 days").encode()) <= 400
    assert len(re.findall(r"[ -]\d+", read(svg).find("path").get("d"))) <= 1 + 2 * 29


@given(gappy(COUNTS), st.booleans(), LABELS)
def test_bars_are_small_and_well_formed(days, partial, label):
    svg = bars(days, label=label, partial_last=partial)

    read(svg)
    assert len(bars(days, label="Downloads per day", partial_last=partial).encode()) <= 6 * 1024


@given(gappy(RANKS), LABELS)
def test_ranks_are_small_and_well_formed(points, label):
    read(ranks(points, label=label))
    assert len(ranks(points, label="Rank among trending skills").encode()) <= 6 * 1024


@given(st.integers(min_value=0, max_value=10**15))
def test_an_axis_has_at_most_four_round_ticks_from_0_and_reaches_the_largest(largest):
    ticks = _ticks(largest)

    assert ticks[0] == 0
    assert 2 <= len(ticks) <= 4
    assert ticks[-1] >= max(largest, 1)
    assert ticks[-2] < max(largest, 1)
    assert str(ticks[1]).rstrip("0") in {"1", "2", "5"}


# --- True to the numbers --------------------------------------------------------------------------


def tops(svg: str) -> list[float]:
    """How far below the top each solid bar begins."""
    return [float(y) for y in re.findall(r"M[\d.]+ ([\d.]+)h7", paths(svg)[0].get("d"))]


def test_a_bar_is_as_high_as_its_share_of_the_axis():
    svg = bars(days_of([0, 50, 100]), label="x", partial_last=False)

    assert tops(svg) == [99.5, 50, 0]
    assert words(svg) == ["0", "50", "100", "20 Jan", "22 Jan"]


def test_a_gap_is_left_empty_and_a_day_with_none_is_not():
    assert len(tops(bars(days_of([5, None, 5]), label="x", partial_last=False))) == 2
    assert len(tops(bars(days_of([5, 0, 5]), label="x", partial_last=False))) == 3


def test_one_download_among_thousands_can_still_be_told_from_none():
    none, one, _many = tops(bars(days_of([0, 1, 9_000]), label="x", partial_last=False))

    assert none - one >= 1


def test_a_negative_count_is_drawn_as_none():
    assert tops(bars(days_of([-3, 1]), label="x", partial_last=False)) == [99.5, 0]


def test_today_is_hatched_and_called_so_far():
    svg = bars(days_of([3, 4]), label="x", partial_last=True)
    solid, stripes, outline = paths(svg)

    assert solid.get("d").count("M") == 1
    assert stripes.get("stroke-dasharray")
    assert outline.get("fill") == "none"
    assert words(svg)[-1] == "21 Jan, so far"


def test_today_alone_and_no_day_at_all_can_be_drawn():
    assert words(bars(days_of([4]), label="x", partial_last=True))[-1] == "20 Jan, so far"
    assert paths(bars([], label="x", partial_last=True)) == []
    assert paths(ranks(days_of([None, None]), label="x")) == []


def test_large_counts_are_written_short():
    assert words(bars(days_of([10**12]), label="x", partial_last=False))[:3] == ["0", "500B", "1T"]


def test_the_first_rank_is_on_top_and_a_gap_interrupts_the_line():
    svg = ranks(days_of([1, 3, None, 2]), label="x")
    line, dots = paths(svg)

    assert line.get("d") == "M5 0L15 100M35 50"
    assert dots.get("d") == "M5 0h0M15 100h0M35 50h0"
    assert words(svg)[:3] == ["#1", "#2", "#3"]


def test_a_lasting_first_rank_is_a_line_along_the_top():
    line, _dots = paths(ranks(days_of([1, 1, 1]), label="x"))

    assert line.get("d") == "M5 0L15 0L25 0"


@pytest.mark.parametrize(
    ("values", "drawn"), [([7], "m0 2h0"), ([], "m0 22h0"), ([0, 2, 1], "m0 22 60-20 60 10h0")]
)
def test_a_sparkline_of_one_value_is_a_dot_and_of_nothing_lies_on_the_ground(values, drawn):
    assert read(sparkline(values, label="x")).find("path").get("d") == drawn


def test_a_label_cannot_break_out():
    svg = sparkline([1], label="</title><script>alert(1)</script>")

    assert read(svg)[0].text == "</title><script>alert(1)</script>"
    assert "<script" not in svg


def test_a_limit_is_a_dashed_line_that_the_axis_holds():
    svg = bars(days_of([0, 300]), label="Tokens a day", partial_last=False, limit=1_200)

    _bar, line = paths(svg)
    assert (line.get("d"), line.get("stroke-dasharray")) == ("M0 20h20", "6 4")
    assert words(svg)[:4] == ["0", "500", "1k", "1.5k"]
    assert len(paths(bars(days_of([0, 300]), label="Tokens a day", partial_last=False))) == 1
    assert len(paths(bars(days_of([]), label="Tokens a day", partial_last=True, limit=0))) >= 1

"""Progress, results, errors and cursors in words."""

from __future__ import annotations

import pytest

from config.text import mark_invisible
from jobs.words import (
    clamp,
    cursor_words,
    cut_to_html,
    headline,
    progress_words,
    quarters_done,
    result_words,
)


@pytest.mark.parametrize(
    ("done", "total", "rate", "words"),
    [
        (1_240, 9_800, 35.0, "1,240 of 9,800 · 12.6 % · about 4 min left"),
        (0, 9_800, None, "0 of 9,800 · 0.0 %"),
        (9_800, 9_800, 35.0, "9,800 of 9,800 · 100.0 %"),
        (9_900, 9_800, 35.0, "9,800 of 9,800 · 100.0 %"),
        (0, 0, None, "0 of 0"),
        (12, None, 3.0, "12 so far"),
        (0, None, None, "Not counted yet"),
    ],
)
def test_progress_in_words(done, total, rate, words):
    assert progress_words(done, total, rate) == words


@pytest.mark.parametrize(
    ("done", "total", "reached"),
    [(0, 4, 0), (1, 4, 25), (199, 400, 25), (3, 4, 75), (4, 4, 100), (9, 4, 100), (9, None, 0)],
)
def test_progress_is_announced_by_quarters(done, total, reached):
    assert quarters_done(done, total) == reached


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({}, ""),
        ({"events": 1_200, "of_deleted_skills": 0}, "1,200 events · 0 of deleted skills"),
        ({"drift": {}, "site_drift": {"stars": 1}}, "0 drift · 1 site drift"),
        ({"name": "x" * 500}, "name " + "x" * 59 + "…"),
    ],
)
def test_a_result_in_words(result, words):
    assert result_words(result) == words


def test_a_traceback_is_told_by_its_last_line():
    error = "Traceback (most recent call last):\n  File x\nValueError: no\n  such thing\n\n"

    assert headline(error) == "such thing"
    assert headline("") == ""
    assert headline("x" * 4_000) == "x" * 159 + "…"


@pytest.mark.parametrize("character", ["<", "\u202e", "a\u202e", "😀", "é"])
def test_a_text_is_cut_to_what_its_html_may_measure(character):
    text = f"begin {character * 400} end"

    start, end = cut_to_html(text, 200), cut_to_html(text, 200, keep_end=True)

    assert text.startswith(start)
    assert text.endswith(end)
    assert start.startswith("begin")
    assert end.endswith("end")
    assert all(100 < len(mark_invisible(cut).encode()) <= 200 for cut in (start, end))
    assert cut_to_html(start, 200) == start


def test_a_cursor_is_told_whatever_it_is():
    assert cursor_words(None) == ""
    assert cursor_words(0) == "0"
    assert cursor_words({"after": [1, "a"]}) == '{"after":[1,"a"]}'
    assert len(cursor_words("x" * 10_000)) == 60


def test_clamping_says_that_something_is_missing():
    assert clamp("a\n b") == "a b"
    assert clamp("x" * 10, 10) == "x" * 10
    assert clamp("x" * 11, 10) == "x" * 9 + "…"
    assert clamp(" " * 100 + "x", 10).endswith("…")

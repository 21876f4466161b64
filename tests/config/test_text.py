"""Text from strangers is cleaned, refused or made visible."""

from __future__ import annotations

import unicodedata

import pytest

from config.text import (
    FOLD_LIMIT,
    Segment,
    TextRefused,
    clean_line,
    fold,
    has_unstorable,
    invisible_segments,
    mark_invisible,
    refuse_unstorable,
    replace_unstorable,
    visible_invisibles,
)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "x\udfff"])
def test_nul_and_lone_surrogates_are_refused_and_replaced(text):
    assert has_unstorable(text)
    with pytest.raises(TextRefused) as refusal:
        refuse_unstorable(text, field="summary")
    assert (refusal.value.code, refusal.value.field) == ("unstorable_text", "summary")
    assert not has_unstorable(replace_unstorable(text))


def test_ordinary_text_may_be_stored():
    assert refuse_unstorable("naïve 👩‍💻 \U0010ffff\x1b") == "naïve 👩‍💻 \U0010ffff\x1b"


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("  two \t\n words ", "two words"),
        ("e\u0301", "é"),
        ("pay\u202egnp.exe", "paygnp.exe"),
        ("a\u200b\u200c\u200d\u2060\ufeffb", "ab"),
        ("a\x00\x07\x1b\x7f\x9fb", "ab"),
        ("a\ue000\U000f0000\U0010fffdb", "ab"),
        ("a\U000e0041\U000e0042b", "ab"),
        ("a\ufe0fb", "ab"),
        ("❤\ufe0f", "❤\ufe0f"),
        ("\ud800", ""),
        ("a \u200b b", "a b"),
        ("日本語 名前", "日本語 名前"),
    ],
)
def test_clean_line(raw, clean):
    assert clean_line(raw, 50) == clean
    assert clean_line(clean, 50) == clean


def test_clean_line_cuts_at_the_limit_and_leaves_no_space_at_the_end():
    assert clean_line("abcd efgh", 5) == "abcd"
    assert len(clean_line("x" * 99, 10)) == 10


def test_fold_makes_names_equal_that_look_equal():
    keys = {
        fold(name)
        for name in ("Éric  Straße", "eric strasse", "\uff25\uff32\uff29\uff23\u200b STRASSE")
    }
    assert keys == {"eric strasse"}


@pytest.mark.parametrize("name", ["が", "हिन्दी", "שָׁלוֹם"])
def test_fold_keeps_marks_that_are_part_of_the_letters(name):
    assert fold(name) == unicodedata.normalize("NFKC", name)


def test_fold_is_bounded_for_characters_that_expand():
    key = fold("\ufdfa" * 5000)

    assert 0 < len(key) <= FOLD_LIMIT
    assert fold(key) == key


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a\u202eb", "a[U+202E]b"),
        ("pass\u200bword", "pass[U+200B]word"),
        ("\ufeff#!", "[U+FEFF]#!"),
        ("a\u200db", "a[U+200D]b"),
        ("\x1b[31m\r", "[U+001B][31m[U+000D]"),
        ("\ud800", "[U+D800]"),
        ("a\U000e0041", "a[U+E0041]"),
        ("a\ufe0f", "a[U+FE0F]"),
        ("❤\ufe0f\ufe0f", "❤\ufe0f[U+FE0F]"),
    ],
)
def test_what_hides_is_written_out(raw, shown):
    assert visible_invisibles(raw) == shown


@pytest.mark.parametrize(
    "text",
    ["tab\tline\n", "👩\u200d💻", "❤\ufe0f", "1\ufe0f\u20e3", "\u0645\u06cc\u200c\u062e\u0648"],
)
def test_ordinary_writing_is_not_marked(text):
    assert visible_invisibles(text) == text


def test_segments_name_the_character():
    assert list(invisible_segments("a\u202e<")) == [
        Segment("a", is_mark=False, title=""),
        Segment("[U+202E]", is_mark=True, title="U+202E RIGHT-TO-LEFT OVERRIDE"),
        Segment("<", is_mark=False, title=""),
    ]


def test_a_long_hidden_run_is_counted_instead_of_listed():
    shown = visible_invisibles("\U000e0041" * 5000)

    assert shown.endswith("[+4992 more]")
    assert len(shown) < 200


def test_marked_html_escapes_the_rest():
    assert mark_invisible("<b>\u200b") == (
        '&lt;b&gt;<mark class="invisible" title="U+200B ZERO WIDTH SPACE">[U+200B]</mark>'
    )

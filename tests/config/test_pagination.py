"""Cursors and page sizes from strangers; the row comparison behind a page."""

from __future__ import annotations

import pytest
from django.core.signing import Signer
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Namespace
from config.pagination import (
    MAX_PAGE_SIZE,
    CursorRefused,
    LimitRefused,
    RowCompare,
    parse_limit,
    read_cursor,
    sign_cursor,
)
from tests.factories.skills import NamespaceFactory


@pytest.mark.parametrize(("text", "limit"), [("", 25), (None, 25), ("1", 1), ("200", 200)])
def test_a_page_size_in_range_is_taken(text, limit):
    assert parse_limit(text) == limit


@pytest.mark.parametrize(
    "text",
    ["0", "007", "201", "-1", "+5", "1.0", "1e2", " 5", "5 ", "0x10", "٣", "²", "1_0", "x", "\0", "9" * 9_999],
)  # fmt: skip
def test_a_page_size_out_of_range_or_no_number_is_refused(text):
    with pytest.raises(LimitRefused) as refusal:
        parse_limit(text)

    assert str(MAX_PAGE_SIZE) in refusal.value.message
    assert refusal.value.field == "limit"


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(-(2**63), 2**63 - 1))
def test_a_cursor_reads_back_as_it_was_signed(text, number):
    assert read_cursor("list", sign_cursor("list", text, number), str, int) == (text, number)


@given(st.text())
def test_no_text_that_we_did_not_sign_is_a_cursor(text):
    with pytest.raises(CursorRefused):
        read_cursor("list", text, int, int)


@given(st.binary(max_size=40))
def test_no_bytes_that_we_did_not_sign_are_a_cursor(raw):
    with pytest.raises(CursorRefused):
        read_cursor("list", raw.decode("utf-8", "surrogateescape"), int, int)


def test_a_cursor_is_good_for_its_list_its_types_and_its_key_only():
    cursor = sign_cursor("list", 5, 6)

    for listing, types in [("other", (int, int)), ("list", (str, int)), ("list", (int,))]:
        with pytest.raises(CursorRefused):
            read_cursor(listing, cursor, *types)
    with override_settings(SECRET_KEY="another"), pytest.raises(CursorRefused):
        read_cursor("list", cursor, int, int)


def test_a_key_that_retired_still_reads_its_cursors(settings):
    cursor = sign_cursor("list", 5, 6)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "new" * 20

    assert read_cursor("list", cursor, int, int) == (5, 6)


@pytest.mark.parametrize("value", [None, 5, {"a": 1}, "text", ["1", 1], [1.5, 1], [10**30, 1]])
def test_what_is_signed_but_is_no_key_is_refused(value):
    """Some other part of the program may sign with the same salt by mistake."""
    text = Signer(salt="cursor:list").sign_object(value)

    with pytest.raises(CursorRefused):
        read_cursor("list", text, int, int)


def test_a_compressed_bomb_of_a_stranger_is_not_unpacked():
    bomb = Signer(key="stranger", salt="cursor:list").sign_object([0] * 10**6, compress=True)

    with pytest.raises(CursorRefused):
        read_cursor("list", bomb, int, int)


def test_an_unknown_comparison_is_a_fault_of_the_program():
    with pytest.raises(ValueError, match="<>"):
        RowCompare(["id"], "<>", [1])


@pytest.mark.django_db
@pytest.mark.parametrize("operator", ["<", ">"])
def test_rows_compare_by_the_first_column_that_differs(operator):
    rows = [
        NamespaceFactory(kind=kind, handle=handle)
        for kind, handle in [("individual", "a"), ("individual", "c"), ("org", "b"), ("org", "d")]
    ]
    at = ("individual", "c")

    found = Namespace.objects.filter(RowCompare(["kind", "handle"], operator, list(at)))

    assert {row.pk for row in found} == {
        row.pk
        for row in rows
        if ((row.kind, row.handle) < at if operator == "<" else (row.kind, row.handle) > at)
    }
    assert f"{operator} (" in str(found.query)

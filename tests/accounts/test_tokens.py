"""The shape of a token: one that is no token is told apart without the database."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.tokens import ALPHABET, is_secret_of, new_token, parse_token

SHAPE = re.compile(r"(skb|trk)_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}")


@pytest.mark.parametrize("prefix", ["skb", "trk"])
def test_a_new_token_reads_back(prefix):
    token = new_token(prefix)

    assert SHAPE.fullmatch(str(token))
    assert parse_token(str(token)) == token


def test_tokens_differ_and_their_hashes_too():
    tokens = [new_token("skb") for _ in range(200)]

    assert len({str(token) for token in tokens}) == 200
    assert len({token.lookup_id for token in tokens}) == 200
    assert len({token.secret_sha256 for token in tokens}) == 200


def test_the_hash_is_that_of_the_secret_alone_and_does_not_show_it():
    token = new_token("skb")

    assert len(token.secret_sha256) == 32
    assert token.secret.encode() not in token.secret_sha256
    assert token.secret not in str(token.secret_sha256)


def test_one_wrong_character_anywhere_is_no_token():
    text = str(new_token("skb"))

    for place in range(len(text)):
        for other in {"a", "Z", "0", "_"} - {text[place]}:
            assert parse_token(text[:place] + other + text[place + 1 :]) is None


def test_two_swapped_characters_are_no_token():
    text = str(new_token("skb"))

    for place in range(13, len(text) - 1):
        swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
        assert swapped == text or parse_token(swapped) is None


@pytest.mark.parametrize(
    "change",
    [str.upper, str.strip, lambda t: t + "\n", lambda t: " " + t, lambda t: t[:-1], lambda t: t + "0",
     lambda t: t.replace("skb", "xyz"), lambda t: t + "\0", lambda t: "\ud800" + t, lambda t: t * 100_000],
)  # fmt: skip
def test_a_token_with_something_around_it_is_none(change):
    text = str(new_token("skb"))

    assert change(text) == text or parse_token(change(text)) is None


def test_digits_of_other_scripts_are_none():
    text = str(new_token("skb"))
    digit = next(place for place in range(13, len(text)) if text[place] in string.digits)

    assert parse_token(text[:digit] + chr(0x660 + int(text[digit])) + text[digit + 1 :]) is None


@given(st.text(max_size=80))
def test_no_text_that_we_did_not_make_is_a_token(text):
    assert parse_token(text) is None


@given(st.text(st.sampled_from(ALPHABET), min_size=57, max_size=57))
def test_a_look_alike_without_its_checksum_is_none(letters):
    assert parse_token(f"skb_{letters[:8]}_{letters[8:]}") is None


def test_only_the_secret_of_a_row_opens_it():
    token, other = new_token("trk"), new_token("trk")

    assert is_secret_of(token, token.secret_sha256)
    assert not is_secret_of(other, token.secret_sha256)
    assert not is_secret_of(None, token.secret_sha256)
    assert not is_secret_of(token, None)
    assert not is_secret_of(None, None)

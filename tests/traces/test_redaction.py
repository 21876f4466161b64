from __future__ import annotations

import json
import time

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.traces import secrets
from traces import redaction
from traces.redaction import (
    MARK,
    Redaction,
    clean_text,
    clean_value,
    may_hold_secret,
    redact_text,
    redact_value,
)


def rules_of(hits):
    return [hit.rule for hit in hits]


@pytest.mark.parametrize(("rule", "secret"), secrets.TOKENS)
@pytest.mark.parametrize("around", ["{}", "it is {} here", '{{"x": "{}"}}', "a\\n{}\\n", "`{}`."])
def test_a_secret_that_has_a_look_of_its_own_goes(rule, secret, around):
    redacted, hits = redact_text(around.format(secret), "title")
    assert redacted == around.format(MARK)
    assert hits == [Redaction(rule, "title", 1)]


@pytest.mark.parametrize(("rule", "text", "gone", "kept"), secrets.IN_PLACE)
def test_a_secret_that_its_place_gives_away_goes_and_the_rest_stays(rule, text, gone, kept):
    redacted, hits = redact_text(text, "title")
    assert gone not in redacted
    assert kept in redacted
    assert rules_of(hits) == [rule]


@pytest.mark.parametrize("text", secrets.READABLE)
def test_what_is_no_secret_stays_readable(text):
    assert redact_text(text, "title") == (text, [])
    assert redact_value({"args": [text]}, "parts[0]") == ({"args": [text]}, [])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("password", "letmein"),
        ("password", "correct horse battery"),
        ("dbPassword", "hunter2"),
        ("client_secret", "s3cr3tvalue"),
        ("token", secrets.made(20)),
        ("apiKey", secrets.made(20)),
        ("x-api-key", secrets.made(20)),
        ("Authorization", secrets.made(30)),
        ("Cookie", "sid=abc; theme=dark"),
    ],
)
def test_the_value_under_the_name_of_a_secret_goes(key, value):
    redacted, hits = redact_value({"args": {key: value, "user": "alice"}}, "parts[0].content")
    assert redacted == {"args": {key: MARK, "user": "alice"}}
    assert hits == [Redaction("json.secret", f"parts[0].content.args.{key}", 1)]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("max_tokens", 4096),
        ("token", None),
        ("token", "get_token"),
        ("token_type", "bearer"),
        ("password", "string"),
        ("password", {"type": "string"}),
        ("password", "${DB_PASSWORD}"),
        ("secret_name", "prod/db-2024"),
        ("cache_key", "user:123:profile"),
        ("public_key", secrets.made(40)),
        ("credentials", "include"),
        ("cookie", "accepted"),
    ],
)
def test_the_value_under_a_name_that_only_speaks_of_one_stays(key, value):
    given_value = {"args": {key: value}}
    redacted, hits = redact_value(given_value, "parts[0]")
    assert redacted is given_value
    assert hits == []


def test_a_place_names_the_way_to_the_hit_and_never_the_secret():
    secret = secrets.TOKENS[2][1]
    parts = [{"content": {"args": {"command": f"echo {secret}", f"k {secret}": [f"{secret}"]}}}]
    redacted, hits = redact_value(parts, "parts")
    assert redacted == [{"content": {"args": {"command": f"echo {MARK}", f"k {MARK}": [MARK]}}}]
    assert {hit.place for hit in hits} == {
        "parts[0].content.args.command",
        f"parts[0].content.args.k {MARK}",
        f"parts[0].content.args.k {MARK}[0]",
    }
    assert secret not in repr(hits)


def test_a_long_key_is_cut_in_the_place():
    _, hits = redact_value({"k" * 5000: secrets.TOKENS[2][1]}, "parts[0]")
    assert len(hits[0].place) < 60


def test_two_keys_that_become_equal_both_keep_their_values():
    first, second = (secrets.token("ghp", "_", secrets.made(36)) for _ in range(2))
    redacted, _ = redact_value({first: 1, second: 2, MARK: 3, f"{MARK}__1": 4}, "")
    assert sorted(redacted.values()) == [1, 2, 3, 4]
    assert redacted[MARK] == 1
    assert redact_value(redacted, "") == (redacted, [])


@pytest.mark.parametrize(("open_", "close"), [("[", "]"), ('{"password":', "}")])
def test_the_deepest_json_that_can_be_read_is_gone_through(open_, close):
    depth = 1000
    deep = orjson.loads(open_ * depth + f'"{secrets.TOKENS[2][1]}"' + close * depth)
    redacted, hits = redact_value(deep, "parts")
    assert sum(hit.times for hit in hits) == 1
    clean_value(deep)
    while not isinstance(redacted, str):
        redacted = redacted[0] if isinstance(redacted, list) else redacted["password"]
    assert redacted == MARK


def test_what_holds_no_secret_comes_back_as_the_same_object():
    value = {"a": ["home", {"b": 1.5, "c": None}], "password_hint": "the name of the dog"}
    assert redact_value(value, "") == (value, [])
    assert redact_value(value, "")[0] is value
    assert clean_value(value) is value


def test_a_cut_off_private_key_goes_to_its_last_line():
    cut = secrets.PRIVATE_KEY[:300]
    redacted, hits = redact_text(f"cat key\n{cut}", "t")
    assert redacted == f"cat key\n{MARK}"
    assert rules_of(hits) == ["pem.private-key"]


def test_a_private_key_goes_whatever_stands_before_its_lines():
    lines = secrets.PRIVATE_KEY.split("\n")
    numbered = "\n".join(f"{number:6}→{line}" for number, line in enumerate(lines, 1))
    quoted = "\\n".join(lines)
    for text in (numbered, quoted, numbered[:350]):
        redacted, _ = redact_text(text, "t")
        assert not any(line in redacted for line in lines[1:4])


def test_every_wallet_of_many_lines_goes_and_the_lines_stay():
    text = "\n".join(f"KEY_{n}_TOKEN={secrets.made(20)}" for n in range(1000))
    redacted, hits = redact_text(text, "t")
    assert redacted.splitlines() == [f"KEY_{n}_TOKEN={MARK}" for n in range(1000)]
    assert hits == [Redaction("assignment.secret", "t", 1000)]


def test_a_text_of_nothing_but_candidates_goes_from_where_the_looking_ends():
    text = "API_TOKEN=abc\n" * (redaction.MOST_LOOKS + 10) + f"DB_PASSWORD={secrets.P}"
    redacted, hits = redact_text(text, "t")
    assert redacted.endswith(MARK)
    assert secrets.P not in redacted
    assert "overfull" in rules_of(hits)
    assert redact_text(redacted, "t") == (redacted, [])


def test_a_log_of_counted_tokens_stays_whole():
    text = '{"prompt_tokens": 12, "total_tokens": 17, "token_count": 4, "token": 3}\n' * 5000
    assert redact_text(text, "t") == (text, [])


# Properties.

PIECES = [
    *(secret for _, secret in secrets.TOKENS),
    *(text for _, text, _, _ in secrets.IN_PLACE),
    *secrets.READABLE,
    *redaction.secret_names.KEYWORDS,
    *"/:='\"\\@.-_~[]#?&;,\n\té\x00nA", "x1", "//", "://", "==", "-----",
    MARK, " ", "\\n", "/home/", "/Users/", "\\Users\\", "alice", "Bearer ", "Cookie: a=", "noreply@",
    "a@b.co", "--token ", "basic ", "sk-", "eyJ", "\ud800", "hunter2", "Ab3" * 9, "x" * 70,
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=8).map("".join)
CUT_TEXTS = st.builds(
    lambda text, a, b: text[a : len(text) - b], TEXTS, st.integers(0, 9), st.integers(0, 9)
)
NAMES = st.sampled_from(["password", "token", "api_key", "Cookie", "x", "dbPassword", "max_tokens"])
VALUES = st.recursive(
    CUT_TEXTS | st.none() | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES | CUT_TEXTS, inner, max_size=3)
    ),
    max_leaves=6,
)
often = settings(
    max_examples=300, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


@often
@given(CUT_TEXTS)
def test_redacting_twice_is_redacting_once(text):
    redacted, _ = redact_text(text, "t")
    assert redact_text(redacted, "t") == (redacted, [])


@often
@given(VALUES)
def test_redacting_a_value_twice_is_redacting_it_once(value):
    redacted, _ = redact_value(value, "v")
    again, hits = redact_value(redacted, "v")
    assert again is redacted
    assert hits == []


def dumps_with_slashes(value):
    return json.dumps(value).replace("/", "\\/").encode()


def dumps_escaped(value):
    """Write every character of every string as an escape."""

    def written(item):
        if isinstance(item, str):
            units = item.encode("utf-16-be", "surrogatepass").hex()
            return '"' + "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4)) + '"'
        if isinstance(item, list):
            return "[" + ",".join(map(written, item)) + "]"
        if isinstance(item, dict):
            return "{" + ",".join(f"{written(k)} \n: {written(v)}" for k, v in item.items()) + "}"
        return json.dumps(item)

    return written(value).encode()


def dumps_as_is(value):
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


WAYS = [
    lambda value: json.dumps(value).encode(),
    lambda value: json.dumps(value, indent=8, separators=(" ,", " \n\t : ")).encode(),
    dumps_as_is,
    dumps_with_slashes,
    dumps_escaped,
]


@often
@given(VALUES)
def test_where_the_prefilter_says_no_nothing_is_found(value):
    redacted, hits = redact_value(value, "v")
    for write in WAYS:
        raw = write({"messages": [value]})
        if not may_hold_secret(raw):
            assert redacted is value, raw
            assert hits == []


@pytest.mark.parametrize("write", WAYS)
@pytest.mark.parametrize(
    "text", [t for _, t in secrets.TOKENS] + [t for _, t, _, _ in secrets.IN_PLACE]
)
def test_the_prefilter_sees_every_secret_however_it_is_written(write, text):
    assert may_hold_secret(write({"title": f"a\n{text}\tb"}))
    assert may_hold_secret(write({text: 1}))


@pytest.mark.parametrize("write", WAYS)
@pytest.mark.parametrize(
    "value",
    [
        {"password": "letmein"},
        {"Cookie": "sid=abc"},
        {"t": 'a "db_password"\t: "letmein"'},
        {"t": "a\noreply@acme-tools.io"},
        {"t": "a\toreply@acme-tools.io"},
    ],
)
def test_the_prefilter_is_not_misled_by_spaces_and_escapes(write, value):
    assert redact_value(value, "v")[0] != value
    assert may_hold_secret(write({"messages": [value]}))


def test_the_prefilter_passes_plain_conversation():
    text = "Please mend the rounding in totals.py: `round(x, 2)` != Decimal. See issue #12.\n" * 50
    assert not may_hold_secret(orjson.dumps({"messages": [{"textContent": text, "order": 1}]}))


@given(st.text())
def test_a_clean_text_can_be_stored_and_a_storable_one_is_clean(text):
    cleaned = clean_text(text + "\x00\ud800")
    cleaned.encode()
    assert "\x00" not in cleaned
    assert len(cleaned) == len(text) + 2
    assert clean_text(cleaned) is cleaned


def test_keys_are_cleaned_and_stay_apart():
    assert clean_value({"a\x00": ["\ud800"], "a\ud801": 2}) == {
        "a\ufffd": ["\ufffd"],
        "a\ufffd__1": 2,
    }


# Hostile input: twice as much takes about twice as long, and no shape is slow.

HOSTILE = [
    "a", "a@", "a@b.co ", "a.b@", "@", "A_KEY=", "A_KEY=a1 ", "token token ", "token='", 'token:\\"',
    '"password":', "password", "secret_secret: ", "_key_key", "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\n" + "A" * 20 + "\n", "https://a:", "https://a@", "https://a:b@",
    "://", "eyJ", "eyJaaaaaaaaaa.", "eyJaaaaaaaaaa.eyJ", "sk-", "sk-1A", "trk_", "ghp_", "xoxb-",
    "SG.aaaaaaaaaaaaaaaa.", ":AA", "Cookie: a=", "Cookie:", "Bearer ", "Basic ", "Basic YTpi",
    "/home/", "/home/a/", "\\Users\\a\\", "/-home-", "--token ", "\\", "\\u0041", "'", "=", " ", "\n",
    "é@", "curl -u a:b ", "curl ", "-u a:", " -u a:b1", "mysql -pa ", "mysql ", "-pa", "sshpass -p a ",
    "curl -u 'a:", "curl -u 'a", "curl -u 'a:b' ", "curl -u 'a b:\\", 'curl -u a:"b', "mysql -p'a",
    "mysql -p\\'a\\\\'", 'curl -u a:b"c', "curl -u a:'\\''", "--pass='", "--pass=a(", "--pass='a\\",
    "--pass=", "--password=a1 ", "password='a b ", 'password="a b" ', "password='a b\\", "secret: 'a ",
]  # fmt: skip
LENGTH = 100_000
SECONDS_PER_CHARACTER = 2e-6


def best(call):
    spent = []
    for _ in range(2):
        started = time.process_time()
        call()
        spent.append(time.process_time() - started)
    return min(spent)


@pytest.mark.parametrize("shape", HOSTILE)
def test_no_text_takes_more_than_its_length(shape):
    short, long = (shape * (n // len(shape)) for n in (LENGTH, 2 * LENGTH))
    for call in (lambda t: redact_text(t, "t"), lambda t: may_hold_secret(orjson.dumps([t]))):
        of_short, of_long = best(lambda call=call: call(short)), best(lambda call=call: call(long))
        assert of_long < 3.5 * of_short + 0.05
        assert of_long < SECONDS_PER_CHARACTER * len(long)

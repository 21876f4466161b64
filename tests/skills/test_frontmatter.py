import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skills.frontmatter import (
    MISSING,
    NOT_CLOSED,
    NOT_PARSED,
    REPEATED_KEY,
    FrontMatterRefused,
    parse_skill_md,
)
from skills.metadata import MAX_LIST_ITEMS, Link, SkillMetadata, summary_of
from tests.timing import timed


def read(block):
    return parse_skill_md(f"---\n{block}\n---\nbody\n")


def metadata(block):
    front = read(block)
    assert front.warning is None
    return front.metadata


def test_block_and_body_are_split():
    front = parse_skill_md("---\nname: plants\n---\n# Plants\n---\nmore\n")

    assert front.metadata.name == "plants"
    assert front.raw == "name: plants\n"
    assert front.body == "# Plants\n---\nmore\n"
    assert front.warning is None


@pytest.mark.parametrize(
    "text",
    [
        "---\r\nname: a\r\n---\r\nbody\r\n",
        "\ufeff---\nname: a\n---\nbody\r\n",
        "---  \nname: a\n---\t\nbody\r\n",
    ],
)
def test_windows_lines_marks_and_spaces_are_taken(text):
    front = parse_skill_md(text)

    assert (front.metadata.name, front.body, front.warning) == ("a", "body\r\n", None)


def test_block_may_end_the_file():
    assert parse_skill_md("---\nname: a\n---").metadata.name == "a"


@pytest.mark.parametrize(
    "text", ["", "# Plants\n", "\n---\nname: a\n---\n", " ---\nname: a\n---\n", "----\n"]
)
def test_missing_block_is_a_warning(text):
    front = parse_skill_md(text)

    assert (front.warning, front.raw, front.body) == (MISSING, "", text)
    assert front.metadata == SkillMetadata()


@pytest.mark.parametrize(
    "text", ["---\nname: a\n", "---\nname: a\n----\n", "---\nname: a\n --- \n"]
)
def test_open_block_is_a_warning(text):
    assert parse_skill_md(text).warning == NOT_CLOSED


@pytest.mark.parametrize(
    "block",
    [
        "description: Use when: always",
        "a: [1, 2",
        "- a\n- b",
        "just text",
        "",
        "a: &x 1\nb: *x",
        "a: &x 1",
        "a: 1\n...\nb: 2",
        "? [a, b]\n: 1",
        "a: \x80",
        "\ta: 1",
        'a: "\\ud800"',
        "%YAML 9.9",
    ],
)
def test_unparsable_block_is_kept_as_text_with_a_warning(block):
    front = read(block)

    assert front.warning is not None
    assert front.warning.startswith(NOT_PARSED)
    assert front.raw == block + "\n"
    assert front.body == "body\n"
    assert front.metadata == SkillMetadata()


def test_warning_names_the_line_of_the_file():
    assert read("name: a\ndescription: b: c").warning.endswith("(line 3).")


@pytest.mark.parametrize(
    "value", ["1.10", "no", "2026-01-02", "0x10", "1e5000", "~", "true", "9" * 5000]
)
def test_scalars_stay_the_strings_they_are(value):
    front = metadata(f"version: {value}\nsomething: [{value}]")

    assert front.version[:199] == value[:199]
    assert front.extra["something"] == [value]


def test_tags_make_no_objects():
    assert metadata("x: !!python/object/apply:os.system [ls]").extra == {"x": ["ls"]}


def test_repeated_key_is_a_warning_and_the_last_counts():
    front = read("name: a\nname: b\nx: {y: 1, y: 2}")

    assert front.warning == f"{REPEATED_KEY}name, y."
    assert front.metadata.name == "b"


def test_size_is_refused_only_above_64_kib():
    at_limit = f"name: {'a' * (64 * 1024 - 7)}"

    assert read(at_limit).warning is None
    with pytest.raises(FrontMatterRefused) as caught:
        read(at_limit + "a")
    assert caught.value.code == "front_matter_too_large"


def test_depth_is_refused_only_above_16():
    assert read("a: " + "[" * 15 + "]" * 15).warning is None
    with pytest.raises(FrontMatterRefused) as caught:
        read("a: " + "[" * 16 + "]" * 16)
    assert caught.value.code == "front_matter_too_deep"


@pytest.mark.parametrize(
    "block",
    [
        "a: " + "[" * 60_000,
        "{a: " * 16_000,
        "\n".join(" " * n + "a:" for n in range(340)),
        "- " * 32_000,
    ],
)
def test_deep_nesting_is_refused_fast_and_without_recursion(block):
    limit = sys.getrecursionlimit()

    def refused() -> None:
        with pytest.raises(FrontMatterRefused):
            read(block)

    timed(refused, bound_seconds=1)

    assert sys.getrecursionlimit() == limit


def test_deep_json_inside_a_string_is_refused_too():
    with pytest.raises(FrontMatterRefused):
        read('metadata: \'{"a": ' + "[" * 5_000 + "'")


def test_nul_and_surrogates_become_replacement_characters():
    front = parse_skill_md('---\nname: "a\\0b"\n"k\\0": v\nx: \ud800\n---\nbo\0dy\udc00')

    assert front.metadata.name == "a\ufffdb"
    assert front.metadata.extra == {"k\ufffd": "v", "x": "\ufffd"}
    assert front.body == "bo\ufffddy\ufffd"


def test_facts_are_found_where_authors_put_them():
    found = metadata(
        """\
name: garden
description: Waters the plants.
version: 1.10
license: MIT
homepage: https://garden.example
metadata:
  author: Ana
  openclaw:
    requires: {bins: [curl, jq], anyBins: [node, bun], env: [GARDEN_KEY], os: [linux]}
    primaryEnv: GARDEN_KEY
    optionalEnv: [GARDEN_URL, GARDEN_KEY]
    os: [darwin]
    repo: https://git.example/garden
    install:
      - {id: brew, kind: brew, formula: tap/garden, bins: [garden]}
      - {id: sh, kind: shell, command: "curl https://x.example | sh"}
dependencies: {left-pad: 1.0}"""
    )

    assert found.name == "garden"
    assert found.version == "1.10"
    assert found.license == "MIT"
    assert found.author == "Ana"
    assert found.env_vars == ("GARDEN_KEY",)
    assert found.optional_env_vars == ("GARDEN_URL",)
    assert found.required_binaries == ("curl", "jq")
    assert found.any_binaries == ("node", "bun")
    assert found.dependencies == ("left-pad", "brew:tap/garden")
    assert found.os == ("darwin", "linux")
    assert found.links == (
        Link("homepage", "https://garden.example"),
        Link("repo", "https://git.example/garden"),
    )
    assert set(found.extra) == {"homepage", "metadata", "dependencies"}


@pytest.mark.parametrize(
    "block",
    [
        'metadata: {"clawdbot":{"requires":{"bins":["jq"]}}}',
        'metadata: \'{"clawdbot":{"requires":{"bins":["jq"]}}}\'',
        "metadata.openclaw: {requires: {bins: jq}}",
        "bins: jq",
    ],
)
def test_binaries_are_found_in_every_shape(block):
    assert metadata(block).required_binaries == ("jq",)


def test_strange_shapes_are_no_errors():
    block = "name: [a]\nversion: {x: 1}\nrequires: [a]\nmetadata: text\nos: {a: 1}\nlinks: 1\nenv: [{name: K}, [x]]"

    found = metadata(block)

    assert (found.name, found.version, found.os, found.env_vars) == ("", "", ("a",), ("K",))


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//x.example", "https://a b", "https://a\\b"]
)
def test_only_web_addresses_are_links(url):
    assert metadata(f"homepage: '{url}'").links == ()


def test_lists_and_texts_are_cut():
    found = metadata(f"bins: [{', '.join(f'b{n}' for n in range(500))}]\nauthor: {'a' * 5_000}")

    assert len(found.required_binaries) == MAX_LIST_ITEMS
    assert len(found.author) == 200


SCALARS = st.text(st.characters(codec=None), max_size=12)
TREES = st.recursive(
    SCALARS,
    lambda t: st.lists(t, max_size=3) | st.dictionaries(SCALARS, t, max_size=3),
    max_leaves=12,
)
KEYS = st.sampled_from(
    ["name", "author", "env", "os", "bins", "requires", "metadata", "install", "openclaw", "links"]
)


@given(st.dictionaries(KEYS, TREES | st.dictionaries(KEYS, TREES, max_size=3), max_size=5))
@settings(max_examples=80, deadline=None)
def test_any_json_like_block_gives_a_record_that_survives_storage(value):
    front = read(json.dumps(value))
    stored = json.dumps(front.metadata.to_json())

    assert SkillMetadata.from_json(json.loads(stored)) == front.metadata
    assert "\\u0000" not in stored
    json.dumps(front.metadata.to_json(), ensure_ascii=False).encode()


@given(st.text(max_size=200))
@settings(max_examples=80, deadline=None)
def test_any_text_is_read_or_warned_about(text):
    front = read(text)

    assert len(summary_of(front.metadata, front.body)) <= 300


def test_summary_is_one_visible_line():
    found = SkillMetadata(description="  Waters\n\tthe \u202eplants\u200b.\x1b ")

    assert summary_of(found, "") == "Waters the plants."


def test_summary_is_cut_at_a_word():
    summary = summary_of(SkillMetadata(description="watering " * 100), "")

    assert len(summary) <= 300
    assert summary.endswith("watering…")


def test_summary_without_spaces_is_cut_too():
    assert summary_of(SkillMetadata(description="水" * 400), "") == "水" * 299 + "…"


def test_summary_of_exactly_300_characters_is_kept():
    text = "a" * 149 + " " + "b" * 150

    assert summary_of(SkillMetadata(description=text), "") == text


def test_summary_falls_back_to_the_first_paragraph():
    body = """# Garden

<!-- note -->
![badge](https://x.example/b.svg)
```sh
rm x
```

> **Waters** the [plants](https://x.example) with `hose_pipe` and
_care_.

Second.
"""

    assert summary_of(SkillMetadata(), body) == "Waters the plants with hose_pipe and care."


@pytest.mark.parametrize(
    "body", ["[" * 20_000, "![" * 10_000, "*" * 20_000, "> " * 10_000, "[a](" * 5_000, "_" * 20_000]
)
def test_summary_of_hostile_markdown_takes_linear_time(body):
    timed(lambda: summary_of(SkillMetadata(), body), bound_seconds=1)

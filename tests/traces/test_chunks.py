"""What a page shows of a text, and how it says what was taken out; no database."""

from __future__ import annotations

import pytest

from traces import chunks
from traces.chunks import fitted, groups_between, plain, redaction_words
from traces.models import Kind


def test_a_text_a_little_over_the_fold_is_shown_whole():
    text = "x" * (2 * chunks.FOLD)

    assert fitted(text, len(text), plain) == (text, False)
    assert fitted(text + "x", len(text) + 1, plain) == ("x" * chunks.FOLD, True)


def test_a_beginning_of_a_text_says_that_there_is_more():
    assert fitted("short", 500_000, plain) == ("short", True)


def test_many_hidden_characters_leave_room_for_the_text_between_them():
    flood = "\u202ea" * 400

    html, was_cut = fitted(flood, len(flood.encode()), plain)

    assert not was_cut
    assert html.count("[U+202E]") == 400
    assert len(html) <= chunks.TEXT_HTML


@pytest.mark.parametrize(
    ("redactions", "words"),
    [
        ([], []),
        ([["aws.access-key", "textContent", 1]], ["aws access key in the text"]),
        # The text stands in the parts again.
        (
            [["email", "textContent", 2], ["email", "parts[0].content.text", 2]],
            ["email in the text, 2 times"],
        ),
        (
            [["email", "parts[0].content.args.to", 1], ["email", "parts[1].content.args.cc", 1]],
            ["email in what a tool was given, 2 times"],
        ),
        ([["email", "parts[0].content.output", 1]], ["email in what a tool answered"]),
        ([["email", "title", 1], ["email", "relatedTo", 1]],
         ["email in the title", "email in the details"]),
    ],
)  # fmt: skip
def test_what_was_taken_out_is_told_in_words(redactions, words):
    assert redaction_words(redactions) == words


def test_tools_belong_to_the_message_before_them():
    tools = [((1, 1), Kind.TOOL_CALL), ((3, 3), Kind.TOOL_CALL), ((4, 4), Kind.TOOL_ERROR)]

    groups = groups_between([(2, 2), (5, 5)], tools)

    assert {number: group.words for number, group in groups.items()} == {
        -1: "1 tool call",
        0: "1 tool call, 1 failed",
    }


def test_more_tools_than_are_counted_are_not_claimed_to_be_all(monkeypatch):
    monkeypatch.setattr(chunks, "TOOLS_COUNTED", 2)
    tools = [((n, n), Kind.TOOL_CALL) for n in (2, 3)]

    assert groups_between([(1, 1)], tools)[0].words == "2+ tool calls"

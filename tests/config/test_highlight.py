"""Highlighted lines are complete, well formed by themselves, and never slow."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

import pytest
from pygments.token import Token

from config import highlight
from config.highlight import CLASSES, SIZE_LIMIT_BYTES, highlight_lines, lexer_name, split_lines
from tests.timing import timed

PYTHON = 'class A:\n    """Two\n    lines <b>."""\n\n    x = 1 + 2.5  # note\n'


class _Balance(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        assert tag in {"span", "mark"}
        assert {name for name, _ in attrs} <= {"class", "title"}
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def _assert_lines_are(html_lines, text):
    """Each line is balanced, uses our classes only, and without tags is the line of the text."""
    for html in html_lines:
        parser = _Balance()
        parser.feed(html)
        parser.close()
        assert parser.open == []
        assert set(re.findall(r'<span class="([^"]*)"', html)) <= set(CLASSES)
    assert [unescape(re.sub(r"<[^>]*>", "", line)) for line in html_lines] == split_lines(text)


def test_every_line_is_whole_by_itself():
    lines = highlight_lines(PYTHON, "pkg/a.py")

    _assert_lines_are(lines, PYTHON)
    assert lines[0] == '<span class="hl-k">class</span> <span class="hl-f">A</span>:'
    assert lines[2] == '<span class="hl-s">    lines &lt;b&gt;.&quot;&quot;&quot;</span>'
    assert '<span class="hl-c"># note</span>' in lines[4]
    assert '<span class="hl-n">2.5</span>' in lines[4]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/b.PY", "python"),
        ("Dockerfile", "docker"),
        ("x\\run.sh", "bash"),
        ("js", "javascript"),
        ("notes.unknown", None),
        ("", None),
        ("a.py/readme", None),
    ],
)
def test_the_file_name_chooses_the_lexer(path, name):
    assert lexer_name(path) == name


@pytest.mark.parametrize("name", sorted(highlight._ENDINGS_BY_LEXER))
def test_every_lexer_keeps_the_text(name):
    text = (
        PYTHON
        + "<a href='x'>\n{\"k\": [1, true]}\n---\n# h\n\n\tx := `y`\n'''\n@@ -1 +1 @@\n-a\n+b\né\u200b\n"
    )
    path = highlight._ENDINGS_BY_LEXER[name].split()[0]

    lines = highlight_lines(text.replace("\u200b", ""), path)

    _assert_lines_are(lines, text.replace("\u200b", ""))
    assert "hl-" in "".join(lines)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("x = 1\n" * 2001, "a.py"),
        ("x = 1 " * (SIZE_LIMIT_BYTES // 6 + 1), "a.py"),
        ("é" * (SIZE_LIMIT_BYTES // 2 + 1), "a.py"),
        ("x = '<b>'\n", "a.xyz"),
    ],
)
def test_large_and_unknown_files_are_plain(text, path):
    lines = highlight_lines(text, path)

    assert "<" not in "".join(lines)
    _assert_lines_are(lines, text)


def test_a_long_line_is_coloured_at_its_beginning_only_and_complete():
    text = "x = '" + "a" * 5000 + "'\ny = 1\n"

    lines = highlight_lines(text, "a.py")

    _assert_lines_are(lines, text)
    assert not lines[0].endswith("</span>")


@pytest.mark.parametrize("path", ["a.py", "a.txt"])
def test_invisible_characters_are_marked(path):
    (line,) = highlight_lines("# \u202e ok", path)

    assert '<mark class="invisible" title="U+202E RIGHT-TO-LEFT OVERRIDE">[U+202E]</mark>' in line


def test_thousands_of_invisible_characters_stay_small():
    lines = highlight_lines("a\u200b" * 40_000, "a.py")

    assert "[U+200B]" in lines[0]
    assert len(lines[0]) < 1_000_000


def test_only_line_feeds_end_lines():
    assert split_lines("a\r\nb\u2028c\x0cd\re\n") == ["a", "b\u2028c\x0cd\re"]
    assert highlight_lines("", "a.py") == []
    assert highlight_lines("\n\n", "a.py") == ["", ""]
    assert len(highlight_lines("\ud800", "a.py")) == 1


def test_a_lexer_out_of_time_leaves_the_rest_plain(monkeypatch):
    monkeypatch.setattr(highlight, "TIME_LIMIT_SECONDS", -1.0)
    text = "first = 1\nsecond = 2\n"

    lines = highlight._coloured_lines(split_lines(text), "python")

    _assert_lines_are(lines, text)
    assert lines[1] == "second = 2"


def test_the_same_text_is_coloured_once(monkeypatch):
    text = "cached = 'yes'\n"
    first = highlight_lines(text, "a.py")
    monkeypatch.setattr(highlight, "_coloured_lines", lambda *_: pytest.fail("lexed again"))

    assert highlight_lines(text, "other.py") == first


def test_the_cache_is_bounded():
    cache = highlight._LineCache(limit_chars=10)
    cache.put((b"a", "x"), ("12345678",))
    cache.put((b"b", "x"), ("1234",))

    assert cache.get((b"a", "x")) is None
    assert cache.get((b"b", "x")) == ("1234",)


@pytest.mark.parametrize("path", ["a.py", "a.js", "a.html", "a.md", "a.yaml"])
@pytest.mark.parametrize("unit", ["/*", "${", "<!--"])
def test_hostile_files_take_bounded_time(path, unit, monkeypatch):
    # Nothing is kept: a second try has to do the work again.
    monkeypatch.setattr(highlight, "_cache", highlight._LineCache(limit_chars=0))
    text = "\n".join([unit * (1900 // len(unit))] * 60)

    lines = timed(lambda: highlight_lines(text, path), bound_seconds=2)

    _assert_lines_are(lines[:5], "\n".join(text.split("\n")[:5]))


def test_no_text_is_lost_to_a_lexer_that_skips_or_repeats():
    class Careless:
        def get_tokens_unprocessed(self, _text):
            yield 2, Token.Keyword, "cd"
            yield 2, Token.Keyword, "cd"
            yield 5, Token.Name, "f"

    pieces = list(highlight._classed_tokens(Careless(), "abcdefgh"))

    assert "".join(text for _, text in pieces) == "abcdefgh"
    assert ("hl-k", "cd") in pieces

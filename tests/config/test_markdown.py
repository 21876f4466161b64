"""Markdown of strangers: it looks right, it cannot do harm, it cannot take long."""

from __future__ import annotations

from html.parser import HTMLParser

import comrak
import pytest
from django.utils.safestring import SafeString

from config.markdown import HTML_LIMIT_CHARS, SOURCE_LIMIT_BYTES, plain_text, render_markdown
from tests.timing import timed

BASE = "/skills/acme/deploy-kit/files/"
NOTE = "too complex to be laid out"
ALLOWED_TAGS = {
    *(
        "a",
        "blockquote",
        "br",
        "code",
        "del",
        "div",
        "em",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
    ),
    *(
        "mark",
        "ol",
        "p",
        "pre",
        "span",
        "strong",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ),
}
ALLOWED_ATTRIBUTES = {
    "href",
    "title",
    "rel",
    "id",
    "class",
    "start",
    "align",
    "scope",
    "tabindex",
    "role",
    "aria-label",
}


class _Audit(HTMLParser):
    """Fails on anything that could act, load or leave our name space."""

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        assert tag in ALLOWED_TAGS, tag
        assert set(values) <= ALLOWED_ATTRIBUTES, values
        assert values.get("id", "md-").startswith("md-")
        if tag == "a":
            assert values["rel"] == "nofollow ugc noopener"
            assert values["href"].startswith(("http://", "https://", "mailto:", BASE, "#md-")), (
                values
            )


def _safe(text, **kwargs):
    html = render_markdown(text, link_base=BASE, **kwargs)
    parser = _Audit()
    parser.feed(html)
    parser.close()
    return html


def test_the_result_is_safe_for_templates():
    assert isinstance(render_markdown("*a*"), SafeString)
    assert render_markdown("*a*") == "<p><em>a</em></p>\n"


def test_headings_leave_the_h1_to_the_page_and_have_prefixed_ids():
    html = _safe(
        "# Set *up* `x`\n\n## Usage\n\n# Usage\n\nUsage\n-----\n\n###### Deep\n\n# 日本 & <b>\n\n# !!!\n"
    )

    assert '<h2 id="md-set-up-x">Set <em>up</em> <code>x</code></h2>' in html
    assert '<h3 id="md-usage">' in html
    assert '<h2 id="md-usage-1">' in html
    assert '<h3 id="md-usage-2">' in html
    assert '<h6 id="md-deep">' in html
    assert '<h2 id="md-日本--b">日本 &amp; &lt;b&gt;</h2>' in html
    assert '<h2 id="md-section">!!!</h2>' in html
    assert "<h1" not in html


def test_ids_stay_unique_when_a_heading_looks_numbered():
    html = _safe("# a\n# a-1\n# a\n# a-1\n# a\n")

    ids = [part.split('"')[0] for part in html.split('id="')[1:]]
    assert len(ids) == len(set(ids)) == 5


def test_tables_are_scrollable_regions_and_lists_have_boxes():
    html = _safe(
        "| a | b |\n|:-:|--:|\n| 1 | 2 |\n\n- [ ] open\n- [x] done\n\n3. three\n\n~~gone~~\n"
    )

    assert '<div class="md-table" tabindex="0" role="group" aria-label="Table"><table>' in html
    assert '<th align="center" scope="col">a</th>' in html
    assert "☐ open" in html
    assert "☑ done" in html
    assert '<ol start="3">' in html
    assert "<del>gone</del>" in html
    assert "<input" not in html


def test_code_is_focusable_and_coloured_by_class():
    html = _safe(
        '```python\nimport os  # <b>\n```\n\n    plain <i>\n\n```nonsense" onclick=x\ny\n```\n'
    )

    assert '<pre tabindex="0"><code><span class="hl-k">import</span>' in html
    assert "# &lt;b&gt;</span>" in html
    assert '<pre tabindex="0"><code>plain &lt;i&gt;\n</code></pre>' in html
    assert "onclick" not in html


def test_alerts_have_our_classes():
    html = _safe("> [!WARNING]\n> Mind the gap.\n")

    assert '<div class="md-alert md-alert-warning">' in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<b onclick="x" style="color:red" hx-get="/me/">b</b>',
        "<iframe src=//evil.example></iframe>\n\n<form action=/logout><button>x</button></form>",
        "<!-- --><svg/onload=alert(1)>",
        "<div\nid=main class=toast>\n\n*x*\n</div>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    ],
)
def test_raw_html_is_text(text):
    html = _safe(text)

    assert "&lt;" in html
    assert "<script" not in html
    assert "<b " not in html


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "&#106;avascript:alert(1)",
        "java&#10;script:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html;base64,PHM+",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://example.org/x",
        "tel:+100",
        "../other/SKILL.md",
        "a/../../x",
        "%2e%2e/x",
        "..\\x",
        "/../x",
        ".",
        "a%00b",
    ],
)
@pytest.mark.parametrize("form", ["[word](<{}>)", "[word][r]\n\n[r]: <{}>", "<{}>"])
def test_bad_addresses_are_no_links(url, form):
    assert "<a" not in _safe(form.replace("{}", url))


@pytest.mark.parametrize(
    ("url", "href"),
    [
        ("docs/a.md", BASE + "docs/a.md"),
        ("./docs/../b.md", BASE + "b.md"),
        ("/b.md", BASE + "b.md"),
        ("a%20b.md?raw=1#Set-Up", BASE + "a%20b.md#md-set-up"),
        ("a.py#L10-L12", BASE + "a.py#L10-L12"),
        ("%252e%252e/x", BASE + "%252e%252e/x"),
        ("#Usage", "#md-usage"),
        ("//example.org/x", "https://example.org/x"),
        ("\\\\\\\\example.org", "https://example.org"),
        ("https://example.org/?a=1&b=2", "https://example.org/?a=1&amp;b=2"),
        ("mailto:a@example.org", "mailto:a@example.org"),
    ],
)
def test_links_lead_into_the_skill_or_openly_away(url, href):
    assert f'<a href="{href}" rel="nofollow ugc noopener">word</a>' in _safe(f"[word](<{url}>)")


def test_links_are_seen_from_the_file_they_stand_in():
    html = _safe("[up](../b.md) [out](../../b.md)", source_path="docs/guide.md")

    assert f'href="{BASE}b.md"' in html
    assert html.count("<a") == 1


def test_without_a_base_relative_links_are_text():
    assert render_markdown("[word](docs/a.md)") == "<p>word</p>\n"


def test_a_link_without_words_shows_its_address():
    assert ">https://example.org</a>" in _safe("[](https://example.org)")


def test_images_are_words_and_nothing_is_loaded():
    html = _safe(
        "![Chart *one*](https://t.example/p.png?u=1 'x') ![](pics/a.png) "
        "[![build](https://b.example/i.svg)](https://ci.example) ![d](data:image/png;base64,AA==)"
    )

    assert "Chart one (<code>https://t.example/p.png?u=1</code>)" in html
    assert f'<a href="{BASE}pics/a.png" rel="nofollow ugc noopener">image</a>' in html
    assert (
        '<a href="https://ci.example" rel="nofollow ugc noopener"><span class="md-image">build</span></a>'
        in html
    )
    assert "<img" not in html
    assert "src=" not in html


def test_invisible_characters_are_marked_in_prose_code_and_titles():
    html = _safe('a\u202eb &#x200B; `\u2066`\n\n[x](https://example.org "t\u202e")\n\n    \u200b\n')

    assert html.count('<mark class="invisible"') == 4
    assert 'title="t[U+202E]"' in html
    assert "\u202e" not in html
    assert "\u200b" not in html


def test_nul_and_lone_surrogates_become_replacement_characters():
    assert _safe("a\x00b\ud800c") == "<p>a\ufffdb\ufffdc</p>\n"


def test_long_text_is_cut_with_a_note():
    html = _safe("é" * SOURCE_LIMIT_BYTES)

    assert html.count("é") == SOURCE_LIMIT_BYTES // 2
    assert html.endswith("The rest is not shown.</p>")
    assert "The rest is not shown" not in _safe("a" * SOURCE_LIMIT_BYTES)


def _filled(unit):
    return (unit * (SOURCE_LIMIT_BYTES // len(unit.encode()) + 1))[:SOURCE_LIMIT_BYTES]


HOSTILE = {
    "quotes": _filled(">"),
    "spaced quotes": _filled("> "),
    "brackets": _filled("["),
    "open links": _filled("[a]("),
    "open images": _filled("![["),
    "emphasis": _filled("*a **b "),
    "mixed emphasis": _filled("*a_"),
    "backticks": "".join("e" + "`" * n for n in range(640)),
    "same headings": _filled("# a\n"),
    "numbered headings": _filled("# a\n# a-1\n"),
    "filled up table": _filled("|" + "a|" * 700 + "\n|" + ":-:|" * 700 + "\n" + "|x\n" * 70_000),
    "delimiter rows": _filled("a\n|-|-|\n"),
    "deep list": "".join("  " * n + "- a\n" for n in range(440)),
    "one reference used often": f"[a]: /{'u' * 50_000}\n\n" + "[a]" * 50_000,
    "open tags": _filled("<a "),
    "autolinks": _filled("http://a.b "),
    "fences": _filled("```\n"),
    "fences of code": _filled("```js\n/*\n```\n"),
    "tasks": _filled("- [ ] a\n"),
    "quotation marks": _filled('"'),
    "alternating invisibles": _filled("'\x01"),
    "alerts": _filled("> [!NOTE]\n"),
    "rules": _filled("- - -\n"),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_takes_bounded_time_and_space(text):
    html = timed(lambda: render_markdown(text, link_base=BASE), bound_seconds=2)
    line = timed(lambda: plain_text(text, 200), bound_seconds=1)

    assert len(html) < HTML_LIMIT_CHARS + 1000
    assert len(line) <= 200


@pytest.mark.parametrize("name", ["quotes", "deep list", "same headings", "alternating invisibles"])
def test_what_is_too_complex_is_shown_as_written(name):
    html = _safe(HOSTILE[name])

    assert NOTE in html
    assert '<pre tabindex="0"><code>' in html


def test_a_long_ordinary_text_is_laid_out():
    section = (
        "## Step\n\nDo *this* and [that](docs/a.md):\n\n```sh\nmake all\n```\n\n| a | b |\n|--|--|\n"
        + "| 1 | 2 |\n" * 20
    )
    html = _safe(section * 150)

    assert NOTE not in html
    assert html.count("<table>") == 150


def test_a_panic_of_the_renderer_is_logged_and_shown_as_plain_text(monkeypatch, caplog):
    class PanicException(BaseException):
        pass

    def panic(*_args, **_kwargs):
        raise PanicException

    monkeypatch.setattr(comrak, "render_markdown", panic)

    assert NOTE in render_markdown("<b>")
    assert "panicked" in caplog.text
    assert plain_text("<b>", 10) == "<b>"


def test_other_exits_are_not_held_up(monkeypatch):
    def interrupt(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(comrak, "render_markdown", interrupt)

    with pytest.raises(KeyboardInterrupt):
        render_markdown("a")


def test_plain_text_has_the_words_only():
    text = "# Title\n\n![badge](x.svg) Hello *wo*rld, `code` & [link](https://example.org) <b>\n\n```\nskip\n```\n\n- a\u202e\n- b\n"

    assert plain_text(text, 100) == "Title badge Hello world, code & link <b> a b"


@pytest.mark.parametrize("limit", [1, 10, 11, 12])
def test_plain_text_is_cut_with_an_ellipsis(limit):
    line = plain_text("Hello world", limit)

    assert len(line) <= limit
    assert line.endswith("…") == (limit < 11)

"""Markdown of strangers as HTML that may stand in our pages, and as plain text.

Three steps: comrak renders with raw HTML escaped, `_Rewriter` gives its output the shape our pages
want, `nh3` has the last word. So a mistake in the first two can spoil the look but not the safety.
No step may take long: what would (deep nesting, tables that multiply) is left to plain text.
"""

from __future__ import annotations

import logging
import posixpath
import re
from html import escape, unescape
from typing import Final
from urllib.parse import quote, unquote

import comrak
import nh3
from django.utils.safestring import SafeString, mark_safe

from config.highlight import CLASSES, highlight_lines, lexer_name
from config.text import (
    clean_line,
    count_invisible_runs,
    has_invisible,
    mark_invisible,
    replace_unstorable,
    visible_invisibles,
)

SOURCE_LIMIT_BYTES: Final = 200 * 1024
"""Longer Markdown is cut here, with a visible note."""

HTML_LIMIT_CHARS: Final = 2_000_000
"""Markdown whose HTML would be longer than this is shown as plain text."""

DEPTH_LIMIT: Final = 100
"""Elements inside each other; parsers, ours and the browser's, slow down with the depth."""

TABLE_CELL_LIMIT: Final = 20_000
"""Tables are off where they could have more cells: short rows are filled up to all columns."""

TAG_LIMIT: Final = 50_000
"""Start and end tags of one text; each costs time here and memory in the browser."""

INVISIBLE_LIMIT: Final = 2000
"""Texts with this many runs of invisible characters or more are shown as plain text."""

CODE_LIMIT_CHARS: Final = 64_000
"""Code of one text that is coloured; the blocks after it are plain."""

_URL_SHOWN_CHARS: Final = 200

_CUT_NOTE: Final = '<p class="md-note">This text is longer than 200 KiB. The rest is not shown.</p>'
_PLAIN_NOTE: Final = (
    '<p class="md-note">This text is too complex to be laid out. It is shown as written.</p>'
)

_ALERTS: Final = ("note", "tip", "important", "warning", "caution")
_SOURCE_HEADINGS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")
_HEADINGS: Final = ("h2", "h3", "h4", "h5", "h6")
_CLEANER: Final = nh3.Cleaner(
    tags={
        *("a", "blockquote", "br", "code", "del", "div", "em", "hr", "li", "mark", "ol", "p"),
        *("pre", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
        *_HEADINGS,
    },
    attributes={
        "a": {"href", "title"},
        "mark": {"title"},
        "ol": {"start"},
        **{heading: {"id"} for heading in _HEADINGS},
    },
    tag_attribute_values={
        "td": {"align": {"left", "center", "right"}},
        "th": {"align": {"left", "center", "right"}, "scope": {"col"}},
        "div": {"tabindex": {"0"}, "role": {"group"}, "aria-label": {"Table"}},
        "pre": {"tabindex": {"0"}},
    },
    allowed_classes={
        "div": {"md-table", "md-alert", *(f"md-alert-{kind}" for kind in _ALERTS)},
        "p": {"md-alert-title"},
        "span": {"md-image", *CLASSES},
        "mark": {"invisible"},
    },
    url_schemes={"http", "https", "mailto"},
    link_rel="nofollow ugc noopener",
)

# Comrak escapes `<` and `>` of the text and of attributes, so each one left is a tag of its own.
_PIECE: Final = re.compile(
    r'<pre><code(?: class="language-(?P<language>[^"<>]*)")?>(?P<code>[^<]*)</code></pre>'
    r"|<(?P<close>/?)(?P<tag>[a-z][a-z0-9]*)(?P<attributes>[^<>]*)>"
    r"|(?P<text>[^<]+)"
)
_ATTRIBUTE: Final = re.compile(r'([a-z-]+)="([^"]*)"')
_VOID_TAGS: Final = frozenset({"br", "hr", "img", "input"})
_SCHEME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_ALLOWED_SCHEME: Final = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_LINE_ANCHOR: Final = re.compile(r"L\d+(?:-L\d+)?")
_QUOTE_RUN: Final = re.compile(r">(?:[ \t]*>){59}")
_DELIMITER_ROW: Final = re.compile(r"[ \t\v\f>|:-]*-[ \t\v\f>|:-]*")
_CODE_BLOCK: Final = re.compile(r"<pre>.*?</pre>", re.DOTALL)
_TAG: Final = re.compile(r"<[^<>]*>")
_NOT_IN_SLUG: Final = re.compile(r"[^\w\- ]+")

logger = logging.getLogger(__name__)


class _TooComplexError(Exception):
    """The HTML of a text is too deep or too long to be worth cleaning."""


def render_markdown(text: str, *, link_base: str = "", source_path: str = "") -> SafeString:
    """Return sanitised HTML of untrusted Markdown, never longer than about `HTML_LIMIT_CHARS`.

    Headings begin at h2 and have ids with the prefix `md-`; nothing is loaded from another place.
    Relative links lead to `link_base` plus the path, seen from the file `source_path`; those that
    would leave it, and all of them without a `link_base`, become text. Never raises.
    """
    source, was_cut = _bounded(text)
    try:
        html = _laid_out(source, link_base=link_base, source_path=source_path)
    except _TooComplexError:
        plain = escape(visible_invisibles(source))
        html = f'{_PLAIN_NOTE}<pre tabindex="0"><code>{plain}</code></pre>'
    whole = html + _CUT_NOTE if was_cut else html
    return mark_safe(whole)  # noqa: S308 - Cleaned by nh3, or escaped, and our own notes.


def plain_text(markdown: str, limit: int) -> str:
    """Return the words of Markdown as one line of at most `limit` characters, for descriptions.

    Code blocks are left out, images give their alternative text. A cut text ends in `…`. The result
    is text, not HTML: templates escape it.
    """
    # Only a beginning is read: no description needs more, and lists of badges are mostly addresses.
    source, _ = _bounded(markdown[: limit * 4 + 8000])
    try:
        html = _rendered(source, link_base="", source_path="")
    except _TooComplexError:
        html = escape(source)
    prose = _TAG.sub(_alternative_text, _CODE_BLOCK.sub(" ", html))
    line = clean_line(unescape(prose), limit + 1)
    return line if len(line) <= limit else line[: max(limit - 1, 0)].rstrip() + "…"


def _bounded(text: str) -> tuple[str, bool]:
    """Return storable text with plain line ends within the limit, and whether it was cut."""
    lines = replace_unstorable(text).replace("\r\n", "\n").replace("\r", "\n")
    data = lines.encode()
    if len(data) <= SOURCE_LIMIT_BYTES:
        return lines, False
    return data[:SOURCE_LIMIT_BYTES].decode(errors="ignore"), True


def _laid_out(source: str, *, link_base: str, source_path: str) -> str:
    if count_invisible_runs(source, INVISIBLE_LIMIT) == INVISIBLE_LIMIT:
        raise _TooComplexError
    rendered = _rendered(source, link_base=link_base, source_path=source_path)
    html = _CLEANER.clean(_Rewriter(link_base, source_path).rewritten(rendered))
    if len(html) > HTML_LIMIT_CHARS:
        raise _TooComplexError
    return html


def _rendered(source: str, *, link_base: str, source_path: str) -> str:
    """Return comrak's HTML, not yet sanitised."""
    extensions = comrak.ExtensionOptions()
    extensions.autolink = extensions.strikethrough = extensions.tasklist = True
    extensions.table = _table_cells_at_most(source) <= TABLE_CELL_LIMIT
    # Looking for alerts takes comrak quadratic time in a run of quote marks: 5 s for 50 KB.
    extensions.alerts = _QUOTE_RUN.search(source) is None
    extensions.link_url_rewriter = lambda url: resolve_link(url, link_base, source_path)
    options = comrak.RenderOptions()
    options.escape = True
    try:
        html: str = comrak.render_markdown(
            source, extension_options=extensions, render_options=options
        )
    except BaseException as error:
        # A panic of the Rust code is no Exception and would end the whole worker process.
        if type(error).__name__ != "PanicException":
            raise
        logger.exception("The Markdown renderer panicked on a text of %d characters.", len(source))
        raise _TooComplexError from error
    if len(html) > HTML_LIMIT_CHARS:
        raise _TooComplexError
    return html


def _table_cells_at_most(source: str) -> int:
    """Return an upper bound of the cells of all tables: per block, columns times lines."""
    cells = columns = lines = 0
    for line in source.split("\n"):
        if not line.strip():
            cells += columns * lines
            columns = lines = 0
            continue
        lines += 1
        if "|" in line and _DELIMITER_ROW.fullmatch(line):
            columns = max(columns, line.count("|") + 1)
    return cells + columns * lines


def resolve_link(url: str, link_base: str, source_path: str = "") -> str:
    """Return the address a link of a skill's file may lead to, "" for none.

    Fragments get the prefix of our heading ids; a path from the root means the root of the skill.
    """
    # Browsers drop white space at the ends and read a backslash as a slash; so do we.
    url = url.strip().replace("\\", "/")
    if not url or _CONTROL.search(url):
        return ""
    if url.startswith("//"):
        url = f"https:{url}"
    if _SCHEME.match(url):
        return url if _ALLOWED_SCHEME.match(url) else ""
    address, _, fragment = url.partition("#")
    anchor = _fragment(fragment)
    if not address:
        return anchor
    path = _path_inside(unquote(address.partition("?")[0]), source_path)
    if not link_base or path is None:
        return ""
    return f"{link_base.rstrip('/')}/{quote(path)}{anchor}"


def _fragment(fragment: str) -> str:
    if not fragment:
        return ""
    if _LINE_ANCHOR.fullmatch(fragment):
        return f"#{fragment}"
    return "#md-" + quote(unquote(fragment).lower())


def _path_inside(path: str, source_path: str) -> str | None:
    """Return the path from the root of the skill, None where it leads out of it or is unusable."""
    path = path.replace("\\", "/")
    if _CONTROL.search(path):
        return None
    folder = "" if path.startswith("/") else posixpath.dirname(source_path)
    resolved = posixpath.normpath(posixpath.join(folder, path.lstrip("/")))
    if resolved in (".", "..") or resolved.startswith(("../", "/")):
        return None
    return resolved


def _alternative_text(tag: re.Match[str]) -> str:
    """Replace a tag of comrak's HTML by the words a reader without it needs."""
    if not tag.group().startswith("<img"):
        # Inline tags stand inside words, all others between them.
        inline = re.match(r"</?(?:a|code|del|em|span|strong)\b", tag.group())
        return "" if inline else " "
    values: dict[str, str] = dict(_ATTRIBUTE.findall(tag.group()))
    return values.get("alt", "")


class _Rewriter:
    """Turns comrak's HTML into the shape of our pages, in one pass over its tags."""

    def __init__(self, link_base: str, source_path: str) -> None:
        self._link_base = link_base
        self._source_path = source_path
        self._out: list[str] = []
        self._depth = 0
        self._tags = 0
        self._length = 0
        self._code_chars = 0
        self._href = ""
        self._is_in_link = False
        self._link_start = 0
        self._is_in_heading = False
        self._heading_start = 0
        self._heading_text: list[str] = []
        self._slug_counts: dict[str, int] = {}

    def rewritten(self, html: str) -> str:
        """Return the rewritten HTML; raise `_TooComplexError` where it is too deep or too long."""
        for piece in _PIECE.finditer(html):
            if piece["text"] is not None:
                self._text(piece["text"])
            elif piece["tag"] is None:
                self._code_block(piece["language"] or "", unescape(piece["code"]))
            else:
                self._tag(piece["tag"], piece["attributes"], is_closing=bool(piece["close"]))
        return "".join(self._out)

    def _write(self, html: str) -> None:
        self._length += len(html)
        if self._length > HTML_LIMIT_CHARS:
            raise _TooComplexError
        self._out.append(html)

    def _text(self, html: str) -> None:
        if self._is_in_heading:
            self._heading_text.append(html)
        self._write(mark_invisible(unescape(html)) if has_invisible(html) else html)

    def _code_block(self, language: str, code: str) -> None:
        self._code_chars += len(code)
        word = unescape(language).split(",")[0]
        if lexer_name(word) and self._code_chars <= CODE_LIMIT_CHARS:
            html = "\n".join(highlight_lines(code, word))
        else:
            html = mark_invisible(code)
        self._write(f'<pre tabindex="0"><code>{html}</code></pre>\n')

    def _tag(self, tag: str, attributes: str, *, is_closing: bool) -> None:
        self._tags += 1
        if tag not in _VOID_TAGS:
            self._depth += -1 if is_closing else 1
        if self._depth > DEPTH_LIMIT or self._tags > TAG_LIMIT:
            raise _TooComplexError
        values = {name: unescape(value) for name, value in _ATTRIBUTE.findall(attributes)}
        if tag in _SOURCE_HEADINGS:
            self._heading(int(tag[1]), is_closing=is_closing)
        elif tag == "a":
            self._link(values, is_closing=is_closing)
        elif tag == "img":
            self._image(values)
        elif tag == "input":
            self._write("☑" if "checked" in attributes else "☐")
        elif tag == "table":
            opening = '<div class="md-table" tabindex="0" role="group" aria-label="Table"><table>'
            self._write("</table></div>" if is_closing else opening)
        elif is_closing:
            self._write(f"</{tag}>")
        else:
            self._write(f"<{tag}{_kept_attributes(tag, values)}>")

    def _heading(self, level: int, *, is_closing: bool) -> None:
        name = f"h{min(level + 1, 6)}"
        self._is_in_heading = not is_closing
        if not is_closing:
            self._heading_start, self._heading_text = len(self._out), []
            self._write("")
            return
        slug = self._unique_slug(unescape("".join(self._heading_text)))
        self._out[self._heading_start] = f'<{name} id="md-{escape(slug)}">'
        self._write(f"</{name}>")

    def _unique_slug(self, text: str) -> str:
        """Return the anchor GitHub would give, numbered where it was given before."""
        slug = _NOT_IN_SLUG.sub("", visible_invisibles(text)[:200].lower()).strip()
        slug = slug.replace(" ", "-") or "section"
        number = self._slug_counts.get(slug, 0)
        unique = f"{slug}-{number}" if number else slug
        while unique in self._slug_counts:
            number += 1
            unique = f"{slug}-{number}"
        self._slug_counts[slug] = number + 1
        self._slug_counts.setdefault(unique, 1)
        return unique

    def _link(self, values: dict[str, str], *, is_closing: bool) -> None:
        if not is_closing:
            self._is_in_link, self._href = True, values.get("href", "")
            if self._href:
                self._write(f"<a{_written(values, 'href', 'title')}>")
            self._link_start = len(self._out)
            return
        if self._href:
            # A link without words could be neither seen nor announced.
            if not "".join(self._out[self._link_start :]).strip():
                self._text(escape(_shortened(self._href)))
            self._write("</a>")
        self._is_in_link = False

    def _image(self, values: dict[str, str]) -> None:
        """Write the words of an image, then its address as text; a file of the skill is a link."""
        words, url = values.get("alt") or "image", values.get("src", "")
        self._heading_text.append(escape(words))
        html = mark_invisible(words)
        link = resolve_link(url, self._link_base, self._source_path)
        root = f"{self._link_base.rstrip('/')}/"
        if self._is_in_link or not url:
            self._write(f'<span class="md-image">{html}</span>')
        elif self._link_base and link.startswith(root):
            self._write(f'<span class="md-image"><a href="{escape(link)}">{html}</a></span>')
        else:
            shown = mark_invisible(_shortened(url))
            self._write(f'<span class="md-image">{html} (<code>{shown}</code>)</span>')


def _kept_attributes(tag: str, values: dict[str, str]) -> str:
    if tag in ("td", "th"):
        return _written(values, "align") + (' scope="col"' if tag == "th" else "")
    if tag == "ol":
        return _written(values, "start")
    if "class" in values:
        kind = values["class"].replace("markdown-alert", "md-alert")
        return f' class="{escape(kind)}"'
    return ""


def _shortened(url: str) -> str:
    return url if len(url) <= _URL_SHOWN_CHARS else url[:_URL_SHOWN_CHARS] + "…"


def _written(values: dict[str, str], *names: str) -> str:
    """Write those attributes that have a value, with invisible characters made visible."""
    kept = ((name, visible_invisibles(values[name])) for name in names if values.get(name))
    return "".join(f' {name}="{escape(value)}"' for name, value in kept)

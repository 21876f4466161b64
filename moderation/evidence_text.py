"""How the text of strangers stands before a moderator: whole, harmless, on a line of its own."""

from __future__ import annotations

import re
from html import escape
from typing import Final

from django.utils.safestring import SafeString, mark_safe

from config.text import mark_invisible, visible_invisibles

LINE_CHARS: Final = 400
"""Characters of one line that are shown; how many follow is said."""

HTML_PER_CHAR: Final = 6
"""A line with more HTML than this per character has its marks without titles."""

_ADDRESS: Final = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,20}):(?=//)")


def defanged(text: str) -> str:
    """Return the text with every address written so that nothing makes a link of it."""
    return _ADDRESS.sub(r"\1[:]", text)


def shown_line(line: str, limit: int = LINE_CHARS) -> SafeString:
    """Return a line as HTML: cut, addresses as text, invisible characters written out."""
    text = defanged(line[:limit])
    html: str = mark_invisible(text)
    if len(html) > HTML_PER_CHAR * limit:
        html = escape(visible_invisibles(text))
    if len(line) > limit:
        html += f'<span class="cut"> … {len(line) - limit:,} more characters</span>'
    return mark_safe(html)  # noqa: S308 - Escaped above.

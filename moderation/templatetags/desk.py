"""`{% load desk %}`: the text of strangers and bounded counts on the desk's pages."""

from __future__ import annotations

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from config.formats import exact_count
from moderation.evidence_text import shown_line

register = template.Library()
COUNTED = 1_000


@register.filter
def defanged(text: str, limit: int) -> SafeString:
    """Return text as HTML: cut, its lines kept, addresses as text, invisible characters shown."""
    return format_html_join("\n", "{}", ([line] for line in _lines(text, limit)))


def _lines(text: str, limit: int) -> list[SafeString]:
    head, rest = text[:limit], len(text) - limit
    lines = [shown_line(line) for line in head.splitlines()]
    if rest > 0 and lines:
        lines[-1] += shown_line(f" … {rest:,} more characters")
    return lines


@register.filter
def bounded(count: int) -> str:
    """Write a count that was not taken further than a thousand: 1k+ where there are more."""
    return "1k+" if count > COUNTED else exact_count(count)

"""`{% load formats %}`: the numbers, times and untrusted text of `config` in templates."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config import formats, text
from config.zones import current_zone

register = template.Library()

register.filter("compact_count", formats.compact_count)
register.filter("exact_count", formats.exact_count)
register.filter("dollars", formats.dollars)
register.filter("decimal", formats.decimal)
register.filter("bytes_size", formats.bytes_size)
register.filter("duration", formats.duration)
register.filter("short_date", formats.short_date)
register.filter("mark_invisible", text.mark_invisible)


@register.filter
def exact_time(moment: datetime | None) -> str:
    """Write a moment to the second, in the zone of whoever looks."""
    return formats.exact_time(moment, current_zone())


@register.simple_tag
def time_ago(moment: datetime | None, now: datetime | None = None) -> SafeString | str:
    """Write a `<time>` with the relative time, its exact time in the title; `—` for None.

    The exact time is told in the zone of whoever looks. `now` is for pages that were made as of a
    moment; the default is the present.
    """
    if moment is None:
        return formats.NOTHING
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        formats.machine_time(moment),
        formats.exact_time(moment, current_zone()),
        formats.relative_time(moment, now or timezone.now()),
    )


@register.simple_tag
def clock(moment: datetime | None) -> SafeString | str:
    """Write a `<time>` with the time of day where the viewer is, and the date if not today's."""
    if moment is None:
        return formats.NOTHING
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        formats.machine_time(moment),
        formats.exact_time(moment, current_zone()),
        formats.clock_time(moment, timezone.now(), current_zone()),
    )


@register.simple_tag
def count(number: int | None) -> SafeString | str:
    """Write a `<data>`, the exact count as title where the compact one is shorter; `—` for None."""
    if number is None:
        return formats.NOTHING
    exact, shown = formats.exact_count(number), formats.compact_count(number)
    # A string, because format_html would write a number in the style of the active locale.
    told = str(number)
    if shown == exact:
        return format_html('<data value="{}">{}</data>', told, shown)
    return format_html('<data value="{}" title="{}">{}</data>', told, exact, shown)

"""Charts drawn by the server as SVG: text in, text out, no database.

Every colour is a variable of the style sheet, so a chart follows the colour scheme; nothing is told
by colour alone. The plot stretches with the page while words keep their size, because only the
plot stands in a `viewBox`. A page shows the same numbers as a table behind each chart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import count, pairwise
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from config.formats import compact_count, day_and_month

Days = Sequence[tuple[date, int | None]]

SPARK_POINTS: Final = 30
_SPARK_WIDTH, _SPARK_HEIGHT = 120, 24

_HEIGHT: Final = 176
_PLOT_TOP, _PLOT_HEIGHT = 12, 136
# One day is ten units wide, its bar seven; all days share the width of the plot.
_DAY, _BAR, _BAR_LEFT = 10, 7, 1.5
_GUTTER: Final = 9
"""Percent of the width that the words of the axis take."""

_STEPS: Final = (1, 2, 5)
_SPACES: Final = 3
"""An axis has at most one tick more than this."""


def sparkline(values: Sequence[int], *, label: str, marks: Sequence[int] = ()) -> SafeString:
    """Return a small line of the last 30 values, from 0 to the largest; at most 0.4 KB.

    Its colour and size are those of `.spark` in the style sheet. `marks` are the places, from 0,
    of values at which something happened: a line from top to bottom.
    """
    shown = [max(value, 0) for value in values[-SPARK_POINTS:]] or [0]
    floor, top, steps = _SPARK_HEIGHT - 2, max(*shown, 1), len(shown) - 1
    step = _SPARK_WIDTH // max(steps, 1)
    heights = [floor - round(value * (floor - 2) / top) for value in shown]
    # Whole steps from point to point, the sign as separator: a board has fifty of these.
    moves = [f" {step} {to - at}".replace(" -", "-") for at, to in pairwise(heights)]
    ticks = "".join(f"M{step * mark} 0v{_SPARK_HEIGHT}" for mark in marks if mark <= steps)
    return format_html(
        '<svg class="spark" viewBox="-2 0 {} {}" role="img"><title>{}</title>{}'
        '<path d="m0 {}{}h0"/></svg>',
        str(step * steps + 4),
        str(_SPARK_HEIGHT),
        label,
        format_html('<path class="mark" d="{}"/>', ticks) if ticks else "",
        str(heights[0]),
        "".join(moves),
    )


def bars(days: Days, *, label: str, partial_last: bool, limit: int | None = None) -> SafeString:
    """Return one bar a day on an axis from 0; None leaves a gap, 0 a mark on the base line.

    With `partial_last` the last day is hatched and called "so far". `limit` is drawn as a dashed
    line across all days. At most 6 KB for 90 days.
    """
    shown = [(day, None if number is None else max(number, 0)) for day, number in days]
    ticks = _ticks(max([limit or 0, *(number or 0 for _day, number in shown)]))
    whole, hatched = list(enumerate(shown)), []
    if partial_last:
        whole, hatched = whole[:-1], whole[-1:]
    solid = "".join(f"M{x} {y}h{_BAR}V100h-{_BAR}z" for x, y in _columns(whole, ticks[-1]))
    marks = [f'<path d="{solid}"/>'] * bool(solid)
    for x, y in _columns(hatched, ticks[-1]):
        middle = _short(float(x) + _BAR / 2)
        # Dashes across a line as wide as the bar: stripes, and nothing that needs an id.
        marks.append(
            f'<path d="M{middle} 100V{y}" stroke="var(--c1)" stroke-width="{_BAR}"'
            ' stroke-dasharray="2 2"/>'
            f'<path d="M{x} {y}h{_BAR}V100h-{_BAR}z" fill="none" stroke="var(--c1)"'
            ' vector-effect="non-scaling-stroke"/>'
        )
    if limit is not None:
        marks.append(
            f'<path d="M0 {_short(100 - limit * 100 / ticks[-1])}h{max(len(days), 1) * _DAY}"'
            ' stroke="var(--c2)" stroke-width="2" stroke-dasharray="6 4"'
            ' vector-effect="non-scaling-stroke"/>'
        )
    last = f"{day_and_month(days[-1][0])}, so far" if hatched else ""
    return _chart(
        days,
        label=label,
        scale=[(compact_count(tick), 1 - tick / ticks[-1]) for tick in ticks],
        marks="".join(marks),
        last=last,
    )


def ranks(points: Days, *, label: str) -> SafeString:
    """Return a line of ranks, the first rank on top; None interrupts it. At most 6 KB for 90 days.

    Every rank is a dot too, so that one between two gaps is seen.
    """
    worst = max((rank for _day, rank in points if rank is not None), default=1)
    ticks = _rank_ticks(worst)
    spread = max(ticks[-1] - 1, 1)
    line, dots, pen = [], [], "M"
    for n, (_day, rank) in enumerate(points):
        if rank is None:
            pen = "M"
            continue
        place = f"{_short((n + 0.5) * _DAY)} {_short((rank - 1) * 100 / spread)}"
        line.append(pen + place)
        dots.append(f"M{place}h0")
        pen = "L"
    drawn = "".join(
        f'<path d="{"".join(path)}" fill="none" stroke="var(--c2)" stroke-width="{width}"'
        ' stroke-linecap="round" stroke-linejoin="round" vector-effect="non-scaling-stroke"/>'
        for path, width in ((line, 2), (dots, 6))
        if path
    )
    return _chart(
        points,
        label=label,
        scale=[(f"#{tick}", (tick - 1) / spread) for tick in ticks],
        marks=drawn,
    )


def _chart(
    days: Days, *, label: str, scale: Iterable[tuple[str, float]], marks: str, last: str = ""
) -> SafeString:
    """Put marks, drawn on a plane of ten units a day by 100, between an axis and its dates."""
    ends = [day_and_month(days[0][0]), last or day_and_month(days[-1][0])] if days else []
    return format_html(
        '<svg class="plot" width="100%" height="{}" role="img" font-size="12"'
        ' fill="var(--ink-2)"><title>{}</title><desc>{}</desc>{}'
        '<svg x="{}%" y="{}" width="{}%" height="{}" viewBox="0 0 {} 100"'
        ' preserveAspectRatio="none" overflow="visible" fill="var(--c1)">{}</svg>{}</svg>',
        str(_HEIGHT),
        label,
        f"{len(days)} days, from {' to '.join(ends)}." if ends else "No day is shown.",
        _safe(_gridline(words, share) for words, share in scale),
        str(_GUTTER),
        str(_PLOT_TOP),
        str(100 - _GUTTER),
        str(_PLOT_HEIGHT),
        str(max(len(days), 1) * _DAY),
        _safe([marks]),
        _safe(_dates(ends)),
    )


def _gridline(words: str, share: float) -> str:
    """Return a line across the plot, this share of its height below the top, and its words."""
    y = _short(_PLOT_TOP + share * _PLOT_HEIGHT)
    return (
        f'<line x1="{_GUTTER}%" x2="100%" y1="{y}" y2="{y}" stroke="var(--line)"/>'
        f'<text x="{_GUTTER - 1}%" y="{y}" dy="4" text-anchor="end">{words}</text>'
    )


def _dates(ends: Sequence[str]) -> Iterable[str]:
    """Return the first and the last day below the two ends of the plot."""
    sides = ((_GUTTER, "start"), (100, "end"))
    for (x, anchor), words in zip(sides, dict.fromkeys(ends), strict=False):
        yield f'<text x="{x}%" y="{_HEIGHT - 8}" text-anchor="{anchor}">{words}</text>'


def _columns(
    days: Iterable[tuple[int, tuple[date, int | None]]], top: int
) -> list[tuple[str, str]]:
    """Return where the bar of each known day begins and how far below the top it ends.

    A day with none is a thin mark, and any count at all stands above it.
    """
    return [
        (
            _short(n * _DAY + _BAR_LEFT),
            _short(min(100 - number * 100 / top, 98 if number else 99.5)),
        )
        for n, (_day, number) in days
        if number is not None
    ]


def _ticks(largest: int) -> list[int]:
    """Return at most four round numbers from 0 to the first one not below `largest`."""
    rounds = (step * 10**power for power in count() for step in _STEPS)
    step = next(step for step in rounds if step * _SPACES >= largest)
    return [step * n for n in range(max(-(-largest // step), 1) + 1)]


def _rank_ticks(worst: int) -> list[int]:
    """Return at most four ranks from the first to one not better than `worst`."""
    return (
        [max(tick, 1) for tick in _ticks(worst)] if worst > _SPACES else list(range(1, worst + 1))
    )


def _short(number: float) -> str:
    """Write a coordinate with one decimal at most."""
    return f"{number:.1f}".removesuffix(".0")


def _safe(parts: Iterable[str]) -> SafeString:
    return mark_safe("".join(parts))  # noqa: S308 - Numbers and dates of this module only.

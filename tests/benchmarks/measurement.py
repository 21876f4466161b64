"""What a benchmark hands back: a figure, what it is compared with, and whether its goal is met."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Measurement:
    """One figure. `reference` is the rival's figure of the same run, `ratio` the value over it.

    `goal` says in words what is asked; "" means reported only. `ok` is None where nothing is asked.
    """

    name: str
    value: float
    unit: str
    reference: float | None = None
    ratio: float | None = None
    goal: str = ""
    ok: bool | None = None

    @property
    def is_missed(self) -> bool:
        """Say whether a goal stands and is not met."""
        return self.ok is False


def at_most(
    name: str, value: float, unit: str, limit: float, reference: float | None = None
) -> Measurement:
    """Return a figure that must not exceed `limit`."""
    return Measurement(
        name,
        value,
        unit,
        reference,
        over(value, reference),
        f"at most {limit:g} {unit}",
        ok=value <= limit,
    )


def at_least(
    name: str, value: float, unit: str, limit: float, reference: float | None = None
) -> Measurement:
    """Return a figure that must reach `limit`."""
    return Measurement(
        name,
        value,
        unit,
        reference,
        over(value, reference),
        f"at least {limit:g} {unit}",
        ok=value >= limit,
    )


def share(
    name: str,
    value: float,
    unit: str,
    reference: float,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Measurement:
    """Return a figure whose ratio to its reference is what is asked."""
    ratio = value / reference if reference else 0.0
    if at_least is not None:
        goal, ok = f"at least {at_least:g} of the reference", ratio >= at_least
    elif at_most is not None:
        goal, ok = f"at most {at_most:g} of the reference", ratio <= at_most
    else:
        return told(name, value, unit, reference)
    return Measurement(name, value, unit, reference, over(value, reference), goal, ok)


def told(name: str, value: float, unit: str, reference: float | None = None) -> Measurement:
    """Return a figure nothing is asked of."""
    return Measurement(name, value, unit, reference, over(value, reference))


def over(value: float, reference: float | None) -> float | None:
    """Return value over reference, three digits that count; None without a reference."""
    return float(f"{value / reference:.3g}") if reference else None


def table(measurements: Iterable[Measurement]) -> str:
    """Return the figures as lines people read."""
    rows = [("measurement", "value", "reference", "ratio", "goal", "")]
    rows.extend(
        (
            m.name,
            f"{_number(m.value)} {m.unit}",
            "" if m.reference is None else _number(m.reference),
            "" if m.ratio is None else f"{m.ratio:g}",
            m.goal,
            {True: "ok", False: "MISSED", None: ""}[m.ok],
        )
        for m in measurements
    )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def json_line(measurement: Measurement) -> str:
    """Return the figure as one JSON object."""
    return json.dumps(asdict(measurement))


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"

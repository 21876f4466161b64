"""Examines a CSV file and prints what looks wrong. Reads only; nothing is written."""

from __future__ import annotations

import csv
import re
import sys
from collections import Counter
from pathlib import Path


def delimiter_of(head: str) -> str:
    """Return the sign that stands equally often in most lines."""
    counts = {sign: Counter(line.count(sign) for line in head.splitlines()) for sign in ";,\t|"}
    steady = {sign: c.most_common(1)[0] for sign, c in counts.items() if c}
    return max(steady, key=lambda sign: (steady[sign][0] > 0, steady[sign][1]))


def decimal_mark(values: list[str]) -> str:
    """Return the mark most numbers of a column end their whole part with; a dot if unsure."""
    commas = sum(1 for value in values if re.fullmatch(r"-?\d+,\d{1,2}", value))
    dots = sum(1 for value in values if re.fullmatch(r"-?\d+\.\d{1,2}", value))
    return "," if commas > dots else "."


def examine(path: Path) -> list[str]:
    """Return the findings of one file, one line each."""
    text = path.read_bytes().decode("utf-8", "replace")
    delimiter = delimiter_of(text[:20_000])
    header, *rows = csv.reader(text.splitlines(), delimiter=delimiter)
    findings = [f"{path.name}: {len(rows)} rows, {len(header)} columns, “{delimiter}” between"]
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            findings.append(f"  line {number}: {len(row)} fields instead of {len(header)}")
    if "Ã" in text:
        findings.append("  text: decoded twice somewhere on its way")
    for name, *values in zip(header, *rows, strict=False):
        if any(re.fullmatch(r"\d{5}", value) for value in values) and "date" in name:
            findings.append(f"  {name}: day numbers among the dates")
        if decimal_mark(values) == ",":
            findings.append(f"  {name}: decimal commas")
    return findings


for argument in sys.argv[1:]:
    print("\n".join(examine(Path(argument))))

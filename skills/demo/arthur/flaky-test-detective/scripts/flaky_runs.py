"""Reads test reports of many runs and tells which tests fail only sometimes."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

CASE = re.compile(r'<testcase[^>]*classname="([^"]*)"[^>]*\bname="([^"]*)"[^>]*?(/?)>')


def outcomes(report: str) -> list[tuple[str, bool]]:
    """Return (test, failed) for each case of a report in the common XML form."""
    found = []
    for case in CASE.finditer(report):
        rest = "" if case[3] else report[case.end() :].partition("</testcase>")[0]
        found.append((f"{case[1]}::{case[2]}", "<failure" in rest or "<error" in rest))
    return found


def verdict_of(failed: int, total: int) -> str:
    """Say in one word what these counts mean."""
    if failed == total:
        return "broken"
    return "flaky" if failed else "fine"


runs: Counter[str] = Counter()
failures: Counter[str] = Counter()
for path in sys.argv[1:]:
    for test, has_failed in outcomes(Path(path).read_text(encoding="utf-8")):
        runs[test] += 1
        failures[test] += has_failed

for name, failed in failures.most_common():
    total = runs[name]
    print(f"{name}  failed {failed} of {total}  ({verdict_of(failed, total)})")

"""What the daily checks found: rows that differed from what they should be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from jobs.models import JobRun
from jobs.schedules import BY_NAME

LINES_SHOWN: Final = 20


class Difference(NamedTuple):
    """One value that was wrong, as stored and as counted; both None where only rows are known."""

    what: str
    stored: int | None
    counted: int | None


@dataclass(frozen=True)
class DriftReport:
    """The findings of one check."""

    title: str
    checked_at: datetime | None
    # How many rows differed, and the first differences.
    rows: int
    differences: list[Difference]
    is_cut: bool


def _of_statistics(result: dict[str, Any]) -> Iterator[Difference]:
    for name, told in result.get("site_drift", {}).items():
        yield Difference(f"site: {_words(name)}", told.get("stored"), told.get("counted"))
    for skill, names in result.get("skills_drift", {}).items():
        for name, told in names.items():
            yield Difference(
                f"skill {skill}: {_words(name)}", told.get("stored"), told.get("counted")
            )


def _of_fields(result: dict[str, Any]) -> Iterator[Difference]:
    for label, told in result.get("drift", {}).items():
        yield Difference(f"{label}: {told.get('rows', 0):,} rows", None, None)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _rows_of_statistics(result: dict[str, Any]) -> int:
    skills = len(result.get("skills_drift", {})) + result.get("more_skills_drift", 0)
    return int(skills) + bool(result.get("site_drift"))


def _rows_of_fields(result: dict[str, Any]) -> int:
    return sum(told.get("rows", 0) for told in result.get("drift", {}).values())


CHECKS: Final = {
    "recount_statistics": (_rows_of_statistics, _of_statistics),
    "check_derived_fields": (_rows_of_fields, _of_fields),
}


def drift_reports(runs: Iterable[JobRun]) -> list[DriftReport]:
    """Return what the last successful run of each check found, in the order of `CHECKS`."""
    by_kind = {run.kind: run for run in runs}
    reports = []
    for kind, (count, list_all) in CHECKS.items():
        if (run := by_kind.get(kind)) is None:
            continue
        found = list(list_all(run.result))
        reports.append(
            DriftReport(
                title=BY_NAME[kind].title,
                checked_at=run.started_at,
                rows=count(run.result),
                differences=found[:LINES_SHOWN],
                is_cut=len(found) > LINES_SHOWN,
            )
        )
    return reports

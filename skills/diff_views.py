"""The public comparison of two versions of a skill."""

from __future__ import annotations

from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode

from config.text import mark_invisible
from skills.addresses import diff_url
from skills.comparison import compare
from skills.diff import FileChange, FileDiff, RowKind
from skills.models import Skill
from skills.shown import find_shown, of_skill
from skills.skill_views import head

VERSIONS_OFFERED: Final = 50
ROWS_SHOWN: Final = 1_000
"""Rows of all files on the page; a file that does not fit is one click away."""

ROWS_OF_ONE_FILE: Final = 5_000
_ROW_CLASSES: Final = {
    RowKind.CONTEXT: "ctx",
    RowKind.ADDED: "add",
    RowKind.REMOVED: "del",
    RowKind.NOTE: "ctx",
}
_KINDS: Final = {
    FileChange.ADDED: "new",
    FileChange.REMOVED: "removed",
    FileChange.CHANGED: "",
    FileChange.RENAMED: "renamed",
}


@of_skill
def pick(request: HttpRequest, skill: Skill) -> HttpResponse:
    """Lead from the form to the comparison; without a choice to that of the latest two."""
    numbers = list(_choices(skill)[:2])
    new = request.GET.get("to") or (numbers[0] if numbers else "")
    old = request.GET.get("from") or (numbers[-1] if numbers else "")
    if not old or not new:
        raise Http404
    return redirect(diff_url(skill.owner_handle, skill.slug, old, new))


@of_skill
def diff(request: HttpRequest, skill: Skill, pair: str) -> HttpResponse:
    """Compare two versions file by file."""
    first, dots, second = pair.partition("...")
    found = {
        version.version: version
        for version in skill.versions.available()
        .filter(version__in=[first, second])
        .defer("readme", "warnings")
    }
    if not dots or first not in found or second not in found:
        raise Http404
    old, new = found[first], found[second]
    comparison = compare(old, new)
    asked_path = request.GET.get("file", "")
    url = diff_url(skill.owner_handle, skill.slug, first, second)
    context = head(request, find_shown(skill), "versions") | {
        "old": old,
        "new": new,
        "choices": _with(list(_choices(skill)[:VERSIONS_OFFERED]), first, second),
        "form_url": diff_url(skill.owner_handle, skill.slug),
        "url": url,
        "side_effects": comparison.side_effects,
        "total": _totals(comparison.files),
        "files": _shown(comparison.files, url, asked_path),
        "asked_path": asked_path,
        "noindex": True,
    }
    return render(request, "public/diff.html", context)


def _choices(skill: Skill) -> Any:
    return skill.versions.available().newest_first().values_list("version", flat=True)


def _with(numbers: list[str], *chosen: str) -> list[str]:
    return numbers + [number for number in dict.fromkeys(chosen) if number not in numbers]


def _totals(files: list[FileDiff]) -> dict[str, int]:
    return {
        "added": sum(item.added_lines or 0 for item in files),
        "removed": sum(item.removed_lines or 0 for item in files),
        "files": len(files),
    }


def _shown(files: list[FileDiff], url: str, asked_path: str) -> list[dict[str, Any]]:
    """Return the files as shown: rows up to the limit of the page, then links to the rest."""
    left = ROWS_SHOWN
    shown = []
    for item in files:
        if asked_path and item.path != asked_path:
            continue
        count = sum(len(hunk.rows) + 1 for hunk in item.hunks)
        fits = bool(asked_path) or count <= left
        left -= count if fits else 0
        shown.append(
            {
                "diff": item,
                "kind": _KINDS[item.kind],
                "rows": _rows(item)[:ROWS_OF_ONE_FILE] if fits else [],
                "is_cut": fits and count > ROWS_OF_ONE_FILE,
                "why_not": _why_not(item),
                "more_url": "" if fits else f"{url}?{urlencode({'file': item.path})}",
            }
        )
    return shown


def _why_not(item: FileDiff) -> str:
    if item.too_large:
        return "Too large to be compared line by line."
    if item.binary:
        return "Binary file; its lines are not compared."
    if item.kind is FileChange.RENAMED:
        return "Renamed, the content is the same."
    return "" if item.hunks else "An empty file."


def _rows(item: FileDiff) -> list[tuple[str, Any, Any, str]]:
    """Return (class, old line, new line, HTML) of every row, hunk headers included."""
    rows: list[tuple[str, Any, Any, str]] = []
    for hunk in item.hunks:
        rows.append(("hunk", "", "", hunk.header))
        rows += [
            (
                _ROW_CLASSES[row.kind],
                "" if row.old_no is None else row.old_no,
                "" if row.new_no is None else row.new_no,
                mark_invisible(row.text),
            )
            for row in hunk.rows
        ]
    return rows

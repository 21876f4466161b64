"""Reason templates filled in: what the author would read, and which one fits best."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from moderation.models import Action, ReasonTemplate, ReviewItem
from moderation.queue_forms import Typed
from moderation.scanners import Severity
from moderation.services.cases import Verdict
from moderation.services.decisions import TEXT_LIMIT
from moderation.services.effects import APPEAL_ACTIONS
from moderation.services.items import severity_at
from skills.evidence import Reader, Told, told_to
from skills.scan_results import Evidence

_BLANK: Final = re.compile(r"\{(skill|version|file|line|rule)\}")
# An aside about the finding, left out where there is none.
_ABOUT_FINDING: Final = re.compile(r"\s*\([^()]*\{(?:file|line|rule)\}[^()]*\)")


@dataclass(frozen=True)
class Reason:
    """A template with its text filled in for one item."""

    key: str
    title: str
    action: str
    text: str
    is_best: bool = False


def fill(text: str, item: ReviewItem) -> str:
    """Return a template's text about this item: the five blanks filled in, nothing else.

    What is filled in is not looked at again, so a file named “{rule}” stays one.
    """
    if not item.top_rule:
        text = _ABOUT_FINDING.sub("", text)
    told = told_of(item)
    said = {
        "skill": item.version.skill.slug,
        "version": item.version.version,
        "file": told.file,
        "line": str(told.line or ""),
        "rule": told.rule or told.attack_class,
    }
    return _BLANK.sub(lambda match: said[match[1]], text)[:TEXT_LIMIT]


def told_of(item: ReviewItem) -> Told:
    """Return the finding that an item shows, as the author of a reason about it may read it."""
    shown = Evidence(
        rule=item.top_rule,
        attack_class=item.top_class,
        severity=str(severity_at(item.severity) or Severity.INFO),
        file=item.top_file,
        line=item.top_line,
        snippet="",
    )
    # With the others: two high ones are malware together.
    return told_to(Reader.OWNER, [shown, *item.version.scan_evidence])[0]


def reasons_for(item: ReviewItem) -> list[Reason]:
    """Return the active templates filled in for an item, the best one marked: one statement."""
    rows = list(ReasonTemplate.objects.filter(is_active=True).order_by("position", "pk"))
    best = _best(rows, item)
    return [
        Reason(row.key, row.title, row.default_action, fill(row.text, item), row.pk == best)
        for row in rows
    ]


def _best(rows: Sequence[ReasonTemplate], item: ReviewItem) -> int | None:
    """Return the template for the class of the worst finding; None where none fits."""
    fits = (row.pk for row in rows if row.attack_class and row.attack_class == item.top_class)
    return next(fits, None)


def verdict_from(typed: Typed, item: ReviewItem) -> Verdict:
    """Return what a moderator says by a form: one statement where a reason is chosen.

    A text left empty, or as another template had filled it in, is that of the template chosen.
    What passes needs no text; its own field asks why.
    """
    if typed.action == Action.APPROVE:
        return Verdict(typed.action, text=typed.why, note=typed.note)
    if typed.action in APPEAL_ACTIONS:
        return Verdict(typed.action, text=typed.answer, note=typed.note)
    reasons = reasons_for(item) if typed.template else []
    chosen = next((reason for reason in reasons if reason.key == typed.template), None)
    text = typed.text.strip()
    untouched = not text or text in {reason.text.strip() for reason in reasons}
    if chosen is not None and untouched:
        text = chosen.text
    return Verdict(typed.action, text=text, template=chosen.key if chosen else "", note=typed.note)


def reasons_offered() -> list[Reason]:
    """Return the active templates as they are written, for several items at once."""
    rows = ReasonTemplate.objects.filter(is_active=True).order_by("position", "pk")
    return [Reason(row.key, row.title, row.default_action, row.text) for row in rows]

"""Deciding alike on several items: what it would do, what it did."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import QueryDict

from accounts.models import User
from accounts.policy import Actor
from moderation.models import Action, Decision, ReviewItem
from moderation.queue_forms import Typed, number_in
from moderation.reasons import Reason, fill, reasons_offered
from moderation.services.bulk import BULK_ACTIONS, BULK_MOST, BulkRow, bulk_refusal, decide_many
from moderation.services.cases import ActionUnknown, ReasonMissing, Verdict
from moderation.services.decisions import ItemChanged
from moderation.services.effects import EFFECTS
from moderation.services.items import ItemMissing, OwnSkill, severity_at
from moderation.services.undo import may_undo

ACTIONS: Final[list[tuple[str, str]]] = [
    (action, label)
    for action, label in (
        (Action.APPROVE, "Approve"),
        (Action.CAUTION, "Caution"),
        (Action.CHANGES, "Request changes"),
        (Action.HIDE, "Hide skill"),
    )
    if action in BULK_ACTIONS
]


@dataclass(frozen=True)
class Wanted:
    """Items with the revisions that were seen, and what is to be decided on all of them."""

    pairs: list[tuple[int, int]]
    typed: Typed


@dataclass(frozen=True)
class BulkLine:
    """One item: what it is about, and why it is left out; "" where it is not."""

    item_id: int
    item: ReviewItem | None
    refusal: str
    revision: int = 0
    decision: Decision | None = None

    @property
    def severity(self) -> str:
        """Return the worst finding's severity; "" without one."""
        return str(severity_at(self.item.severity) or "") if self.item else ""


@dataclass(frozen=True)
class Preview:
    """What a bulk would do."""

    lines: list[BulkLine]
    typed: Typed
    label: str
    reasons: Sequence[Reason]
    asks_reason: bool

    @property
    def taken(self) -> list[BulkLine]:
        """Return the items that would be decided."""
        return [line for line in self.lines if not line.refusal]

    @property
    def skipped(self) -> list[BulkLine]:
        """Return the items that would be left out."""
        return [line for line in self.lines if line.refusal]


@dataclass(frozen=True)
class Result:
    """What a bulk did."""

    lines: list[BulkLine]
    batch: str
    may_undo: bool

    @property
    def decided(self) -> int:
        """Return how many items were decided."""
        return sum(line.decision is not None for line in self.lines)


def parse(given: QueryDict) -> Wanted:
    """Read the form: at most as many items as a bulk takes, each once."""
    pairs: dict[int, int] = {}
    for value in given.getlist("item")[: 2 * BULK_MOST]:
        item_id, _, revision = value.partition(":")
        if number_in(item_id):
            pairs[number_in(item_id)] = number_in(revision)
    return Wanted(list(pairs.items())[:BULK_MOST], Typed.parse(given))


def read_preview(wanted: Wanted, viewer: User) -> Preview:
    """Return what a bulk would do: four statements. An action that is none becomes approving."""
    known = dict(ACTIONS)
    action = wanted.typed.action if wanted.typed.action in known else Action.APPROVE
    return Preview(
        lines=_lines(wanted, viewer),
        typed=wanted.typed,
        label=known[Action(action)],
        reasons=reasons_offered(),
        asks_reason=EFFECTS[Action(action)].needs_reason,
    )


def _items(ids: Sequence[int]) -> dict[int, ReviewItem]:
    rows = ReviewItem.objects.select_related("claimed_by", "decision__actor", "version__skill")
    big = ("version__readme", "version__metadata", "version__warnings", "version__scan_evidence")
    return rows.defer(*big).in_bulk(ids)


def _lines(wanted: Wanted, viewer: User) -> list[BulkLine]:
    found = _items([item_id for item_id, _revision in wanted.pairs])
    own = Actor(user=viewer).namespace_ids
    return [
        BulkLine(item_id, item, _refusal(item, revision, viewer, own), revision)
        for item_id, revision in wanted.pairs
        for item in [found.get(item_id)]
    ]


def _refusal(item: ReviewItem | None, revision: int, viewer: User, own: frozenset[int]) -> str:
    if item is None:
        return ItemMissing().message
    if item.namespace_id in own:
        return OwnSkill().message
    if refusal := bulk_refusal(item, viewer):
        return refusal.message
    return "" if item.revision == revision else ItemChanged().message


def apply(wanted: Wanted, viewer: User) -> list[BulkRow]:
    """Decide on all of them. Raises `ActionUnknown`, `ReasonMissing` before the first."""
    typed = wanted.typed
    if typed.action not in BULK_ACTIONS:
        raise ActionUnknown("Choose one of the decisions.", field="action")
    if not EFFECTS[Action(typed.action)].needs_reason:
        verdict = Verdict(typed.action, note=typed.note)
        return decide_many(pairs=wanted.pairs, actor=viewer, verdict=verdict)
    texts = {reason.key: reason.text for reason in reasons_offered()}
    text = typed.text.strip() or texts.get(typed.template, "")
    if not text:
        raise ReasonMissing("Give the authors a reason.", field="text")
    template = typed.template if typed.template in texts else ""
    verdict = Verdict(typed.action, text=text, template=template, note=typed.note)
    return decide_many(pairs=wanted.pairs, actor=viewer, verdict=verdict, fill=fill)


def result_query(rows: Sequence[BulkRow]) -> dict[str, Any]:
    """Return the query parameters under which the result is shown."""
    batches = {str(row.decision.batch) for row in rows if row.decision is not None}
    return {"batch": min(batches, default=""), "item": [row.item_id for row in rows]}


def read_result(given: QueryDict, viewer: User) -> Result:
    """Return what a bulk did, from its address: three statements."""
    ids = [number_in(text) for text in given.getlist("item")[:BULK_MOST]]
    batch = _batch(given.get("batch", ""))
    rows = Decision.objects.filter(batch=batch, item__in=ids) if batch else Decision.objects.none()
    of_item = {row.item_id: row for row in rows if row.undoes_id is None}
    found = _items(ids)
    lines = [
        BulkLine(pk, item, _why_not(item, viewer), decision=of_item.get(pk))
        for pk in dict.fromkeys(ids)
        for item in [found.get(pk)]
    ]
    mine = any(may_undo(row, viewer) for row in of_item.values())
    return Result(lines, str(batch or ""), mine)


def _why_not(item: ReviewItem | None, viewer: User) -> str:
    """Return why an item was left out, as far as it can still be told."""
    if item is None:
        return ItemMissing().message
    refusal = bulk_refusal(item, viewer)
    return refusal.message if refusal else ItemChanged().message


def _batch(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None

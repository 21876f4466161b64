"""Deciding alike on several items, and taking that back: each a transaction of its own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from accounts.models import User
from config.errors import DomainError
from moderation.models import Action, Decision, ItemKind, ItemState, ReviewItem
from moderation.scanners import Severity
from moderation.services import items
from moderation.services.cases import NotAllowed, Verdict
from moderation.services.decisions import decide
from moderation.services.undo import undo

BULK_MOST: Final = 50
BULK_ACTIONS: Final = (Action.APPROVE, Action.CAUTION, Action.CHANGES, Action.HIDE)


@dataclass(frozen=True)
class BulkRow:
    """One item of a bulk: decided, or why not."""

    item_id: int
    decision: Decision | None = None
    refusal: DomainError | None = None


def decide_many(
    *,
    pairs: Sequence[tuple[int, int]],
    actor: User,
    verdict: Verdict,
    fill: Callable[[str, ReviewItem], str] = lambda text, _item: text,
) -> list[BulkRow]:
    """Decide alike on several items, each given with the revision that was seen.

    `fill` makes the text of each from the one given.

    Each is a transaction of its own: what cannot be decided is skipped with its reason, and the
    others stand. Critical findings and appeals are never decided in bulk.
    """
    verdict = replace(verdict, batch=uuid.uuid4())
    found = ReviewItem.objects.select_related("claimed_by", "decision__actor", "version__skill")
    known = found.in_bulk([item_id for item_id, _revision in pairs])
    rows = []
    for item_id, revision in pairs:
        item = known.get(item_id)
        text = fill(verdict.text, item) if item else ""
        rows.append(_one_of_many(item_id, revision, actor, replace(verdict, text=text), item))
    return rows


def _one_of_many(
    item_id: int, revision: int, actor: User, verdict: Verdict, item: ReviewItem | None
) -> BulkRow:
    refusal = bulk_refusal(item, actor) if item else items.ItemMissing()
    if refusal is not None:
        return BulkRow(item_id, refusal=refusal)
    try:
        decided = decide(item_id=item_id, actor=actor, verdict=verdict, revision=revision)
    except DomainError as error:
        return BulkRow(item_id, refusal=error)
    return BulkRow(item_id, decision=decided)


def bulk_refusal(item: ReviewItem, actor: User) -> DomainError | None:
    """Return why an item is left out of a bulk, as far as its row tells; None: it is not."""
    if item.kind == ItemKind.APPEAL:
        return NotAllowed("An appeal is answered by itself.")
    if items.severity_at(item.severity) == Severity.CRITICAL:
        return NotAllowed("A finding is critical; look at it by itself.")
    if item.state == ItemState.DONE:
        return items.ItemClosed(item)
    if items.is_claimed_by_other(item, actor):
        return items.ClaimedByOther(item)
    return None


def undo_batch(*, batch: uuid.UUID, actor: User) -> list[BulkRow]:
    """Take back all that one bulk decided, as far as it can be."""
    decisions = Decision.objects.filter(batch=batch, undoes__isnull=True).order_by("pk")
    return [_undo_one(one, actor) for one in decisions]


def _undo_one(decision: Decision, actor: User) -> BulkRow:
    item_id = decision.item_id or 0
    try:
        return BulkRow(item_id, decision=undo(decision_id=decision.pk, actor=actor))
    except DomainError as error:
        return BulkRow(item_id, refusal=error)

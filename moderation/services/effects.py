"""What each action does: the one table that deciding, its buttons and its words follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from moderation.models import Action, ItemState, ReportStatus
from skills.models import Decided, HoldKind


@dataclass(frozen=True)
class Effect:
    """What an action does to the version, to the holds of its skill, to its reports and item."""

    # None leaves the version's decision as it is.
    decision: str | None = None
    places: HoldKind | None = None
    lifts: frozenset[HoldKind] = frozenset()
    reports: str = ReportStatus.CONFIRMED
    item_state: str = ItemState.DONE
    needs_reason: bool = True


LIFTED: Final = frozenset({HoldKind.HIDDEN, HoldKind.REPORTS, HoldKind.QUALITY})
# Holds that only wait for somebody to look: what is decided stands in their place. A new skill
# held for its quality stays held until a version of it is approved.
LOOKED_AT: Final = frozenset({HoldKind.REPORTS})
REPLACED: Final = frozenset({HoldKind.REPORTS, HoldKind.QUALITY})
EFFECTS: Final = {
    Action.APPROVE: Effect(
        Decided.APPROVED, lifts=LIFTED, reports=ReportStatus.DISMISSED, needs_reason=False
    ),
    Action.CAUTION: Effect(Decided.CAUTION, lifts=LIFTED),
    Action.CHANGES: Effect(Decided.CHANGES, lifts=LOOKED_AT, item_state=ItemState.HELD),
    Action.HIDE_VERSION: Effect(Decided.HIDDEN, lifts=LOOKED_AT, item_state=ItemState.HELD),
    Action.HIDE: Effect(places=HoldKind.HIDDEN, lifts=REPLACED, item_state=ItemState.HELD),
    Action.REMOVE: Effect(places=HoldKind.REMOVED, lifts=REPLACED),
}
APPEAL_ACTIONS: Final = frozenset({Action.GRANT_APPEAL, Action.REJECT_APPEAL})
# The actions of a moderator on an item, in the order of their buttons.
ITEM_ACTIONS: Final = (*EFFECTS, Action.PROPOSE_REMOVAL)

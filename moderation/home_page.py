"""What needs a moderator now, counted in one bounded statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from config.pagination import BoundedCount
from moderation.models import Decision, ReviewItem
from moderation.queue_page import DUE_WITHIN
from moderation.services.undo import may_undo
from moderation.templatetags.desk import COUNTED
from skills.models import SkillComment

HELD_LONG: Final = timedelta(days=7)
LAST_DECISIONS: Final = 5
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

# The queue by how long its items wait: what is older than the last bound comes last.
AGES: Final = (("< 4 h", 4 * HOUR), ("< 1 d", DAY), ("< 3 d", 3 * DAY))
OLDEST: Final = "> 3 d"


@dataclass(frozen=True)
class Age:
    """How many open items have waited so long, and their share of all."""

    label: str
    count: int


@dataclass(frozen=True)
class Desk:
    """What needs somebody now. Counts go to a thousand and one, which stands for more."""

    mine: int
    due: int
    overdue: int
    unclaimed: int
    appeals: int
    removals: int
    held_long: int
    comments: int
    ages: tuple[Age, ...]
    oldest_at: Any
    decisions: tuple[tuple[Decision, bool], ...]

    @property
    def most(self) -> int:
        """Return the largest of the ages, which fills its bar."""
        return max((age.count for age in self.ages), default=0) or 1

    @property
    def is_empty(self) -> bool:
        """Say whether nothing waits for a decision."""
        return not any(age.count for age in self.ages)


def read_desk(viewer: User) -> Desk:
    """Count what waits, and read the viewer's last decisions: three statements."""
    now = timezone.now()
    items = ReviewItem.objects
    bounds = [now - age for _label, age in AGES]
    opened = items.open()
    asked = {
        "mine": items.claimed_by(viewer),
        "due": items.due_by(now + DUE_WITHIN),
        "overdue": items.due_by(now),
        "unclaimed": opened.free_for(viewer).exclude(claimed_by=viewer, claimed_until__gt=Now()),
        "appeals": items.appeals(),
        "removals": items.proposed(),
        "held_long": items.held().filter(closed_at__lt=now - HELD_LONG),
        "comments": SkillComment.objects.reported(),
        "age_0": opened.filter(opened_at__gt=bounds[0]),
        "age_1": opened.filter(opened_at__range=(bounds[1], bounds[0])),
        "age_2": opened.filter(opened_at__range=(bounds[2], bounds[1])),
        "age_3": opened.filter(opened_at__lt=bounds[2]),
    }
    counts = {
        name: BoundedCount(rows.order_by().values("pk")[: COUNTED + 1])
        for name, rows in asked.items()
    }
    found: Any = User.objects.filter(pk=viewer.pk).values(**counts).get()
    labels = [*(label for label, _age in AGES), OLDEST]
    ages = tuple(Age(label, found.pop(f"age_{n}")) for n, label in enumerate(labels))
    oldest = opened.order_by("opened_at", "id").values_list("opened_at", flat=True).first()
    return Desk(**found, ages=ages, oldest_at=oldest, decisions=_last_decisions(viewer))


def _last_decisions(viewer: User) -> tuple[tuple[Decision, bool], ...]:
    """Return the viewer's last decisions, each with whether it may be taken back."""
    rows = Decision.objects.filter(actor=viewer, undoes__isnull=True).newest_first()
    found = rows.select_related("undone_by", "item").defer("before", "evidence", "evidence_keys")
    return tuple((decision, _is_undoable(decision, viewer)) for decision in found[:LAST_DECISIONS])


def _is_undoable(decision: Decision, viewer: User) -> bool:
    is_last = decision.item is not None and decision.item.decision_id == decision.pk
    return is_last and not hasattr(decision, "undone_by") and may_undo(decision, viewer)

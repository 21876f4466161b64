"""The queue: what opens a review item, where it stands, and who works on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, Sum
from django.db.models.functions import Now
from django.utils import timezone

from accounts import audit
from accounts.models import Namespace, User
from accounts.policy import Actor
from config.errors import DomainError
from config.text import refuse_unstorable
from moderation.models import ItemKind, ItemNote, ItemState, Report, ReviewItem
from moderation.scanners import Severity
from skills.models import SkillDailyStat, SkillVersion
from skills.scan_results import Evidence

CLAIM_LEASE: Final = timedelta(minutes=10)
REACH_DAYS: Final = 7

# Within what time an item is to be decided, by the severity of its worst finding.
DUE_AFTER: Final = {
    Severity.CRITICAL: timedelta(hours=4),
    Severity.HIGH: timedelta(hours=24),
    Severity.MEDIUM: timedelta(days=3),
}
DUE_OTHERWISE: Final = timedelta(days=7)
APPEAL_DUE_AFTER: Final = timedelta(days=3)

# How far ahead of others of its age an item stands: the parts of its priority, in hours.
SEVERITY_HOURS: Final = {Severity.CRITICAL: 72, Severity.HIGH: 48, Severity.MEDIUM: 24}
APPEAL_HOURS: Final = 24
REPORTER_HOURS: Final = 6
MOST_REPORTERS: Final = 4
REACH_HOURS: Final = 12
"""For each power of ten of installs in a week."""


class ItemMissing(DomainError):
    code = "item_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such item.")


class ClaimedByOther(DomainError):
    """Somebody else works on it; `holder` and `since` say who and since when."""

    code = "claimed"

    def __init__(self, item: ReviewItem) -> None:
        self.holder = item.claimed_by
        self.since = item.claimed_at
        name = item.claimed_by.handle if item.claimed_by else "Somebody"
        super().__init__(f"{name} is reviewing it; watch, or take it over.")


class ItemClosed(DomainError):
    """It was decided meanwhile; `decision` says by whom and how."""

    code = "decided"

    def __init__(self, item: ReviewItem) -> None:
        self.decision = item.decision
        by = "the system"
        if item.decision and item.decision.actor:
            by = item.decision.actor.handle
        what = item.decision.get_action_display() if item.decision else "Closed"
        super().__init__(f"It is decided already: {what.lower()}, by {by}.")


class OwnSkill(DomainError):
    code = "own_skill"

    def __init__(self) -> None:
        super().__init__("Nobody decides on a skill of their own; leave it to another moderator.")


class NoteMissing(DomainError):
    code = "note_missing"


def rank_of(
    *, opened_at: datetime, severity: int, reporters: int, installs_week: int, kind: str
) -> datetime:
    """Return the place of an item in the queue, earliest first.

    Its opening, moved forward by severity, reporters and reach: an item of medium severity
    overtakes a fresh one of high severity after a day of waiting, so nothing waits for ever.
    """
    hours = SEVERITY_HOURS.get(severity_at(severity) or Severity.INFO, 0)
    hours += APPEAL_HOURS if kind == ItemKind.APPEAL else 0
    hours += REPORTER_HOURS * min(reporters, MOST_REPORTERS)
    reach = REACH_HOURS * math.log10(1 + installs_week)
    return opened_at - timedelta(hours=hours + reach)


def severity_at(rank: int) -> Severity | None:
    """Return the severity of this rank; None for -1, an item without findings."""
    return tuple(Severity)[rank] if rank >= 0 else None


def open_item(
    *, version: SkillVersion, kind: ItemKind, evidence: Sequence[Evidence] | None = None
) -> ReviewItem:
    """Open the item of a version, or let what came join it; return it.

    The caller holds the skill's lock, in the transaction of what brought it up. `evidence` is the
    last scan's, worst first; None leaves the item's findings as they are.
    """
    now = timezone.now()
    item = locked_item_of(version) or ReviewItem(
        version=version, namespace_id=version.skill.namespace_id, kind=kind, revision=0
    )
    if item.pk is None or item.state == ItemState.DONE:
        item.kind, item.state = kind, ItemState.OPEN
        item.opened_at, item.closed_at = now, None
        item.claimed_by = item.claimed_at = item.claimed_until = None
        # Proposed on other grounds; whoever still wants it proposes it anew.
        item.proposal = None
    if evidence is not None:
        show_worst(item, evidence)
    refresh_item(item)
    return item


def reopen_item(item: ReviewItem) -> None:
    """Bring an item that was held, or decided, before a moderator again."""
    item.state, item.opened_at, item.closed_at = ItemState.OPEN, timezone.now(), None
    refresh_item(item)


def refresh_item(item: ReviewItem) -> None:
    """Count again what weighs, and store the item as a new revision. The caller holds its lock."""
    open_reports = Report.objects.open().filter(version=item.version_id)
    item.reporters = open_reports.values("reporter").distinct().count()
    since = timezone.now().date() - timedelta(days=REACH_DAYS - 1)
    found = SkillDailyStat.objects.filter(skill=item.version.skill_id, day__gte=since)
    item.installs_week = max(0, found.aggregate(n=Sum("installs_new"))["n"] or 0)
    due_after = (
        APPEAL_DUE_AFTER
        if item.kind == ItemKind.APPEAL
        else DUE_AFTER.get(severity_at(item.severity) or Severity.INFO, DUE_OTHERWISE)
    )
    item.due_at = item.opened_at + due_after
    item.rank_at = rank_of(
        opened_at=item.opened_at,
        severity=item.severity,
        reporters=item.reporters,
        installs_week=item.installs_week,
        kind=item.kind,
    )
    item.revision += 1
    item.save()


def show_worst(item: ReviewItem, evidence: Sequence[Evidence]) -> None:
    """Let an item show the worst of what was found; the caller stores it."""
    if not evidence:
        item.severity, item.top_rule, item.top_class = -1, "", ""
        item.top_file, item.top_line = "", 0
        return
    worst = evidence[0]
    item.severity = Severity(worst["severity"]).rank
    item.top_rule, item.top_class = worst["rule"], worst["attack_class"]
    item.top_file, item.top_line = worst["file"], worst["line"]


# --- Claims ---------------------------------------------------------------------------------------


def claim_item(*, item_id: int, actor: User, take_over: bool = False) -> ReviewItem:
    """Take an item up, or prolong the own claim, for ten minutes.

    Raises `ItemMissing`, `ItemClosed`, `OwnSkill`, and `ClaimedByOther` unless `take_over`, which
    leaves an audit row.
    """
    with transaction.atomic():
        item = locked_item(item_id, actor)
        refuse_own(item)
        if item.state == ItemState.DONE:
            raise ItemClosed(item)
        former = item.claimed_by
        if is_claimed_by_other(item, actor):
            if not take_over:
                raise ClaimedByOther(item)
            audit.record(
                actor=actor,
                verb="review.take-over",
                thing=item,
                before={"claimed_by": former.handle if former else ""},
            )
        _take(item, actor)
    return item


def claim_next(*, actor: User) -> ReviewItem | None:
    """Take up the most urgent item that is nobody's; None when there is none."""
    own = Actor(user=actor).namespace_ids
    with transaction.atomic():
        free = ReviewItem.objects.open().free_for(actor).of_others(own)
        free = free.answerable_by(actor).order_by("rank_at", "id")
        item: ReviewItem | None = free.select_for_update(
            skip_locked=True, no_key=True, of=("self",)
        ).first()
        if item is not None:
            _take(item, actor)
    return item


def release_item(*, item_id: int, actor: User) -> bool:
    """Give the own claim back; False when it is not theirs (any more). Raises `ItemMissing`."""
    mine = ReviewItem.objects.filter(pk=item_id, claimed_by=actor)
    if mine.update(claimed_by=None, claimed_at=None, claimed_until=None):
        return True
    if not ReviewItem.objects.filter(pk=item_id).exists():
        raise ItemMissing
    return False


def is_claimed_by_other(item: ReviewItem, actor: User) -> bool:
    """Say whether somebody else's claim on it holds right now."""
    return (
        item.claimed_by_id not in {None, actor.pk}
        and item.claimed_until is not None
        and item.claimed_until > timezone.now()
    )


def is_claimed_by(item: ReviewItem, person: User) -> bool:
    """Say whether this person's claim on it holds right now."""
    return (
        item.claimed_by_id == person.pk
        and item.claimed_until is not None
        and item.claimed_until > timezone.now()
    )


def _take(item: ReviewItem, actor: User) -> None:
    is_mine = item.claimed_by_id == actor.pk
    item.claimed_by, item.claimed_until = actor, timezone.now() + CLAIM_LEASE
    told: dict[str, Any] = {"claimed_by": actor, "claimed_until": Now() + CLAIM_LEASE}
    if not is_mine or item.claimed_at is None:
        item.claimed_at = timezone.now()
        told["claimed_at"] = Now()
    ReviewItem.objects.filter(pk=item.pk).update(**told)


def locked_item(item_id: int, actor: User, **also: Any) -> ReviewItem:
    """Return an item under its lock, with what a decision by `actor` asks of it: one statement.

    `also` are further expressions, read under the locks too. Raises `ItemMissing`.
    """
    rows = ReviewItem.objects.select_related(
        "claimed_by", "decision__actor", "proposal__actor", "version__skill", "appeal__decision"
    ).annotate(is_own=speaks_for_owner(actor), **also)
    found = rows.select_for_update(no_key=True, of=("self",)).filter(pk=item_id)
    item: ReviewItem | None = found.first()
    if item is None:
        raise ItemMissing
    return item


def locked_item_of(version: SkillVersion) -> ReviewItem | None:
    """Return the item of a version under its lock, so that no claim of somebody gets lost."""
    rows = ReviewItem.objects.select_for_update(no_key=True, of=("self",))
    item: ReviewItem | None = rows.filter(version=version, appeal__isnull=True).first()
    return item


def speaks_for_owner(person: User) -> Exists:
    """Return the condition that an item is about what this person speaks for."""
    speaking = Q(user=person) | Q(memberships__user=person)
    return Exists(Namespace.objects.filter(speaking, pk=OuterRef("version__skill__namespace")))


def refuse_own(item: ReviewItem) -> None:
    """Raise `OwnSkill` where a locked item is about what its actor speaks for."""
    if item.is_own:  # type: ignore[attr-defined]
        raise OwnSkill


# --- Notes ----------------------------------------------------------------------------------------


@transaction.atomic
def add_note(*, item_id: int, actor: User, text: str) -> ItemNote:
    """Note something for the other moderators. Raises `ItemMissing`, `NoteMissing`."""
    text = refuse_unstorable(text.strip()[:2000], field="note")
    if not text:
        raise NoteMissing("Write the note first.", field="note")
    item = locked_item(item_id, actor)
    note = ItemNote.objects.create(item=item, author=actor, text=text)
    ReviewItem.objects.filter(pk=item.pk).update(revision=F("revision") + 1)
    audit.record(actor=actor, verb="review.note", thing=item)
    return note

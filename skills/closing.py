"""What goes of skills with an account that was deleted (accounts/closing.py).

Each function goes on where it was killed, may run twice at once, and yields how many things a
committed step took.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Final

from django.db.models import Q

from accounts.models import User
from skills import events
from skills.lifecycle import delete_skill
from skills.lookup import SkillNotFound, Withheld
from skills.models import (
    ModerationStatus,
    Skill,
    SkillComment,
    SkillStar,
    SkillTransfer,
    TransferState,
    UploadTicket,
)
from skills.querysets import SkillQuerySet
from skills.transfers import TransferNotFound, reject_transfer

BATCH: Final = 500
REASON: Final = "The account of the owner was deleted."


TAKEN_BACK: Final = Q(deleted_at__isnull=False, hidden_at=None, decision="")
"""A comment that its author took back, and that staff never decided about."""


def standing_skills(spaces: Collection[int]) -> SkillQuerySet:
    """Return the skills of these namespaces that their owner can still delete."""
    rows = Skill.objects.filter(namespace__in=spaces, soft_deleted_at=None, merged_at=None)
    return rows.exclude(moderation_status=ModerationStatus.REMOVED)


def delete_skills(*, person: User, spaces: Collection[int]) -> Iterator[int]:
    """Take the skills of these namespaces off the site, as their owner would, offers with them."""
    last = 0
    while skill := standing_skills(spaces).filter(pk__gt=last).order_by("pk").first():
        last = skill.pk
        # Removed by a moderator, merged, or gone to another owner meanwhile.
        with suppress(Withheld, SkillNotFound):
            delete_skill(skill=skill, actor=person, reason=REASON)
            yield 1


def reject_offers(*, person: User, spaces: Collection[int]) -> Iterator[int]:
    """Turn down what others offer to these namespaces."""
    offers = SkillTransfer.objects.filter(to_namespace__in=spaces, state=TransferState.PENDING)
    for offer in offers.select_related("skill", "to_namespace").order_by("pk"):
        with suppress(TransferNotFound):  # Past its time, or answered.
            reject_transfer(transfer=offer, actor=person)
            yield 1


def clear_marks(*, person: User) -> Iterator[int]:
    """Take a person's stars back, forget their installs and tickets; counts follow by events."""
    last = 0
    stars = SkillStar.objects.filter(user=person).order_by("skill")
    while keys := list(stars.filter(skill__gt=last).values_list("skill", flat=True)[:BATCH]):
        # One at a time: totals are locked one by one, as everywhere.
        yield sum(events.unstar(skill_id=key, user_id=person.pk) for key in keys)
        last = keys[-1]
    if events.clear_installs(user_id=person.pk):
        yield 1
    tickets = UploadTicket.objects.filter(user=person)
    while keys := list(tickets.values_list("pk", flat=True)[:BATCH]):
        UploadTicket.objects.filter(pk__in=keys).delete()
        yield len(keys)


def forget_comments(*, person: User) -> Iterator[int]:
    """Delete the comments that a person took back, but for those staff decided about.

    Those that stand keep their place, without a name.
    """
    rows = SkillComment.objects.filter(TAKEN_BACK, author=person)
    while keys := list(rows.order_by("skill", "pk").values_list("pk", flat=True)[:BATCH]):
        SkillComment.objects.filter(pk__in=keys).delete()
        yield len(keys)

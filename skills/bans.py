"""The holds of a ban: every skill in a banned person's own namespace has one.

The skills of organisations have none: others answer for them, too. Whoever puts a skill into a
namespace asks `banned_among` under the lock of the namespace, which a ban takes as well: so either
the ban finds the skill, or the skill finds the ban.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts.models import User
from skills.models import HoldKind, Skill, SkillHold
from skills.standing import settle


def banned_among(user_ids: Iterable[int | None]) -> set[int]:
    """Return which of these people are banned."""
    known = {pk for pk in user_ids if pk is not None}
    return set(
        User.objects.filter(pk__in=known, banned_at__isnull=False).values_list("pk", flat=True)
    )


def place_holds(skill_ids: Collection[int], *, actor: User | None) -> int:
    """Hold these skills for a ban; return how many were not. The caller has locked them."""
    standing = set(_holds_of(skill_ids).values_list("skill", flat=True))
    fresh = sorted(set(skill_ids) - standing)
    SkillHold.objects.bulk_create(
        SkillHold(skill_id=pk, kind=HoldKind.BAN, placed_by=actor) for pk in fresh
    )
    settle(fresh)
    return len(fresh)


def lift_holds(skill_ids: Collection[int]) -> int:
    """Lift the ban's holds of these skills and no other; return of how many. They are locked."""
    held = list(_holds_of(skill_ids).values_list("skill", flat=True))
    _holds_of(held).delete()
    settle(held)
    Skill.objects.filter(pk__in=held, moderation_status="active").update(restored_at=Now())
    return len(held)


def _holds_of(skill_ids: Collection[int]) -> QuerySet[SkillHold]:
    return SkillHold.objects.filter(skill__in=skill_ids, kind=HoldKind.BAN)

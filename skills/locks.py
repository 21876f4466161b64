"""The locks of whoever changes a skill as its owner: namespaces first, then skills, by key."""

from __future__ import annotations

from accounts.models import Namespace
from skills import lookup
from skills.models import Skill


def lock_skills(*skills: Skill) -> list[Skill]:
    """Lock skills in key order; return them as they stand now.

    What the caller was let do, it was let do as these skills' owner. Raises `SkillNotFound` for one
    that went to another owner, or is gone, before its lock was had.
    """
    rows = Skill.objects.select_for_update(no_key=True).order_by("pk")
    found = {row.pk: row for row in rows.filter(pk__in={skill.pk for skill in skills})}
    for skill in skills:
        if skill.pk not in found or found[skill.pk].namespace_id != skill.namespace_id:
            raise lookup.SkillNotFound
    return [found[skill.pk] for skill in skills]


def lock_with_namespaces(
    *skills: Skill, also: Namespace | None = None
) -> tuple[dict[int, Namespace], list[Skill]]:
    """Lock the namespaces of these skills and one more, then the skills, each in key order.

    Returns both as they stand now. Raises as `lock_skills`.
    """
    wanted = {skill.namespace_id for skill in skills} | ({also.pk} if also else set())
    rows = Namespace.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk")
    spaces = {row.pk: row for row in rows}
    return spaces, lock_skills(*skills)

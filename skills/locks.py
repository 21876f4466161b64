"""The locks of whoever changes a skill as its owner: namespaces first, then skills, by key."""

from __future__ import annotations

from accounts.models import Namespace
from skills import lookup
from skills.models import Skill


def lock_skills(*skills: Skill) -> list[Skill]:
    """Lock skills in key order; return them as they stand now. Raises `SkillNotFound`."""
    rows = Skill.objects.select_for_update(no_key=True).order_by("pk")
    found = {row.pk: row for row in rows.filter(pk__in={skill.pk for skill in skills})}
    if not all(skill.pk in found for skill in skills):
        raise lookup.SkillNotFound
    return [found[skill.pk] for skill in skills]


def lock_with_namespaces(
    *skills: Skill, also: Namespace | None = None
) -> tuple[dict[int, Namespace], list[Skill]]:
    """Lock the namespaces of these skills and one more, then the skills, each in key order.

    Returns both as they stand now. Raises `SkillNotFound` for a skill that went to another owner
    before its lock was had.
    """
    wanted = {skill.namespace_id for skill in skills} | ({also.pk} if also else set())
    rows = Namespace.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk")
    spaces = {row.pk: row for row in rows}
    locked = lock_skills(*skills)
    if any(skill.namespace_id not in spaces for skill in locked):
        raise lookup.SkillNotFound
    return spaces, locked

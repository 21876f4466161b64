"""What a new skill passes when it is first published: reserved names, and the quality gate."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from accounts.models import Membership, Namespace, Role, User
from config.errors import DomainError
from skills.models import QualityGate, ReservedSlug, Skill, SkillAlias

# How long the name of a skill that was deleted, renamed or merged is kept from other owners.
RESERVED_FOR: Final = timedelta(days=30)
NEW_SKILLS_A_DAY: Final = 200
STAFF: Final = frozenset({Role.MODERATOR, Role.ADMIN})


class SlugReserved(DomainError):
    """Staff keep this name from new skills."""

    code = "slug_reserved"

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"The slug “{slug}” is reserved; choose another one, or ask the moderators for it.",
            field="slug",
        )


class TooManySkills(DomainError):
    code = "too_many_skills"


@dataclass(frozen=True)
class Newcomer:
    """A skill about to be published for the first time: in whose name, by whom, what it says."""

    namespace_id: int
    slug: str
    # None: the system itself, which no gate holds back.
    actor: User | None
    readme: str
    description: str


def refuse_reserved(newcomers: Sequence[Newcomer]) -> None:
    """Raise `SlugReserved` for a name that staff keep, unless its person may have it.

    Nor one that another owner's skill had until a few weeks ago. Staff may, and whoever speaks for
    a namespace that has a skill of this name. Two statements, and two more for a name that is kept.
    """
    asked = [one for one in newcomers if one.actor is None or one.actor.acting_role not in STAFF]
    if not asked:
        return
    slugs = {one.slug for one in asked}
    reserved = set(ReservedSlug.objects.filter(slug__in=slugs).values_list("slug", flat=True))
    left = _left_names(slugs, timezone.now() - RESERVED_FOR)
    for one in asked:
        others = any(slug == one.slug and pk != one.namespace_id for slug, pk in left)
        # The system itself may give a name anew.
        is_left = others and one.actor is not None
        if (is_left or one.slug in reserved) and not _has_it(one):
            raise SlugReserved(one.slug)


def _left_names(slugs: Collection[str], since: datetime) -> set[tuple[str, int]]:
    """Return (slug, namespace) of skills that were deleted, or lost this name, since then.

    Whoever installed one by its bare name must not get another person's skill overnight.
    """
    deleted = Skill.objects.filter(slug__in=slugs, soft_deleted_at__gte=since)
    renamed = SkillAlias.objects.filter(slug__in=slugs, created_at__gte=since)
    names = renamed.values_list("slug", "namespace_id")
    return set(deleted.values_list("slug", "namespace_id").union(names))


def refuse_too_many(newcomers: Sequence[Newcomer], now: datetime) -> None:
    """Raise `TooManySkills` for a namespace that made as many in a day as it may; staff may more.

    One statement a namespace, from the index of its newest skills.
    """
    asked = [
        one for one in newcomers if one.actor is not None and one.actor.acting_role not in STAFF
    ]
    for namespace_id in sorted({one.namespace_id for one in asked}):
        newest = Skill.objects.filter(namespace=namespace_id).order_by("-pk")
        first = newest.values_list("created_at", flat=True)[NEW_SKILLS_A_DAY - 1 : NEW_SKILLS_A_DAY]
        if any(created > now - timedelta(days=1) for created in first):
            raise TooManySkills(
                f"An owner publishes at most {NEW_SKILLS_A_DAY} new skills a day; go on tomorrow."
            )


def _has_it(one: Newcomer) -> bool:
    if one.actor is None:
        return False
    own = Namespace.objects.filter(user=one.actor).values("pk")
    joined = Membership.objects.filter(user=one.actor).values("namespace")
    named = Skill.objects.filter(slug=one.slug)
    return named.filter(namespace__in=own).exists() or named.filter(namespace__in=joined).exists()


def read_gate() -> QualityGate:
    """Return the quality gate as it is set, by its defaults until somebody sets it."""
    gate: QualityGate | None = QualityGate.objects.first()
    return gate or QualityGate(pk=1)


def find_failings(newcomers: Sequence[Newcomer], now: datetime) -> dict[tuple[int, str], str]:
    """Return by (namespace, slug) what keeps a new skill behind the gate, in sentences.

    Staff and the system pass, and so does an owner with a clean or approved skill that is old
    enough. Two statements at most, however many; none where nobody has to pass.
    """
    asked = [
        one for one in newcomers if one.actor is not None and one.actor.acting_role not in STAFF
    ]
    gate = read_gate() if asked else None
    if gate is None or not gate.is_enabled:
        return {}
    failing = {
        (one.namespace_id, one.slug): " ".join(sentences)
        for one in asked
        if (sentences := _failings(one, gate, now))
    }
    if not failing:
        return {}
    old_enough = now - timedelta(days=gate.trusted_after_days)
    owners = {namespace for namespace, _slug in failing}
    trusted = set(Skill.objects.trusted_owners(owners, old_enough))
    return {key: told for key, told in failing.items() if key[0] not in trusted}


def _failings(one: Newcomer, gate: QualityGate, now: datetime) -> list[str]:
    assert one.actor is not None  # noqa: S101 - The system is not asked.
    age = (now - one.actor.created_at).days
    measured = (
        (
            len(one.readme.strip()),
            gate.min_readme_characters,
            "The readme has {} of {} characters.",
        ),
        (
            len(one.description.strip()),
            gate.min_description_characters,
            "The description has {} of {} characters.",
        ),
        (age, gate.min_account_age_days, "The account is {} of {} days old."),
    )
    return [told.format(found, asked) for found, asked, told in measured if found < asked]

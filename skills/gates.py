"""What a new skill passes when it is first published: reserved names, and the quality gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from accounts.models import Membership, Namespace, Role, User
from config.errors import DomainError
from skills.models import QualityGate, ReservedSlug, Skill

STAFF: Final = frozenset({Role.MODERATOR, Role.ADMIN})


class SlugReserved(DomainError):
    """Staff keep this name from new skills."""

    code = "slug_reserved"

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"The slug “{slug}” is reserved; choose another one, or ask the moderators for it.",
            field="slug",
        )


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

    Staff may, and whoever speaks for a namespace that has a skill of this name. One statement, and
    two more for a name that is reserved.
    """
    asked = [one for one in newcomers if one.actor is None or one.actor.role not in STAFF]
    if not asked:
        return
    rows = ReservedSlug.objects.filter(slug__in={one.slug for one in asked})
    reserved = set(rows.values_list("slug", flat=True))
    for one in asked:
        if one.slug in reserved and not _has_it(one):
            raise SlugReserved(one.slug)


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
    asked = [one for one in newcomers if one.actor is not None and one.actor.role not in STAFF]
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

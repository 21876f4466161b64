"""Banning people, and lifting a ban: their row at once, what they published in batches.

A ban holds every skill in the person's own namespace (`skills/bans.py`), and none of an
organisation: its other members answer for it. It withholds every trace they shared, wherever it
stands (`traces/services/bans.py`). The ban, its audit row, the holds of the first `FIRST` skills
and the first `FIRST_TRACES` traces are one transaction; the job `apply_bans` does the rest. Each
batch locks the person and does what their row says at that moment, so it may be killed, repeated,
or meet another.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from django.db.models.functions import Now

from accounts import audit
from accounts.models import AuditEvent, Namespace, Role, User
from accounts.policy import Actor, Verb, can
from accounts.services import lock_people
from config.derived import deferred
from config.errors import DomainError
from config.text import clean_line
from jobs.services import start_run
from skills.bans import lift_holds, place_holds
from skills.models import Skill
from traces.services.bans import settle_batch

FIRST: Final = 200
"""Skills that a ban holds, or an unban brings back, before its call returns."""

FIRST_TRACES: Final = 1_000
BATCH: Final = 200
REASON_LENGTH: Final = 500
COUNTED: Final = 10_000
"""How far a person's skills are counted."""

JOB: Final = "apply_bans"


class BanRefused(DomainError):
    """Not this person, or not by this one; the sentence says which."""

    code = "ban_refused"


class NotBanned(DomainError):
    code = "not_banned"


class Batch(NamedTuple):
    """What a batch did; `last` is the skill it ended at."""

    last: int
    looked: int
    held: int = 0
    restored: int = 0


class Done(NamedTuple):
    """What a ban or an unban did: whether it was one, and of how many skills by now."""

    is_new: bool
    skills: int
    # A run does the rest.
    is_under_way: bool


class Reclassified(NamedTuple):
    """A ban's reason before and after; `is_stored` is False of a rehearsal and of no change."""

    before: str
    after: str
    is_stored: bool


def ban_user(*, user: User, actor: User, reason: str) -> Done:
    """Ban a person: from now on nothing of theirs opens, and what they published is hidden.

    Repeated, it stores nothing, and goes on with skills that a run left out. Undone by
    `unban_user`. Raises `BanRefused`.
    """
    with deferred():
        if user.pk == actor.pk:
            raise BanRefused("You cannot ban yourself.")
        person, moderator = lock_people(user, actor)
        _require(moderator, Verb.BAN)
        if person.role == Role.ADMIN:
            raise BanRefused("An admin cannot be banned; let an admin take the role away first.")
        is_new = person.banned_at is None
        said = {"ban_reason": clean_line(reason, REASON_LENGTH)}
        if is_new:
            User.objects.filter(pk=person.pk).update(banned_at=Now(), **said)
            told = audit.record(
                actor=moderator, verb="user.ban", thing=person, reason=said["ban_reason"]
            )
        else:
            told = None
        return _begin(person, moderator, told)


def unban_user(*, user: User, actor: User, reason: str = "") -> Done:
    """Lift a ban: exactly its holds go, and what nothing else holds is public again.

    Repeated, it stores nothing, and goes on with skills that a run left out. Raises `BanRefused`.
    """
    with deferred():
        person, admin = lock_people(user, actor)
        _require(admin, Verb.MANAGE_PEOPLE)
        told = None
        if person.banned_at is not None:
            before = {"banned_at": person.banned_at.isoformat(), "ban_reason": person.ban_reason}
            User.objects.filter(pk=person.pk).update(banned_at=None, ban_reason="")
            told = audit.record(
                actor=admin,
                verb="user.unban",
                thing=person,
                before=before,
                reason=clean_line(reason, REASON_LENGTH),
            )
        return _begin(person, admin, told)


def reclassify_ban(
    *, user: User, actor: User, reason: str, is_rehearsal: bool = True
) -> Reclassified:
    """Change the stored reason of a ban; a rehearsal only tells.

    Raises `BanRefused`, `NotBanned`.
    """
    with deferred():
        person, admin = lock_people(user, actor)
        _require(admin, Verb.MANAGE_PEOPLE)
        if person.banned_at is None:
            raise NotBanned(f"{person.handle} is not banned.")
        former, new = person.ban_reason, clean_line(reason, REASON_LENGTH)
        is_stored = new != former and not is_rehearsal
        if is_stored:
            User.objects.filter(pk=person.pk).update(ban_reason=new)
            audit.record(
                actor=admin,
                verb="user.reclassify_ban",
                thing=person,
                before={"ban_reason": former},
                after={"ban_reason": new},
            )
        return Reclassified(former, new, is_stored)


def apply_batch(
    *, handle: str, size: int, below: int | None = None, actor: User | None = None
) -> Batch | None:
    """Let the next skills of a person, from the newest on, follow from whether they are banned.

    One transaction; None when no skill is left. `below` is the one the batch before ended at.
    Idempotent.
    """
    with deferred():
        person = User.objects.select_for_update(no_key=True).filter(handle=handle).first()
        if person is None:
            return None
        # Whoever publishes into it now waits, and sees the ban afterwards (skills/bans.py).
        list(Namespace.objects.select_for_update(no_key=True).filter(user=person).values_list("pk"))
        skills = Skill.objects.of_owner(person.pk).order_by("-pk")
        if below is not None:
            skills = skills.filter(pk__lt=below)
        ids = list(skills.values_list("pk", flat=True)[:size])
        locked = Skill.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
        list(locked.values_list("pk"))
        if not ids:
            return None
        if person.banned_at is None:
            return Batch(ids[-1], len(ids), restored=lift_holds(ids))
        return Batch(ids[-1], len(ids), held=place_holds(ids, actor=actor))


def settle_traces(*, handle: str, size: int) -> int:
    """Let the next traces of a person follow from whether they are banned; return how many.

    One transaction; 0 when none is left. Idempotent.
    """
    with deferred():
        person = User.objects.select_for_update(no_key=True).filter(handle=handle).first()
        return 0 if person is None else settle_batch(person=person, size=size)


def count_skills(namespace: Namespace) -> int:
    """Return how many skills a ban of its owner holds, counted up to `COUNTED`."""
    return Skill.objects.filter(namespace=namespace).values("pk")[:COUNTED].count()


def _require(actor: User, verb: Verb) -> None:
    """Refuse who may not, or may not any more: the row is locked."""
    if actor.banned_at is not None or not can(Actor(user=actor), verb):
        raise BanRefused("You may not do this; ask an admin.")


def _begin(person: User, actor: User, told: AuditEvent | None) -> Done:
    """Apply the first batch and let a run do the rest."""
    first = apply_batch(handle=person.handle, size=FIRST, actor=actor)
    traces = settle_traces(handle=person.handle, size=FIRST_TRACES)
    is_under_way = traces == FIRST_TRACES or (first is not None and first.looked == FIRST)
    if is_under_way:
        asked = f"{person.handle}:{told.pk if told else 'again'}"
        start_run(kind=JOB, scope=asked, actor=actor)
    return Done(told is not None, first.held + first.restored if first else 0, is_under_way)

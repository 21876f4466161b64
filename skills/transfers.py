"""Handing a skill to another owner: offer, accept, reject, cancel.

An offer to a person or an organisation waits a week for somebody who speaks for it; to an
organisation that the giver also speaks for, the skill goes at once. Whoever moves a skill holds
the locks of both namespaces, in key order, then the skill's, then the offer's: a publish, a rename,
a ban or a second answer comes before or after. The old address leads to the new one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from django.utils import timezone

from accounts import audit
from accounts.models import Membership, Namespace, NamespaceKind, User
from accounts.services import PersonNotFound
from config.derived import deferred
from config.errors import DomainError
from config.text import clean_line
from skills import bans, lookup
from skills.locks import lock_skills, lock_with_namespaces
from skills.models import Skill, SkillAlias, SkillTransfer, TransferState
from skills.services import SlugTaken

LIFE: Final = timedelta(days=7)
MESSAGE_LENGTH: Final = 500


class TransferRefused(DomainError):
    """Not this skill, or not to this owner; the sentence says which."""

    code = "transfer_refused"


class TransferNotFound(DomainError):
    code = "transfer_not_found"

    def __init__(self) -> None:
        super().__init__("No transfer of this skill is pending; ask its owner for a new one.")


def find_recipient(handle: str) -> Namespace:
    """Return who is to have a skill. Raises `PersonNotFound` for a name nobody stands behind."""
    wanted = lookup.typed_handle(handle)
    found: Namespace | None = Namespace.objects.filter(handle=wanted).first()
    if found is None or not found.is_claimed:
        raise PersonNotFound("Nobody has this name here; ask them how they are called.")
    return found


def request_transfer(
    *, skill: Skill, to: Namespace, actor: User, message: str = ""
) -> SkillTransfer:
    """Offer a skill to another owner; between one's own organisations it is done at once.

    The same offer again is the one that is pending. Raises `TransferRefused`, `SlugTaken`, and
    `Withheld` for a skill that is not public.
    """
    with deferred():
        spaces, (skill,) = lock_with_namespaces(skill, also=to)
        lookup.require_public(skill)
        _refuse_recipient(skill, spaces[to.pk])
        pending = _live(skill)
        if pending is not None and pending.to_namespace_id == to.pk:
            return pending
        if pending is not None:
            raise TransferRefused("It is offered to somebody else; cancel that transfer first.")
        transfer = SkillTransfer.objects.create(
            skill=skill,
            from_namespace_id=skill.namespace_id,
            to_namespace=to,
            requested_by=actor,
            message=clean_line(message, MESSAGE_LENGTH),
            expires_at=timezone.now() + LIFE,
        )
        _record(transfer, skill, actor, "request")
        if to.kind == NamespaceKind.ORG and _is_member(actor, to):
            _move(transfer, skill, spaces[to.pk], actor)
        return transfer


def accept_transfer(*, transfer: SkillTransfer, actor: User) -> Skill:
    """Take over a skill that was offered.

    Raises `TransferNotFound` when it is offered no more, `TransferRefused`, `SlugTaken`, and
    `Withheld` for a skill that was hidden since.
    """
    with _still_offered(), deferred():
        spaces, (skill,) = lock_with_namespaces(transfer.skill, also=transfer.to_namespace)
        transfer = _lock_pending(transfer, skill)
        lookup.require_public(skill)
        _refuse_recipient(skill, spaces[transfer.to_namespace_id])
        _move(transfer, skill, spaces[transfer.to_namespace_id], actor)
        return skill


def reject_transfer(*, transfer: SkillTransfer, actor: User) -> Skill:
    """Turn an offer down. Raises `TransferNotFound`."""
    return _end(transfer, actor, TransferState.REJECTED, "reject")


def cancel_transfer(*, transfer: SkillTransfer, actor: User) -> Skill:
    """Take an offer back. Raises `TransferNotFound`."""
    return _end(transfer, actor, TransferState.CANCELLED, "cancel")


def cancel_pending(skill: Skill, *, actor: User) -> None:
    """Take back the offer of a skill that goes away; the caller holds its lock."""
    if (pending := _live(skill)) is not None:
        _decide(pending, TransferState.CANCELLED)
        _record(pending, skill, actor, "cancel")


def _end(transfer: SkillTransfer, actor: User, state: TransferState, verb: str) -> Skill:
    with _still_offered(), deferred():
        (skill,) = lock_skills(transfer.skill)
        transfer = _lock_pending(transfer, skill)
        _decide(transfer, state)
        _record(transfer, skill, actor, verb)
        return skill


@contextmanager
def _still_offered() -> Iterator[None]:
    """Raise `TransferNotFound` where the skill went to another owner meanwhile."""
    try:
        yield
    except lookup.SkillNotFound:
        raise TransferNotFound from None


def _move(transfer: SkillTransfer, skill: Skill, to: Namespace, actor: User) -> None:
    """Give the skill to its new owner; every lock is held."""
    if Skill.objects.filter(namespace=to, slug=skill.slug).exists():
        raise SlugTaken(
            f"@{to.handle} has a skill {skill.slug} already; rename one of the two first."
        )
    # As where somebody publishes: a name that only led elsewhere is theirs to give anew.
    SkillAlias.objects.filter(namespace=to, slug=skill.slug).delete()
    SkillAlias.objects.create(namespace_id=skill.namespace_id, slug=skill.slug, skill=skill)
    Skill.objects.filter(pk=skill.pk).update(namespace=to)
    _decide(transfer, TransferState.ACCEPTED)
    _record(transfer, skill, actor, "accept")


def _refuse_recipient(skill: Skill, to: Namespace) -> None:
    if to.pk == skill.namespace_id:
        raise TransferRefused(f"It belongs to @{to.handle} already.", field="toUserHandle")
    if to.is_closed or bans.banned_among([to.user_id]):
        raise TransferRefused(f"@{to.handle} cannot take skills over.", field="toUserHandle")


def _pending(skill: Skill) -> SkillTransfer | None:
    """Return the offer that nobody ended, locked; it may be past its time."""
    rows = SkillTransfer.objects.select_for_update(no_key=True)
    found: SkillTransfer | None = rows.filter(skill=skill, state=TransferState.PENDING).first()
    return found


def _live(skill: Skill) -> SkillTransfer | None:
    """Return the offer that waits for an answer, locked; end one that is past its time."""
    pending = _pending(skill)
    if pending is not None and pending.expires_at <= timezone.now():
        _decide(pending, TransferState.EXPIRED)
        return None
    return pending


def _lock_pending(transfer: SkillTransfer, skill: Skill) -> SkillTransfer:
    """Return the offer, locked. Raises `TransferNotFound`, which would take back what it wrote."""
    pending = _pending(skill)
    if pending is None or pending.pk != transfer.pk or pending.expires_at <= timezone.now():
        raise TransferNotFound
    return pending


def _decide(transfer: SkillTransfer, state: TransferState) -> None:
    transfer.state, transfer.decided_at = state, timezone.now()
    transfer.save(update_fields=["state", "decided_at"])


def _record(transfer: SkillTransfer, skill: Skill, actor: User, verb: str) -> None:
    audit.record(
        actor=actor,
        verb=f"transfer.{verb}",
        thing=skill,
        before={"namespace": transfer.from_namespace_id},
        after={"namespace": transfer.to_namespace_id},
    )


def _is_member(user: User, namespace: Namespace) -> bool:
    return Membership.objects.filter(user=user, namespace=namespace).exists()

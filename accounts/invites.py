"""Invites into organisations: made, taken back, accepted; each with its audit row."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from accounts import audit
from accounts.models import INVITE_MAX_USES, Invite, Membership, Namespace, User
from accounts.organisations import (
    lock_namespace,
    manage_organisation,
    refuse_another_membership,
)
from accounts.services import lock_people
from accounts.tokens import new_code
from config.errors import DomainError
from config.text import refuse_unstorable

INVITE_SPAN: Final = timedelta(days=7)
INVITES_PER_NAMESPACE: Final = 100
EMAIL_LENGTH: Final = 254


class InviteRefused(DomainError):
    """An invite that cannot be made or accepted; the code says why."""

    code = "invite_invalid"


class TooManyInvites(DomainError):
    code = "too_many_invites"


@transaction.atomic
def create_invite(
    *, namespace: Namespace, actor: User, max_uses: int = 1, email: str = ""
) -> tuple[Invite, str]:
    """Make an invite; the code in the answer is the only time it can be seen.

    `max_uses` 0 is as often as wanted; `email` is a note, nothing is sent. Raises `InviteRefused`,
    `TooManyInvites`, `AdminRequired`, `NotOrganisation`.
    """
    if not 0 <= max_uses <= INVITE_MAX_USES:
        raise InviteRefused(
            f"An invite is for 1 to {INVITE_MAX_USES} people; 0 is as many as like.",
            field="maxUses",
        )
    address = _checked_email(email)
    locked, _role = manage_organisation(namespace, actor)
    # Counted under the namespace's lock, so that two requests at once cannot pass the limit.
    if locked.invites.open().count() >= INVITES_PER_NAMESPACE:
        raise TooManyInvites(f"Revoke an invite first: {INVITES_PER_NAMESPACE} are open.")
    code = new_code()
    invite = Invite.objects.create(
        namespace=locked,
        created_by=actor,
        email=address,
        max_uses=max_uses,
        expires_at=timezone.now() + INVITE_SPAN,
        code_sha256=_hash(code),
    )
    # The address stays out of the audit trail, which nobody can clear.
    audit.record(actor=actor, verb="invite.create", thing=invite, after={"max_uses": max_uses})
    return invite, code


def _checked_email(email: str) -> str:
    address = refuse_unstorable(email, field="email").strip()
    if not address:
        return ""
    refused = InviteRefused("This is no mail address; leave it out.", field="email")
    if len(address) > EMAIL_LENGTH:
        raise refused
    try:
        validate_email(address)
    except ValidationError:
        raise refused from None
    return address


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()


def find_invite(code: str) -> Invite | None:
    """Return the invite of this code, whatever its state, with its organisation and inviter."""
    rows = Invite.objects.select_related("namespace", "created_by")
    invite: Invite | None = rows.filter(code_sha256=_hash(code)).first()
    return invite


@transaction.atomic
def revoke_invite(*, invite: Invite, actor: User) -> bool:
    """Let nobody in by this invite any more; False when it was revoked. Raises `AdminRequired`."""
    manage_organisation(invite.namespace, actor)
    revoked = Invite.objects.filter(pk=invite.pk, revoked_at__isnull=True).update(revoked_at=Now())
    if revoked:
        audit.record(actor=actor, verb="invite.revoke", thing=invite)
    return bool(revoked)


@transaction.atomic
def accept_invite(*, invite: Invite, user: User) -> bool:
    """Make a person a member; False when they are, which uses nothing up.

    Person, organisation and invite are locked in this order: of two who share the last use one
    gets in. Raises `InviteRefused`, `TooManyNamespaces`.
    """
    (person,) = lock_people(user)
    namespace = lock_namespace(invite.namespace)
    if Membership.objects.filter(namespace=namespace, user=person).exists():
        return False
    locked = Invite.objects.select_for_update().get(pk=invite.pk)
    if locked.state != "open":
        raise InviteRefused(REFUSALS[locked.state], code="invite_over")
    refuse_another_membership(person)
    Membership.objects.create(namespace=namespace, user=person)
    Invite.objects.filter(pk=locked.pk).update(uses=F("uses") + 1)
    audit.record(actor=person, verb="member.join", thing=namespace, after={"invite": locked.pk})
    return True


# Why an invite lets nobody in, and what to do.
REFUSALS: Final = {
    "revoked": "This invite was taken back. Ask whoever sent it for another one.",
    "used up": "This invite has been used. Ask whoever sent it for another one.",
    "expired": "This invite has expired. Ask whoever sent it for another one.",
}

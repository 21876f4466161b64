"""Deleting an account: closed in one transaction, erased by a job (moderation/services/closing.py).

The person's row stays, without name, address and password: its handle belongs to nobody else, a
ban stays a ban, and audit rows and decisions go on naming it by its key.
"""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from axes.models import AccessAttempt
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from accounts import audit
from accounts.models import (
    ApiToken,
    DeviceLogin,
    DeviceSession,
    Invite,
    Membership,
    Namespace,
    Role,
    User,
)
from accounts.organisations import remove_member
from accounts.services import lock_people, revoke_tokens
from accounts.sessions import end_all_sessions
from config.errors import DomainError


class ClosingRefused(DomainError):
    """This account cannot be deleted now; the sentence says what to do first."""

    code = "closing_refused"


def refuse_staff(user: User) -> None:
    """Raise `ClosingRefused` for who can moderate: the site must not lose its last admin."""
    if user.role != Role.USER:
        raise ClosingRefused(
            "Staff accounts are not deleted: let another admin take your role away first."
        )


def own_spaces(user: User) -> list[int]:
    """Return what goes with an account: its own namespace and organisations with nobody else."""
    others = Membership.objects.filter(namespace=OuterRef("pk")).exclude(user=user)
    alone = Namespace.objects.filter(memberships__user=user).exclude(Exists(others))
    own = Namespace.objects.filter(user=user)
    return sorted({*own.values_list("pk", flat=True), *alone.values_list("pk", flat=True)})


@transaction.atomic
def close(*, user: User) -> bool:
    """Close a person's account: nothing opens it any more, and its job may erase it.

    False when it is closed. Person and namespaces are locked in this order, so of the last two
    owners of an organisation who leave at once one is told to make another first. Raises
    `ClosingRefused`, and `MemberRefused` (`last_owner`).
    """
    (person,) = lock_people(user)
    if person.is_closed:
        return False
    if person.banned_at is not None:
        raise ClosingRefused("This account is banned; write to the moderators.")
    refuse_staff(person)
    _leave(person)
    _take_names(person)
    _revoke(person)
    User.objects.filter(pk=person.pk).update(
        closed_at=Now(),
        is_active=False,
        password=make_password(None),  # Ends every session of a browser.
        display_name="",
        email="",
        time_zone="",
        last_login=None,
        export_token=None,
        export_until=None,
    )
    AccessAttempt.objects.filter(username=person.handle).delete()
    audit.record(actor=person, verb="user.close", thing=person)
    return True


def _leave(person: User) -> None:
    """Leave the organisations with others, and let nobody into those without."""
    held = Membership.objects.filter(user=person).select_related("namespace")
    memberships = list(held.order_by("namespace"))
    keys = {row.namespace_id for row in memberships}
    # As a publish, an offer and whoever joins do; in key order.
    own = set(Namespace.objects.filter(user=person).values_list("pk", flat=True))
    rows = Namespace.objects.select_for_update(no_key=True).order_by("pk")
    list(rows.filter(pk__in=keys | own).values_list("pk"))
    with_others = Membership.objects.filter(namespace__in=keys).exclude(user=person)
    shared = set(with_others.values_list("namespace", flat=True))
    for membership in memberships:
        if membership.namespace_id in shared:
            remove_member(membership=membership, actor=person)
    invites = list(Invite.objects.open().filter(namespace__in=keys - shared))
    Invite.objects.filter(pk__in=[row.pk for row in invites]).update(revoked_at=Now())
    audit.record_all(audit.event(actor=person, verb="invite.revoke", thing=row) for row in invites)


def _take_names(person: User) -> None:
    """Let what goes with the account be called by its handle alone; `_leave` locked it."""
    named = Namespace.objects.filter(pk__in=own_spaces(person)).exclude(display_name="")
    for namespace in named.order_by("pk"):
        namespace.display_name = ""
        namespace.save(update_fields=["display_name"])


def _revoke(person: User) -> None:
    """Let no token, command line, factor or account elsewhere open anything any more."""
    _delete_ways_in(person)
    revoke_tokens(tokens=person.api_tokens.usable(), actor=person)
    end_all_sessions(user=person, actor=person)


def _delete_ways_in(person: User) -> None:
    for model in (Authenticator, SocialAccount, EmailAddress):
        model.objects.filter(user=person).delete()


@transaction.atomic
def finish(*, user: User) -> bool:
    """Delete what is left of a closed account, and say that it is erased; False when it was.

    The caller has erased what other apps store.
    """
    (person,) = lock_people(user)
    if not person.is_closed or person.erased_at is not None:
        return False
    for rows in (
        ApiToken.objects.filter(user=person),
        DeviceSession.objects.filter(user=person),
        DeviceLogin.objects.filter(user=person),
        Membership.objects.filter(user=person),
        AccessAttempt.objects.filter(username=person.handle),
    ):
        rows.delete()
    _delete_ways_in(person)
    User.objects.filter(pk=person.pk).update(erased_at=Now())
    audit.record(actor=None, verb="user.erase", thing=person)
    return True

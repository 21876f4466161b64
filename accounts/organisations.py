"""Organisations and who belongs to them: each function one transaction, with its audit row.

Everything that changes a namespace's members locks the namespace first, and reads under that lock
what the acting person is there: of two admins who act at once, the second is asked again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from django.db import IntegrityError, transaction

from accounts import audit
from accounts.models import (
    HANDLE_LENGTH,
    MemberRole,
    Membership,
    Namespace,
    NamespaceKind,
    TracePolicy,
    User,
    Visibility,
)
from accounts.policy import MANAGERS
from accounts.services import lock_people, revoke_tokens
from config.errors import DomainError
from config.text import clean_line, fold, refuse_unstorable

NAME_LENGTH: Final = 120
SHORTEST_HANDLE: Final = 2
NAMESPACES_PER_USER: Final = 100

_UNFIT: Final = re.compile(r"[^a-z0-9_.-]+")
# Words that stand in our addresses, or that a reader would take for us.
_RESERVED_WORDS: Final = (
    "about abuse account accounts admin administrator api app auth blog cli config dashboard demo"
    " docs download everyone feed feeds healthz help home invite invites leaderboards legal login"
    " logout mail me metrics moderation moderator moderators modlog namespace namespaces null"
    " official org organisation organisations organization organizations orgs owner privacy public"
    " publish readyz registry report reports root s search security session settings signin signup"
    " skill skillboard skills staff static status support system t team terms theme trace traces"
    " trust trusted u undefined user users v1 verified www"
)
RESERVED_HANDLES: Final = frozenset(_RESERVED_WORDS.split())


class NamespaceNotFound(DomainError):
    code = "namespace_not_found"

    def __init__(self, slug: str) -> None:
        super().__init__(f"There is no namespace @{clean_line(slug, HANDLE_LENGTH)}.")


class NotMember(DomainError):
    code = "not_member"

    def __init__(self, namespace: Namespace) -> None:
        super().__init__(f"You are no member of {namespace}; ask one of its admins for an invite.")


class AdminRequired(DomainError):
    code = "admin_required"

    def __init__(self, namespace: Namespace) -> None:
        super().__init__(f"Only owners and admins of {namespace} may do this.")


class NotOrganisation(DomainError):
    """A person's own namespace has no members."""

    code = "not_organisation"


class HandleRefused(DomainError):
    """A name for an organisation that cannot be; the code says why."""

    code = "handle_invalid"


class MemberRefused(DomainError):
    """A change of members that may not be; the code says why."""

    code = "member_refused"


class SettingsRefused(DomainError):
    code = "settings_invalid"


class TooManyNamespaces(DomainError):
    code = "too_many_namespaces"

    def __init__(self) -> None:
        super().__init__(f"One person can be in {NAMESPACES_PER_USER} organisations; leave one.")


# --- Reads --------------------------------------------------------------------------------------


def find_namespace(slug: str) -> Namespace:
    """Return the namespace of this handle, with or without @. Raises `NamespaceNotFound`."""
    wanted = refuse_unstorable(slug, field="slug").strip().removeprefix("@").lower()
    namespace: Namespace | None = Namespace.objects.filter(handle=wanted).first()
    if namespace is None:
        raise NamespaceNotFound(slug)
    return namespace


def find_namespace_of(user: User, slug: str) -> Namespace:
    """Return a namespace of this person's, with their `role`. Raises as above, and `NotMember`."""
    namespace = find_namespace(slug)
    found: Namespace | None = Namespace.objects.of_person(user).filter(pk=namespace.pk).first()
    if found is None:
        raise NotMember(namespace)
    return found


# --- The organisation itself --------------------------------------------------------------------


def handle_of(text: str) -> str:
    """Return the handle that a typed name becomes. Raises `HandleRefused`."""
    spelled = refuse_unstorable(text, field="slug").strip().removeprefix("@")
    handle = _UNFIT.sub("-", fold(spelled)).strip("-._")
    if not SHORTEST_HANDLE <= len(handle) <= HANDLE_LENGTH:
        raise HandleRefused(
            f"A name has {SHORTEST_HANDLE} to {HANDLE_LENGTH} letters a to z, digits and hyphens;"
            " choose another one.",
            field="slug",
        )
    if handle in RESERVED_HANDLES:
        raise HandleRefused(
            f"The name {handle} is reserved; add a word of your own.",
            field="slug",
            code="handle_reserved",
        )
    return handle


@transaction.atomic
def create_organisation(*, user: User, slug: str, display_name: str = "") -> Namespace:
    """Make an organisation that belongs to `user`; its handle is made from `slug`.

    Raises `HandleRefused` (`handle_taken` where it belongs to somebody), `TooManyNamespaces`.
    """
    handle = handle_of(slug)
    taken = HandleRefused(
        f"The name {handle} is taken; choose another one.", field="slug", code="handle_taken"
    )
    (owner,) = lock_people(user)
    if Namespace.objects.filter(handle=handle).exists() or User.objects.filter(handle=handle):
        raise taken
    refuse_another_membership(owner)
    namespace = Namespace(
        handle=handle,
        kind=NamespaceKind.ORG,
        display_name=clean_line(refuse_unstorable(display_name, field="displayName"), NAME_LENGTH),
    )
    try:
        with transaction.atomic():
            namespace.save(force_insert=True)
    except IntegrityError:
        raise taken from None  # Somebody was as quick.
    Membership.objects.create(namespace=namespace, user=owner, role=MemberRole.OWNER)
    audit.record(actor=user, verb="organisation.create", thing=namespace)
    return namespace


def refuse_another_membership(user: User) -> None:
    """Raise `TooManyNamespaces` for a person in as many as can be; call it under their lock."""
    if user.memberships.count() >= NAMESPACES_PER_USER:
        raise TooManyNamespaces


@transaction.atomic
def change_settings(
    *,
    namespace: Namespace,
    actor: User,
    display_name: str,
    trace_visibilities: Iterable[str],
    trace_policy: str,
    ai_summary_enabled: bool,
) -> bool:
    """Change what a namespace says and allows; False when nothing differs.

    Traces that are there already keep their visibility. Raises `SettingsRefused`, `AdminRequired`.
    """
    wanted = frozenset(trace_visibilities)
    if not wanted or wanted - frozenset(Visibility.values):
        raise SettingsRefused("Allow at least one visibility.", field="trace_visibilities")
    if trace_policy not in TracePolicy.values:
        raise SettingsRefused("Say what becomes of what is not allowed.", field="trace_policy")
    locked = lock_namespace(namespace)
    _refuse_unless_manager(locked, actor)
    after = {
        "display_name": clean_line(display_name, NAME_LENGTH),
        # From the most open to the most private, whatever the order they were ticked in.
        "trace_visibilities": [value for value in Visibility.values if value in wanted],
        "trace_policy": trace_policy,
        "ai_summary_enabled": ai_summary_enabled,
    }
    before = {name: getattr(locked, name) for name in after}
    changed = {name: value for name, value in after.items() if before[name] != value}
    if not changed:
        return False
    for name, value in changed.items():
        setattr(locked, name, value)
    locked.save(update_fields=list(changed))
    audit.record(
        actor=actor,
        verb="namespace.settings",
        thing=locked,
        before={name: before[name] for name in changed},
        after=changed,
    )
    return True


# --- Members ------------------------------------------------------------------------------------


def lock_namespace(namespace: Namespace) -> Namespace:
    """Return a namespace as it stands now, locked until the transaction ends."""
    locked: Namespace = Namespace.objects.select_for_update(no_key=True).get(pk=namespace.pk)
    return locked


def manage_organisation(namespace: Namespace, actor: User) -> tuple[Namespace, str]:
    """Lock an organisation for one who may change its members; returns it and their role.

    Raises `NotOrganisation`, `AdminRequired`.
    """
    locked = lock_namespace(namespace)
    if locked.kind != NamespaceKind.ORG:
        raise NotOrganisation(
            f"{locked} belongs to one person; make an organisation to share with others."
        )
    return locked, _refuse_unless_manager(locked, actor)


def _refuse_unless_manager(namespace: Namespace, actor: User) -> str:
    if namespace.user_id == actor.pk:
        return MemberRole.OWNER
    held = Membership.objects.filter(namespace=namespace, user=actor).first()
    if held is None or held.role not in MANAGERS:
        raise AdminRequired(namespace)
    return held.role


@transaction.atomic
def set_member_role(*, membership: Membership, role: str, actor: User) -> bool:
    """Give a member a role; False when they have it.

    Owners alone make owners and change them, and one stays. Raises `MemberRefused`,
    `AdminRequired`.
    """
    if role not in MemberRole.values:
        raise MemberRefused("A role is owner, admin or member.", field="role", code="role_invalid")
    namespace, own_role = manage_organisation(membership.namespace, actor)
    held = _lock_member(membership)
    if held.role == role:
        return False
    if MemberRole.OWNER in {held.role, role} and own_role != MemberRole.OWNER:
        raise MemberRefused("Only an owner makes owners and changes them.", field="role")
    if held.role == MemberRole.OWNER:
        _refuse_without_owner(namespace, held)
    before = {"role": held.role}
    Membership.objects.filter(pk=held.pk).update(role=role)
    audit.record(
        actor=actor,
        verb="member.role",
        thing=namespace,
        before=before | {"user": held.user_id},
        after={"role": role, "user": held.user_id},
    )
    return True


@transaction.atomic
def remove_member(*, membership: Membership, actor: User) -> None:
    """Take somebody out of an organisation, with the keys they made for it; or leave it oneself.

    An owner is removed by an owner, and one stays. Raises `MemberRefused`, `AdminRequired`.
    """
    is_leaving = membership.user_id == actor.pk
    if is_leaving:
        namespace = lock_namespace(membership.namespace)
        held = _lock_member(membership)
    else:
        namespace, own_role = manage_organisation(membership.namespace, actor)
        held = _lock_member(membership)
        if held.role == MemberRole.OWNER and own_role != MemberRole.OWNER:
            raise MemberRefused("Only an owner removes an owner.")
    if held.role == MemberRole.OWNER:
        _refuse_without_owner(namespace, held)
    told = {"user": held.user_id, "role": held.role}
    verb = "member.leave" if is_leaving else "member.remove"
    audit.record(actor=actor, verb=verb, thing=namespace, before=told)
    keys = namespace.api_tokens.filter(user_id=held.user_id)
    revoke_tokens(tokens=keys, actor=actor)
    held.delete()


def _lock_member(membership: Membership) -> Membership:
    """Return a member as they are now, under the namespace's lock. Raises `MemberRefused`."""
    held = Membership.objects.filter(pk=membership.pk).first()
    if held is None:
        raise MemberRefused("This person is no member any more.", code="not_member")
    return held


def _refuse_without_owner(namespace: Namespace, leaving: Membership) -> None:
    owners = namespace.memberships.filter(role=MemberRole.OWNER).exclude(pk=leaving.pk)
    if not owners.exists():
        raise MemberRefused(
            f"{namespace} needs an owner: make somebody else one first.", code="last_owner"
        )

"""Who may do what: the only place that says so.

`can(actor, verb, thing)` answers for one thing. Lists agree with it because the visibility
querysets (`Skill.objects.visible_to(actor)` and its kin) read the same facts, and a test compares
the two on every kind of actor and thing. A caller turns a refused look into 404, so that a hidden
thing and a missing one cannot be told apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final, Protocol

from django.db.models import CharField, Value

from accounts.models import (
    ApiToken,
    DeviceSession,
    MemberRole,
    Membership,
    Namespace,
    Role,
    Scope,
    User,
)
from config.errors import DomainError


class Verb(StrEnum):
    """What can be done to a thing."""

    VIEW = "view"  # see it and what it says about itself
    INSTALL = "install"  # fetch its files
    PUBLISH = "publish"  # add versions in a namespace's name
    MANAGE = "manage"  # delete and restore it, give it another name, hand it over
    STAR = "star"  # put one's star on it
    COMMENT = "comment"  # write under it
    JUDGE = "judge"  # decide whether what others wrote under it stays
    REPORT = "report"  # tell moderators what is wrong with it
    RESCAN = "rescan"  # have it scanned again
    BADGE = "badge"  # give it a badge, or take one
    DIAGNOSE = "diagnose"  # be told why it is hidden
    INSPECT = "inspect"  # read the files of what is not handed out, to judge it
    STAFF = "staff"  # enter the staff pages
    CONFIGURE = "configure"  # change the settings of the desk
    OPERATE = "operate"  # start, pause and cancel jobs, forget measurements
    BAN = "ban"  # ban a person, which hides what they published
    SEE_MEMBERS = "see members"  # of a namespace
    MANAGE_NAMESPACE = "manage namespace"  # change its settings, members, invites and keys
    MANAGE_PEOPLE = "manage people"  # look people up, give them roles, lift bans


@dataclass(frozen=True)
class Actor:
    """Somebody who asks: a visitor, a person, or a person's token or session with its scopes."""

    user: User | None = None
    token: ApiToken | None = None
    session: DeviceSession | None = None
    scopes: frozenset[str] = field(default_factory=lambda: frozenset(Scope.values))
    # Staff who must have a second factor, and used none: they may do what anybody may.
    lacks_factor: bool = False
    # Whether they speak for a namespace, where a page read that along with its thing.
    spoken_for: dict[int, bool] = field(default_factory=dict, compare=False)

    @property
    def role(self) -> str:
        """Return the role this actor may use right now; a token needs the scope for it."""
        if self.user is None:
            return ""
        if self.user.acting_role == Role.ADMIN and Scope.ADMIN in self.scopes:
            return Role.ADMIN
        if self.user.acting_role in {Role.ADMIN, Role.MODERATOR} and Scope.MODERATE in self.scopes:
            return Role.MODERATOR
        return Role.USER

    @property
    def is_staff(self) -> bool:
        """Say whether this actor moderates."""
        return self.role in {Role.MODERATOR, Role.ADMIN}

    @property
    def active_namespace(self) -> Namespace | None:
        """Return where this actor's uploads go: to the token's or session's, else their own."""
        if self.session is not None:
            return self.session.namespace
        if self.token is not None and self.token.namespace is not None:
            return self.token.namespace
        return getattr(self.user, "namespace", None)

    @cached_property
    def namespace_roles(self) -> dict[int, str]:
        """Return the namespaces this actor speaks for, and as what (one query, once)."""
        if self.user is None:
            return {}
        owner = Value(MemberRole.OWNER, output_field=CharField())
        own = Namespace.objects.filter(user=self.user).values_list("pk", owner)
        joined = Membership.objects.filter(user=self.user).values_list("namespace", "role")
        roles = dict(own.union(joined))
        if self.token is not None and self.token.namespace_id is not None:
            return {pk: role for pk, role in roles.items() if pk == self.token.namespace_id}
        return roles

    @property
    def namespace_ids(self) -> frozenset[int]:
        """Return the namespaces this actor speaks for."""
        return frozenset(self.namespace_roles)

    def speaks_for(self, namespace_id: int) -> bool:
        """Say whether it is one of `namespace_ids`; no query where that is known already."""
        known = self.spoken_for.get(namespace_id)
        return namespace_id in self.namespace_ids if known is None else known


ANONYMOUS: Final = Actor()


class ScopeMissing(DomainError):
    """The token, or the person behind it, has not the right for this call."""

    code = "scope_missing"


class SecondFactorMissing(DomainError):
    """Somebody of staff, who could do this had they a second factor."""

    code = "second_factor_required"

    def __init__(self) -> None:
        super().__init__("Staff need a second factor; set one up under “Sign-in and security”.")


def require_scope(actor: Actor, scope: Scope) -> None:
    """Raise `ScopeMissing` unless the actor may use their token or session for this."""
    if scope not in actor.scopes:
        raise ScopeMissing(f"This key lacks the scope {scope}; make one that has it.")


class Owned(Protocol):
    """A thing that stands in a namespace and knows its own public state."""

    namespace_id: int

    @property
    def is_public(self) -> bool: ...

    @property
    def is_installable(self) -> bool: ...


def owns(actor: Actor, thing: Owned) -> bool:
    """Say whether the thing stands in a namespace this actor speaks for."""
    return actor.speaks_for(thing.namespace_id)


# What a right for staff is called on tokens.
STAFF_SCOPES: Final = frozenset({Scope.MODERATE.value, Scope.ADMIN.value})


# Verbs that are about no thing, and whose they are.
_ABOUT_THE_SITE: Final = {
    Verb.STAFF: (Role.MODERATOR, Role.ADMIN),
    Verb.CONFIGURE: (Role.ADMIN,),
    Verb.OPERATE: (Role.ADMIN,),
    Verb.BAN: (Role.MODERATOR, Role.ADMIN),
    Verb.MANAGE_PEOPLE: (Role.ADMIN,),
}


# Who may change a namespace; its other members may look.
MANAGERS: Final = frozenset({MemberRole.OWNER, MemberRole.ADMIN})


def holds(user: User, verb: Verb) -> bool:
    """Say whether a person's role has a right of staff, whether they may use it now or not."""
    return user.role in _ABOUT_THE_SITE.get(verb, ())


def can(  # noqa: PLR0911 - One case a verb.
    actor: Actor, verb: Verb, thing: Owned | Namespace | None = None
) -> bool:
    """Say whether `actor` may do `verb` to `thing`; at most one query, for the namespaces."""
    if isinstance(thing, Namespace):
        return _may_enter(actor, verb, thing)
    if verb in _ABOUT_THE_SITE or thing is None:
        return actor.role in _ABOUT_THE_SITE.get(verb, ())
    match verb:
        case Verb.VIEW:
            return thing.is_public or _may_read_hidden(actor, thing)
        case Verb.INSTALL:
            return thing.is_installable
        case Verb.STAR | Verb.REPORT:
            may_write = actor.user is not None and Scope.SKILLS_WRITE in actor.scopes
            return may_write and can(actor, Verb.VIEW, thing)
        case Verb.COMMENT:
            may_write = actor.user is not None and Scope.SKILLS_WRITE in actor.scopes
            return may_write and thing.is_public
        case Verb.JUDGE:
            return actor.is_staff and not owns(actor, thing)
        case Verb.INSPECT:
            return actor.is_staff
        case Verb.DIAGNOSE:
            return _may_read_hidden(actor, thing)
        case _:
            return _may_change(actor, verb, thing)


def _may_enter(actor: Actor, verb: Verb, namespace: Namespace) -> bool:
    """Say what a member may: staff have no say in what others keep together."""
    role = actor.namespace_roles.get(namespace.pk)
    if role is None:
        return False
    if verb == Verb.MANAGE_NAMESPACE:
        # A token is for a program; who lets others in is a person at a page or command line.
        return actor.token is None and role in MANAGERS
    if verb == Verb.PUBLISH:
        return Scope.SKILLS_WRITE in actor.scopes
    return verb == Verb.SEE_MEMBERS and Scope.NAMESPACE_READ in actor.scopes


def _may_change(actor: Actor, verb: Verb, thing: Owned) -> bool:
    is_own = owns(actor, thing)
    if verb == Verb.BADGE:
        return actor.is_staff and not is_own
    may_write = is_own and Scope.SKILLS_WRITE in actor.scopes
    if verb == Verb.MANAGE:
        return may_write and actor.namespace_roles.get(thing.namespace_id) in MANAGERS
    return may_write or (verb == Verb.RESCAN and actor.is_staff)


def _may_read_hidden(actor: Actor, thing: Owned) -> bool:
    if actor.user is None:
        return False
    return actor.is_staff or (Scope.SKILLS_READ in actor.scopes and owns(actor, thing))

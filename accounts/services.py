"""What can be done with people and tokens: each function one transaction, with its audit row."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from accounts import audit
from accounts.models import ApiToken, Membership, Namespace, Role, Scope, User
from accounts.tokens import TokenText, is_secret_of, new_token, parse_token
from config.errors import DomainError
from config.text import refuse_unstorable
from config.zones import zone_names

# Scopes a role may hand to its tokens.
ROLE_SCOPES: Final = {
    Role.USER: frozenset(Scope.values) - {Scope.MODERATE, Scope.ADMIN},
    Role.MODERATOR: frozenset(Scope.values) - {Scope.ADMIN},
    Role.ADMIN: frozenset(Scope.values),
}
# A request writes "last used" at most this often.
LAST_USED_STEP: Final = timedelta(minutes=10)
TOKENS_PER_USER: Final = 100
ID_DIGITS: Final = 18


class ScopeRefused(DomainError):
    code = "scope_refused"


class TooManyTokens(DomainError):
    code = "too_many_tokens"


class PersonNotFound(DomainError):
    code = "person_not_found"


class RoleUnknown(DomainError):
    code = "role_invalid"


class RoleRefused(DomainError):
    """One's own role, or given by somebody who is no admin any more."""

    code = "role_refused"


class TimeZoneUnknown(DomainError):
    code = "time_zone_unknown"


class TokenRefused(DomainError):
    """A bearer token that opens nothing; the code says why, for the client to print."""

    code = "token_invalid"


@transaction.atomic
def create_user(
    *,
    handle: str,
    password: str | None = None,
    role: str = Role.USER,
    display_name: str = "",
    claim: bool = True,
) -> User:
    """Create a person with their own namespace: with `claim` one of that name that nobody has yet.

    Raises `DomainError` (`handle_taken`) when the name belongs to somebody, or without `claim`
    to an import; `IntegrityError` when somebody takes it at this moment.
    """
    handle = refuse_unstorable(handle.strip().lower(), field="handle")
    namespace = Namespace.objects.select_for_update().filter(handle=handle).first()
    is_had = namespace is not None and (namespace.is_claimed or not claim)
    if is_had or User.objects.filter(handle=handle).exists():
        raise DomainError(f"The name {handle} is taken; choose another.", code="handle_taken")
    user = User(handle=handle, role=role, display_name=display_name)
    user.set_password(password)
    # That nobody has the name is the database's to say: a look before could only be too early.
    user.full_clean(exclude=["password"], validate_unique=False)
    user.save()
    if namespace is None:
        namespace = Namespace(handle=handle)
    namespace.user = user
    namespace.display_name = namespace.display_name or display_name
    namespace.save()
    audit.record(actor=None, verb="user.create", thing=user, after={"role": role})
    return user


def find_person(*, handle: str = "", user_id: str = "") -> User:
    """Return the person of this handle, typed in any letter case, or else of this id.

    Raises `PersonNotFound`.
    """
    wanted = handle.strip().removeprefix("@").lower()
    # A longer number is no id of ours, and none that the database could compare.
    by_id = user_id.isascii() and user_id.isdecimal() and len(user_id) <= ID_DIGITS
    named = Q(handle=wanted) if wanted else Q(pk=int(user_id) if by_id else None)
    person = User.objects.filter(named).first()
    if person is None:
        raise PersonNotFound("Nobody has this name here; look it up in the list of people.")
    return person


def lock_people(*people: User) -> list[User]:
    """Return these people as they stand now, locked until the transaction ends.

    In primary-key order, so that two who act on each other wait instead of blocking each other.
    """
    locked = User.objects.select_for_update(no_key=True).order_by("pk")
    rows = {row.pk: row for row in locked.filter(pk__in={person.pk for person in people})}
    return [rows[person.pk] for person in people]


def require_admin(*also: User, actor: User) -> None:
    """Lock an admin and whom they act on; raise `RoleRefused` where they are none any more."""
    if not lock_people(actor, *also)[0].is_staff:
        raise RoleRefused("You are no admin any more; ask one to do it.")


@transaction.atomic
def set_role(*, user: User, role: str, actor: User) -> bool:
    """Give a person a role; False when they have it. Raises `RoleUnknown`, `RoleRefused`.

    Nobody changes their own role and only an admin changes any, both read under lock: whoever
    takes an admin's role away stays one, so the site never loses its last.
    """
    if role not in Role.values:
        raise RoleUnknown(f"A role is one of {', '.join(Role.values)}.", field="role")
    if user.pk == actor.pk:
        raise RoleRefused("Ask another admin to change your own role.", field="role")
    person, giver = lock_people(user, actor)
    if not giver.is_staff:
        raise RoleRefused("You are no admin any more; ask one to give the role.")
    if person.role == role:
        return False
    before = {"role": person.role}
    User.objects.filter(pk=person.pk).update(role=role)
    audit.record(actor=giver, verb="user.role", thing=person, before=before, after={"role": role})
    return True


@transaction.atomic
def set_time_zone(*, user: User, name: str) -> bool:
    """Set in which zone a person is told exact times, "" for UTC; False when it is so already.

    Raises `TimeZoneUnknown`.
    """
    if name and name not in zone_names():
        raise TimeZoneUnknown("Choose one of the time zones of the list.", field="time_zone")
    (person,) = lock_people(user)
    if person.time_zone == name:
        return False
    before = {"time_zone": person.time_zone}
    User.objects.filter(pk=person.pk).update(time_zone=name)
    audit.record(
        actor=person, verb="user.settings", thing=person, before=before, after={"time_zone": name}
    )
    return True


@transaction.atomic
def create_token(
    *,
    user: User,
    label: str,
    scopes: Iterable[str] | None = None,
    namespace: Namespace | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiToken, TokenText]:
    """Make a token for `user`; the text in the answer is the only time it can be seen.

    `scopes` defaults to all the role allows. Raises `ScopeRefused`, `TooManyTokens`.
    """
    allowed = ROLE_SCOPES[Role(user.role)]
    wanted = allowed if scopes is None else frozenset(scopes)
    if unknown := wanted - frozenset(Scope.values):
        raise ScopeRefused(f"Unknown scope: {', '.join(sorted(unknown))}.", field="scopes")
    if wanted - allowed:
        raise ScopeRefused(
            f"Your role does not allow: {', '.join(sorted(wanted - allowed))}.", field="scopes"
        )
    if namespace is not None and not _speaks_for(user, namespace):
        raise ScopeRefused(f"You are no member of {namespace}.", field="namespace")
    # Counted under the person's lock, so that two requests at once cannot pass the limit.
    User.objects.select_for_update().get(pk=user.pk)
    if user.api_tokens.usable().count() >= TOKENS_PER_USER:
        raise TooManyTokens(f"Revoke a token first: {TOKENS_PER_USER} are in use.")
    text = new_token("skb" if namespace is None else "trk")
    token = ApiToken.objects.create(
        label=label,
        user=user,
        namespace=namespace,
        scopes=sorted(wanted),
        expires_at=expires_at,
        lookup_id=text.lookup_id,
        secret_sha256=text.secret_sha256,
    )
    audit.record(actor=user, verb="token.create", thing=token, after={"scopes": sorted(wanted)})
    return token, text


@transaction.atomic
def revoke_token(*, token: ApiToken, actor: User) -> bool:
    """Make a token useless at once; False when it already was."""
    revoked = ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=Now())
    if revoked:
        audit.record(actor=actor, verb="token.revoke", thing=token)
    return bool(revoked)


@transaction.atomic
def revoke_tokens(*, tokens: QuerySet[ApiToken], actor: User) -> int:
    """Make all of these useless at once; return how many were not yet."""
    # Locked in one order, and those that are revoked meanwhile are not counted twice.
    locked = tokens.filter(revoked_at__isnull=True).select_for_update().order_by("pk")
    rows = list(locked)
    ApiToken.objects.filter(pk__in=[row.pk for row in rows]).update(revoked_at=Now())
    audit.record_all(audit.event(actor=actor, verb="token.revoke", thing=row) for row in rows)
    return len(rows)


def authenticate_token(text: str) -> ApiToken:
    """Return the token (with its user) that this text opens.

    One query; a second one, at most every ten minutes, keeps "last used". Raises `TokenRefused`
    with a code and sentence of its own for each reason, so that the client can print it.
    """
    parsed = parse_token(text)
    # An unknown token costs the same query and comparison as a known one.
    lookup_id = parsed.lookup_id if parsed else ""
    token: ApiToken | None = (
        ApiToken.objects.with_role()
        .select_related("user", "user__namespace", "namespace")
        .filter(lookup_id=lookup_id)
        .first()
    )
    is_known = is_secret_of(parsed, None if token is None else bytes(token.secret_sha256))
    if token is None or not is_known:
        raise TokenRefused("This token is not known here; make a new one under My tokens.")
    if token.revoked_at is not None:
        raise TokenRefused("This token was revoked; make a new one.", code="token_revoked")
    if token.expires_at is not None and token.expires_at <= timezone.now():
        raise TokenRefused("This token has expired; make a new one.", code="token_expired")
    refuse_banned(token.user)
    if token.has_lost_its_namespace:
        raise TokenRefused(
            "Whoever made this key has left its namespace; make a new one.", code="token_revoked"
        )
    if token.last_used_at is None or token.last_used_at < timezone.now() - LAST_USED_STEP:
        # Asked again in the database: of several requests at once one writes.
        ApiToken.objects.filter(pk=token.pk).unused_for(LAST_USED_STEP).update(last_used_at=Now())
    return token


def refuse_banned(user: User) -> None:
    """Raise `TokenRefused` where the account that a secret stands for is closed."""
    if user.is_closed:
        raise TokenRefused("This account was deleted by its owner.", code="account_deleted")
    if user.banned_at is not None or not user.is_active:
        reason = user.ban_reason or "no reason was given"
        raise TokenRefused(f"This account is banned: {reason}", code="account_banned")


def _speaks_for(user: User, namespace: Namespace) -> bool:
    own = namespace.user_id == user.pk
    return own or Membership.objects.filter(user=user, namespace=namespace).exists()

"""Command lines that sign in: asked for there, answered on a page, fetched once, ended.

`DeviceLogin` and `DeviceSession` are written here only. Nothing that opens anything is stored:
the state of a login and the secret of a session as hashes, and the exchange code not at all, for
it follows from the state and the site's key.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import audit
from accounts.models import (
    DEVICE_ID_LENGTH,
    DeviceLogin,
    DeviceSession,
    LoginStatus,
    Namespace,
    Scope,
    User,
)
from accounts.organisations import find_namespace_of
from accounts.services import LAST_USED_STEP, TokenRefused, lock_people, refuse_banned
from accounts.tokens import TokenText, is_secret_of, new_code, new_token, parse_token
from config.errors import DomainError
from config.text import clean_line

SESSION_PREFIX: Final = "sks_"
# What a session opens: never skills, never the desk.
SESSION_SCOPES: Final = frozenset(
    {Scope.TRACES_READ.value, Scope.TRACES_WRITE.value, Scope.NAMESPACE_READ.value}
)
LOGIN_SPAN: Final = timedelta(minutes=15)
SESSION_SPAN: Final = timedelta(days=90)  # after its last use
SESSIONS_PER_USER: Final = 100


class LoginRefused(DomainError):
    """A login that cannot be answered or fetched; the code says why."""

    code = "login_not_found"


class TooManySessions(DomainError):
    code = "too_many_sessions"


class DeviceRefused(DomainError):
    code = "device_invalid"


# --- Logins -------------------------------------------------------------------------------------


def start_login(*, device_id: str) -> tuple[DeviceLogin, str]:
    """Begin a login; returns its state, which only the command line may know.

    Nobody has acted yet, so there is no audit row. Raises `DeviceRefused`.
    """
    told = clean_line(device_id, DEVICE_ID_LENGTH)
    if not told:
        raise DeviceRefused("Say which device asks, as deviceId.", field="deviceId")
    state = new_code()
    login = DeviceLogin.objects.create(
        state_sha256=fingerprint(state),
        device_id=told,
        expires_at=timezone.now() + LOGIN_SPAN,
    )
    return login, state


def fingerprint(state: str) -> str:
    """Return what is kept of a state, and what the address of its page says."""
    return hashlib.sha256(state.encode()).hexdigest()


def exchange_code(state: str) -> str:
    """Return the code that fetches the session of an approved login, the same every time."""
    return salted_hmac("accounts.sessions.exchange", state, algorithm="sha256").hexdigest()


def find_login(state: str) -> DeviceLogin | None:
    """Return the login that a command line asks about; None for one nobody began here."""
    login: DeviceLogin | None = DeviceLogin.objects.filter(state_sha256=fingerprint(state)).first()
    return login


@transaction.atomic
def answer_login(*, login: DeviceLogin, user: User, approve: bool) -> DeviceLogin:
    """Let a command line act as `user`, or not. The first answer counts, and only in its time.

    Saying the same again is no mistake. Raises `LoginRefused`.
    """
    # Under the person's lock, as whoever ends all of theirs: this answer comes before or after.
    lock_people(user)
    locked: DeviceLogin = DeviceLogin.objects.select_for_update().get(pk=login.pk)
    status = LoginStatus.APPROVED if approve else LoginStatus.DENIED
    if locked.status != LoginStatus.PENDING:
        if (locked.status, locked.user_id) == (status, user.pk):
            return locked
        raise LoginRefused("This login has been answered already.", code="login_used")
    if locked.state == "expired":
        raise _expired()
    locked.status, locked.user = status, user
    locked.save(update_fields=["status", "user"])
    verb = "login.approve" if approve else "login.deny"
    audit.record(actor=user, verb=verb, thing=locked, label=locked.device_id)
    return locked


@transaction.atomic
def complete_login(*, state: str, code: str) -> tuple[DeviceSession, TokenText]:
    """Fetch the session of an approved login, once; the text is the only time it can be seen.

    Raises `LoginRefused`, `TokenRefused` (the account is banned), `TooManySessions`.
    """
    found = find_login(state)
    if found is None:
        raise _expired(code="login_not_found")
    if not secrets.compare_digest(code.encode(), exchange_code(state).encode()):
        raise LoginRefused("This exchange code is not that of the login.", code="code_invalid")
    _refuse_unapproved(found)
    assert found.user is not None  # noqa: S101  (who approved it)
    # Under the person's lock, so that two at once cannot pass the limit, and a ban is seen.
    (user,) = lock_people(found.user)
    refuse_banned(user)
    # Read again under the lock: it may have been fetched, or ended, or cleared away meanwhile.
    login = DeviceLogin.objects.select_for_update().filter(pk=found.pk).first()
    if login is None:
        raise _expired()
    _refuse_unapproved(login)
    if user.device_sessions.usable().count() >= SESSIONS_PER_USER:
        raise TooManySessions("End a session under “My command lines” first: there are too many.")
    login.status = LoginStatus.USED
    login.save(update_fields=["status"])
    text = new_token(SESSION_PREFIX.removesuffix("_"))
    session = DeviceSession.objects.create(
        user=user,
        device_id=login.device_id,
        lookup_id=text.lookup_id,
        secret_sha256=text.secret_sha256,
        expires_at=timezone.now() + SESSION_SPAN,
    )
    session.active_role = None
    audit.record(actor=user, verb="session.create", thing=session)
    return session, text


def _refuse_unapproved(login: DeviceLogin) -> None:
    match login.state:
        case LoginStatus.APPROVED:
            return
        case LoginStatus.PENDING:
            raise LoginRefused("Approve the login in the browser first.", code="login_pending")
        case LoginStatus.DENIED:
            raise LoginRefused("The login was denied in the browser.", code="login_denied")
        case LoginStatus.USED:
            raise LoginRefused("This login was used; run the login again.", code="login_used")
        case _:
            raise _expired()


def _expired(code: str = "login_expired") -> LoginRefused:
    return LoginRefused("This login has expired; run the login again.", code=code)


# --- Sessions -----------------------------------------------------------------------------------


def authenticate_session(text: str) -> DeviceSession:
    """Return the session (with its person and namespace) that this text opens.

    One query; a second one, at most every ten minutes, keeps "last used" and moves its end.
    Raises `TokenRefused` with a code and sentence of its own for each reason.
    """
    parsed = parse_token(text)
    # An unknown session costs the same query and comparison as a known one.
    lookup_id = parsed.lookup_id if parsed else ""
    sessions = DeviceSession.objects.with_role().select_related(
        "user", "user__namespace", "active_namespace"
    )
    # There is one at most, and to order it would cost more than to read it.
    session: DeviceSession | None = next(iter(sessions.filter(lookup_id=lookup_id)), None)
    is_known = is_secret_of(parsed, None if session is None else bytes(session.secret_sha256))
    if session is None or not is_known:
        raise TokenRefused("This session is not known here; run the login again.")
    if session.revoked_at is not None:
        raise TokenRefused("This session was ended; run the login again.", code="token_revoked")
    if session.expires_at <= timezone.now():
        raise TokenRefused("This session has expired; run the login again.", code="token_expired")
    refuse_banned(session.user)
    if session.last_used_at is None or session.last_used_at < timezone.now() - LAST_USED_STEP:
        # Asked again in the database: of several requests at once one writes.
        DeviceSession.objects.filter(pk=session.pk).unused_for(LAST_USED_STEP).update(
            last_used_at=Now(), expires_at=Now() + SESSION_SPAN
        )
    return session


@transaction.atomic
def switch_session(*, session: DeviceSession, slug: str) -> Namespace:
    """Let a session upload to this namespace of its person from now on.

    Returns it with the person's `role`. Raises `NamespaceNotFound`, `NotMember`.
    """
    namespace = find_namespace_of(session.user, slug)
    chosen = None if namespace.user_id == session.user_id else namespace
    # Under the session's lock, so that the audit row says what was before.
    locked = DeviceSession.objects.select_for_update().get(pk=session.pk)
    if locked.active_namespace_id != (chosen and chosen.pk):
        before = {"namespace": locked.active_namespace_id}
        DeviceSession.objects.filter(pk=session.pk).update(active_namespace=chosen)
        audit.record(
            actor=session.user,
            verb="session.switch",
            thing=session,
            before=before,
            after={"namespace": chosen and chosen.pk},
        )
    return namespace


@transaction.atomic
def end_session(*, session: DeviceSession, actor: User) -> bool:
    """Make a session useless at once; False when it already was."""
    still = DeviceSession.objects.filter(pk=session.pk, revoked_at__isnull=True)
    ended = still.update(revoked_at=Now())
    if ended:
        audit.record(actor=actor, verb="session.end", thing=session)
    return bool(ended)


@transaction.atomic
def end_all_sessions(*, user: User, actor: User | None) -> int:
    """Make all sessions of a person useless; return how many still opened something.

    What was approved and not fetched yet would become one, and is denied. `actor` is None for an
    operator's command.
    """
    lock_people(user)
    _deny_approved(user, actor)
    # Locked in one order, and those that are ended meanwhile are not counted twice.
    rows = user.device_sessions.usable().select_for_update().order_by("pk")
    sessions = list(rows)
    DeviceSession.objects.filter(pk__in=[row.pk for row in sessions]).update(revoked_at=Now())
    audit.record_all(audit.event(actor=actor, verb="session.end", thing=row) for row in sessions)
    return len(sessions)


def _deny_approved(user: User, actor: User | None) -> None:
    """Deny the logins that a person approved and no command line fetched; under their lock."""
    rows = DeviceLogin.objects.select_for_update().approved_by(user).order_by("pk")
    logins = list(rows)
    DeviceLogin.objects.filter(pk__in=[row.pk for row in logins]).update(status=LoginStatus.DENIED)
    audit.record_all(
        audit.event(actor=actor, verb="login.deny", thing=row, label=row.device_id)
        for row in logins
    )


# --- Browsers -----------------------------------------------------------------------------------


@transaction.atomic
def sign_out_everywhere(*, user: User, actor: User | None) -> int:
    """End what a person is signed in with: every browser, and every command line.

    Returns how many command lines; browsers are not counted. Tokens stay. `actor` is None for an
    operator's command.
    """
    lock_people(user)
    User.objects.filter(pk=user.pk).update(session_generation=F("session_generation") + 1)
    audit.record(actor=actor, verb="session.end_everywhere", thing=user)
    return end_all_sessions(user=user, actor=actor)

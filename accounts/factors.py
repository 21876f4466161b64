"""Second factors: an app's codes, passkeys, and the recovery codes that stand in for both.

The rows are django-allauth's (`Authenticator`), written here only. A code counts once: of an app's
codes the moment of the last one is kept and only later ones count, read and written under lock, so
that two requests with one code, in whatever process, cannot both succeed.
"""

from __future__ import annotations

import time
from typing import Any, Final

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.core.internal.cryptokit import compare_user_code, normalize_user_code
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.mfa.utils import decrypt, encrypt
from allauth.mfa.webauthn.internal.auth import WebAuthn
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit
from accounts.models import Role, User
from accounts.services import lock_people
from accounts.sessions import sign_out_everywhere
from config.errors import DomainError
from config.text import clean_line

APP: Final = Authenticator.Type.TOTP
PASSKEY: Final = Authenticator.Type.WEBAUTHN
RECOVERY: Final = Authenticator.Type.RECOVERY_CODES
# What counts as a second factor; recovery codes only stand in for one.
FACTORS: Final = (APP, PASSKEY)

PASSKEYS_PER_USER: Final = 20
NAME_LENGTH: Final = 80
# So long a person who proved who they are need not do it again.
CONFIRMED_SECONDS: Final = 600


class FactorRefused(DomainError):
    """A change of factors that may not be; the code says why."""

    code = "factor_refused"


# --- Reads --------------------------------------------------------------------------------------


def factors_of(user: User) -> list[Authenticator]:
    """Return a person's second factors, the oldest first."""
    return list(Authenticator.objects.filter(user=user, type__in=FACTORS).order_by("pk"))


def has_factor(user: User) -> bool:
    """Say whether signing in as this person takes a second factor."""
    return bool(Authenticator.objects.filter(user=user, type__in=FACTORS).exists())


def codes_left(user: User) -> int:
    """Return how many recovery codes a person has not used."""
    row = Authenticator.objects.filter(user=user, type=RECOVERY).first()
    try:
        return len(RecoveryCodes(row).get_unused_codes()) if row else 0
    except InvalidToken:
        return 0


def needs_factor(user: User) -> bool:
    """Say whether this person is staff of an installation whose staff must have a factor."""
    return settings.STAFF_SECOND_FACTOR and user.role != Role.USER


def lacks_factor(request: HttpRequest, user: User) -> bool:
    """Say whether this session may not be used as staff: the person, or it, used no factor.

    One query, and only for staff who need one.
    """
    return needs_factor(user) and not (_proofs(request, user, "mfa") and has_factor(user))


def is_confirmed(request: HttpRequest, user: User) -> bool:
    """Say whether this session proved within ten minutes who it is; by a factor where one is."""
    return _is_fresh(_proofs(request, user, "mfa" if has_factor(user) else ""))


def seems_confirmed(request: HttpRequest, user: User) -> bool:
    """Say the same for a page that shows a form, without a query: the form is checked when sent."""
    return _is_fresh(_proofs(request, user, ""))


def _is_fresh(proofs: list[dict[str, Any]]) -> bool:
    return any(time.time() - proof["at"] < CONFIRMED_SECONDS for proof in proofs)


def _proofs(request: HttpRequest, user: User, method: str) -> list[dict[str, Any]]:
    records = get_authentication_records(request, user)
    return [proof for proof in records if method in {"", proof["method"]}]


def record_proof(request: HttpRequest, user: User, factor: Authenticator | None = None) -> None:
    """Remember in the session that it just proved who it is: by a factor, or by the password."""
    if factor is None:
        record_authentication(request, user, "password")
    else:
        record_authentication(request, user, "mfa", id=factor.pk, type=factor.type)


# --- Proofs -------------------------------------------------------------------------------------


@transaction.atomic
def use_code(*, user: User, code: str) -> Authenticator | None:
    """Return the factor that a typed code proves, used up; None for a wrong or used one."""
    typed = normalize_user_code(code)
    rows = Authenticator.objects.select_for_update().filter(user=user, type__in=(APP, RECOVERY))
    for row in rows.order_by("pk"):
        if _takes(row, typed):
            if row.type == RECOVERY:
                audit.record(actor=user, verb="factor.recover", thing=user)
            return _used(row)
    return None


def _takes(row: Authenticator, code: str) -> bool:
    """Say whether this code counts, and note in the row that it does no more.

    A secret that was written under a key which is given up takes none.
    """
    try:
        if row.type == RECOVERY:
            codes = RecoveryCodes(row)
            is_right: bool = codes.validate_code(code)
            row.data = codes.instance.data
            return is_right
        step = _step_of(decrypt(row.data["secret"]), code)
    except InvalidToken:
        return False
    if step is None or step <= row.data["step"]:
        return False
    row.data["step"] = step
    return True


@transaction.atomic
def use_passkey(*, user: User, factor: Authenticator) -> Authenticator:
    """Note that a passkey, whose answer was checked, was used."""
    return _used(Authenticator.objects.select_for_update().get(pk=factor.pk, user=user))


def _used(row: Authenticator) -> Authenticator:
    row.last_used_at = timezone.now()
    row.save(update_fields=["data", "last_used_at"])
    return row


def _step_of(secret: str, code: str) -> int | None:
    """Return the moment, in steps of 30 s, that a code of an app belongs to; None for none."""
    step: int
    for step in yield_hotp_counters_from_time():
        if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, step))):
            return step
    return None


# --- Changes ------------------------------------------------------------------------------------


@transaction.atomic
def add_app(*, user: User, secret: str, code: str) -> tuple[Authenticator, list[str]]:
    """Add an app that shows codes, which its first code proves.

    Returns the recovery codes that come with a first factor, else none. Raises `FactorRefused`.
    """
    lock_people(user)
    if Authenticator.objects.filter(user=user, type=APP).exists():
        raise FactorRefused("An app is set up already; remove it first.", code="factor_exists")
    step = _step_of(secret, normalize_user_code(code))
    if step is None:
        raise FactorRefused(
            "This code is not the one your app shows now; mind the clock of your phone.",
            field="code",
            code="code_invalid",
        )
    return _add(user, APP, {"secret": encrypt(secret), "step": step})


@transaction.atomic
def add_passkey(
    *, user: User, name: str, credential: dict[str, Any]
) -> tuple[Authenticator, list[str]]:
    """Add a passkey whose answer was checked; returns as `add_app`. Raises `FactorRefused`."""
    lock_people(user)
    passkeys = Authenticator.objects.filter(user=user, type=PASSKEY)
    if passkeys.count() >= PASSKEYS_PER_USER:
        raise FactorRefused(f"Remove a passkey first: there are {PASSKEYS_PER_USER}.")
    told = clean_line(name, NAME_LENGTH) or "Passkey"
    return _add(user, PASSKEY, {"name": told, "credential": credential})


def _add(user: User, kind: str, data: dict[str, Any]) -> tuple[Authenticator, list[str]]:
    factor = Authenticator.objects.create(user=user, type=kind, data=data)
    audit.record(actor=user, verb="factor.add", thing=user, after={"kind": kind})
    has_codes = Authenticator.objects.filter(user=user, type=RECOVERY).exists()
    return factor, [] if has_codes else _new_codes(user)


@transaction.atomic
def remove_factor(*, factor: Authenticator, user: User) -> bool:
    """Take a person's own factor away; False when it was gone. The last takes the codes along.

    Raises `FactorRefused` for the last one of staff who need one.
    """
    lock_people(user)
    row = Authenticator.objects.filter(pk=factor.pk, user=user, type__in=FACTORS).first()
    if row is None:
        return False
    is_last = len(factors_of(user)) == 1
    if is_last and needs_factor(user):
        raise FactorRefused(
            "Staff need a second factor; add another one before you remove this.",
            code="factor_needed",
        )
    row.delete()
    if is_last:
        Authenticator.objects.filter(user=user).delete()
    audit.record(actor=user, verb="factor.remove", thing=user, before={"kind": row.type})
    return True


@transaction.atomic
def renew_codes(*, user: User) -> list[str]:
    """Make new recovery codes; the old ones open nothing any more. Raises `FactorRefused`."""
    lock_people(user)
    if not has_factor(user):
        raise FactorRefused("Recovery codes stand in for a second factor; set one up first.")
    Authenticator.objects.filter(user=user, type=RECOVERY).delete()
    audit.record(actor=user, verb="factor.codes", thing=user)
    return _new_codes(user)


@transaction.atomic
def drop_factors(*, user: User) -> int:
    """Take all factors of a person away, who lost them, and sign them out; an operator's command.

    Returns how many they were, without the recovery codes.
    """
    lock_people(user)
    kinds = [factor.type for factor in factors_of(user)]
    Authenticator.objects.filter(user=user).delete()
    sign_out_everywhere(user=user, actor=None)
    audit.record(actor=None, verb="factor.drop", thing=user, before={"kinds": kinds})
    return len(kinds)


def _new_codes(user: User) -> list[str]:
    codes: list[str] = RecoveryCodes.activate(user).generate_codes()
    return codes


def name_of(factor: Authenticator) -> str:
    """Return what pages call a factor."""
    return WebAuthn(factor).name if factor.type == PASSKEY else "Authenticator app"

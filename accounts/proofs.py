"""Proving by a second factor who one is: a typed code, or a passkey that answers a challenge.

How many are let through says `accounts/lockout.py`.
"""

from __future__ import annotations

import json
from typing import Any, Final

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth as webauthn
from django import forms
from django.http import HttpRequest, HttpResponse

from accounts.factors import PASSKEY, factors_of, use_code, use_passkey
from accounts.forms import CodeForm, PasskeyForm
from accounts.lockout import count_failure, too_many_proofs
from accounts.models import User
from accounts.views import refuse_unstorable_form

WRONG_CODE: Final = (
    "This code is wrong or was used before. Wait for the next one, or use a recovery code."
)
WRONG_PASSKEY: Final = "This passkey is not one of the account, or it answered too late; try again."


class Proof:
    """What somebody posted to prove that they are `user`: `factor` once it proved it."""

    def __init__(self, request: HttpRequest, user: User) -> None:
        self.request, self.user = request, user
        self.factor: Authenticator | None = None
        self.code_form, self.passkey_form = CodeForm(), PasskeyForm()

    def refusal(self) -> HttpResponse | None:
        """Return the answer to one try too many; None where it may be looked at."""
        refuse_unstorable_form(self.request)
        return too_many_proofs(self.request, self.user)

    def check(self) -> Authenticator | None:
        """Return the factor that was proved; None leaves the reason on the form."""
        form: forms.Form
        if "credential" in self.request.POST:
            form = self.passkey_form = PasskeyForm(self.request.POST)
        else:
            form = self.code_form = CodeForm(self.request.POST)
        if not form.is_valid():
            return None
        if isinstance(form, PasskeyForm):
            self.factor = _answered(self.user, form.cleaned_data["credential"])
            if self.factor is None:
                form.add_error(None, WRONG_PASSKEY)
        else:
            self.factor = use_code(user=self.user, code=form.cleaned_data["code"])
            if self.factor is None:
                form.add_error("code", WRONG_CODE)
        if self.factor is None:
            count_failure(self.request, self.user.handle)
        return self.factor

    def context(self) -> dict[str, Any]:
        """Return what the page of the question shows; it holds a new challenge for passkeys."""
        kinds = {factor.type for factor in factors_of(self.user)}
        options = webauthn.begin_authentication(self.user) if PASSKEY in kinds else None
        return {
            "kinds": kinds,
            "code_form": self.code_form,
            "passkey_form": self.passkey_form,
            "options": options and json.dumps(options),
        }


def _answered(user: User, credential: dict[str, Any]) -> Authenticator | None:
    """Return the passkey that signed the challenge of this session; None for no such thing."""
    try:
        webauthn.parse_authentication_response(credential)
        found = webauthn.complete_authentication(user, credential)
    except Exception:  # noqa: BLE001 - Whatever a stranger's bytes break is no proof.
        return None
    finally:
        webauthn.clear_state()
    return use_passkey(user=user, factor=found)


def read_new_passkey(credential: dict[str, Any]) -> bool:
    """Say whether this is a new passkey that answers the challenge of this session."""
    try:
        webauthn.parse_registration_response(credential)
        webauthn.complete_registration(credential)
    except Exception:  # noqa: BLE001 - Whatever a stranger's bytes break is no passkey.
        return False
    finally:
        webauthn.clear_state()
    return True

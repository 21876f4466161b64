"""What people type about themselves: signing in, and asking for a token."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.password_validation import (
    password_validators_help_texts,
    validate_password,
)
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.factors import NAME_LENGTH
from accounts.models import HANDLE_LENGTH, ApiToken, Role, Scope, User
from accounts.services import ROLE_SCOPES
from config.text import clean_line

PASSWORD_LENGTH: Final = 1_000
CODE_LENGTH: Final = 32
CREDENTIAL_LENGTH: Final = 20_000

# What a token with this scope opens, in the words of the page.
SCOPE_MEANING: Final = {
    Scope.SKILLS_READ: "Search, inspect and install skills, your hidden ones included",
    Scope.SKILLS_WRITE: "Publish versions and change your skills",
    Scope.TRACES_READ: "Read your traces",
    Scope.TRACES_WRITE: "Share and change traces",
    Scope.NAMESPACE_READ: "See your namespace and its members",
    Scope.MODERATE: "Act as a moderator",
    Scope.ADMIN: "Act as an admin",
}
# The choices of the form and the days each stands for; None never expires.
EXPIRY_DAYS: Final = {"30": 30, "90": 90, "365": 365, "never": None}


class PasswordField(forms.CharField):
    """A password, as it was typed: one's own, or with `new` the one it shall be."""

    def __init__(self, label: str, *, new: bool = False) -> None:
        """Take any length that could be one."""
        told = {"autocomplete": "new-password" if new else "current-password"}
        super().__init__(
            label=label,
            max_length=PASSWORD_LENGTH,
            strip=False,
            widget=forms.PasswordInput(attrs=told),
        )


class SignInForm(AuthenticationForm):
    """Handle, in any letter case, and password.

    An unknown name and a wrong password give the same answer; that an account is banned is told
    only to somebody who knows its password.
    """

    username = forms.CharField(
        label="Name",
        max_length=HANDLE_LENGTH,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "username",
                "autocapitalize": "none",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )
    password = PasswordField("Password")

    error_messages = {
        "invalid_login": "Name and password do not match. Mind the letter case of the password.",
        "banned": "This account is banned: %(reason)s",
    }

    def clean_username(self) -> str:
        """Return the handle as it is stored, so that the lock-out counts every spelling as one."""
        handle: str = self.cleaned_data["username"]
        return handle.lower()

    def confirm_login_allowed(self, user: User) -> None:
        """Refuse a banned person, who by now has shown the password."""
        super().confirm_login_allowed(user)
        if user.banned_at is not None:
            reason = user.ban_reason or "no reason was given."
            raise ValidationError(
                self.error_messages["banned"], code="banned", params={"reason": reason}
            )


class HandleForm(forms.Form):
    """The name of a new account."""

    handle = forms.CharField(
        label="Name",
        max_length=HANDLE_LENGTH,
        help_text="Small letters, digits and hyphens. It is part of the address of your skills.",
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )


class CodeForm(forms.Form):
    """A code of an app, or a recovery code; with blanks, as apps show it."""

    code = forms.CharField(
        label="Code",
        max_length=CODE_LENGTH,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "spellcheck": "false",
            }
        ),
    )


class PasswordForm(forms.Form):
    """One's own password, typed again."""

    password = PasswordField("Password")


class NewPasswordForm(forms.Form):
    """What shall be one's password, typed twice: nobody sees it to find a mistake."""

    password = PasswordField("New password", new=True)
    again = PasswordField("New password, again", new=True)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        """Check it for `user`, whose name it must not be like."""
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["password"].help_text = " ".join(password_validators_help_texts())

    def clean_password(self) -> str:
        """Return the password, if no rule of the site is against it."""
        password: str = self.cleaned_data["password"]
        validate_password(password, self.user)
        return password

    def clean(self) -> None:
        """Refuse two that differ."""
        told = [self.data.get(self.add_prefix(name)) for name in ("password", "again")]
        if "again" in self.cleaned_data and told[0] != told[1]:
            self.add_error("again", "This is not what stands above; type both again.")


class CredentialField(forms.CharField):
    """The JSON object that a browser makes of a passkey's answer, of base64 texts and names."""

    widget = forms.HiddenInput
    default_error_messages = {
        "required": "Your browser sent no passkey; try again, with scripts turned on.",
        "invalid": "This passkey cannot be read; try again.",
    }

    def clean(self, value: Any) -> dict[str, Any]:
        """Return the object; nothing in it needs an escape, so none can hide what is unstorable."""
        text = super().clean(value)
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict) or "\\" in text:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return found


class PasskeyForm(forms.Form):
    """What the browser got from a passkey; a script fills it in."""

    credential = CredentialField(max_length=CREDENTIAL_LENGTH)


class NewPasskeyForm(PasskeyForm):
    """A passkey to be added, and what to call it."""

    name = forms.CharField(
        label="Name",
        max_length=NAME_LENGTH,
        required=False,
        help_text="Where it is kept, such as “phone” or “blue key”.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
    )


class TokenForm(forms.Form):
    """A token to be made: what for, what it may do, how long."""

    label = forms.CharField(
        label="Name",
        max_length=ApiToken._meta.get_field("label").max_length,
        help_text="Where you will use it, such as “laptop”.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
    )
    scopes = forms.MultipleChoiceField(
        label="Rights",
        initial=[Scope.SKILLS_READ.value],
        error_messages={"required": "Choose at least one right."},
    )
    expires = forms.ChoiceField(
        label="Expires",
        initial="90",
        choices=[
            ("30", "in 30 days"),
            ("90", "in 90 days"),
            ("365", "in one year"),
            ("never", "never"),
        ],
    )

    def __init__(self, *args: Any, role: str, **kwargs: Any) -> None:
        """Offer the scopes that `role` may hand out."""
        super().__init__(*args, **kwargs)
        allowed = ROLE_SCOPES[Role(role)]
        self.offer([scope for scope in Scope if scope in allowed])

    def offer(self, scopes: list[Scope]) -> None:
        """Let these be chosen, and no others."""
        self.offered = scopes
        field = self.fields["scopes"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101  (declared above)
        field.choices = [(scope.value, scope.value) for scope in self.offered]

    def clean_label(self) -> str:
        """Return the label as one line without hidden characters."""
        label = clean_line(self.cleaned_data["label"], 80)
        if not label:
            raise ValidationError("Give the token a name that can be read.", code="required")
        return label

    def expires_at(self) -> datetime | None:
        """Return the moment the valid form asks for; None for a token that does not expire."""
        days = EXPIRY_DAYS[self.cleaned_data["expires"]]
        return None if days is None else timezone.now() + timedelta(days=days)

    def scope_rows(self) -> list[tuple[str, str, bool]]:
        """Return name, meaning and "is ticked" of each scope on offer."""
        ticked = self["scopes"].value() or []
        return [
            (scope.value, SCOPE_MEANING[scope], scope.value in ticked) for scope in self.offered
        ]

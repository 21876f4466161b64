"""What people type about their namespaces: settings, invites, keys, new organisations."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from accounts.forms import TokenForm
from accounts.models import (
    HANDLE_LENGTH,
    INVITE_MAX_USES,
    MemberRole,
    Role,
    Scope,
    TracePolicy,
    Visibility,
)
from accounts.organisations import NAME_LENGTH
from accounts.sessions import SESSION_SCOPES

# What a namespace's key may be used for: what a session may.
KEY_SCOPES: Final = SESSION_SCOPES
VISIBILITY_MEANING: Final = {
    Visibility.PUBLIC: "On lists and in search, for everybody",
    Visibility.DIRECT: "Who has the link can read it, lists do not show it",
    Visibility.PRIVATE: "Who belongs to this namespace, and nobody else",
}


class OrganisationForm(forms.Form):
    """An organisation to be made."""

    display_name = forms.CharField(
        label="Name",
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "organization", "dir": "auto"}),
    )
    slug = forms.CharField(
        label="Short name",
        max_length=HANDLE_LENGTH,
        required=False,
        help_text="As it stands in addresses, such as “acme”; made from the name if left out.",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )

    def wanted_slug(self) -> str:
        """Return what the handle is made from."""
        slug: str = self.cleaned_data["slug"] or self.cleaned_data["display_name"]
        return slug


class NamespaceForm(forms.Form):
    """What a namespace says of itself, and what its members may share."""

    display_name = forms.CharField(
        label="Name",
        max_length=NAME_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
    )
    trace_visibilities = forms.MultipleChoiceField(
        label="Traces may be",
        choices=Visibility,
        error_messages={"required": "Allow at least one."},
    )
    trace_policy = forms.ChoiceField(
        label="What is not allowed",
        choices=TracePolicy,
        help_text="Traces that are shared already stay as they are.",
    )
    ai_summary_enabled = forms.BooleanField(label="Summaries", required=False)

    def visibility_rows(self) -> list[tuple[str, str, str, bool]]:
        """Return value, label, meaning and "is ticked" of each visibility."""
        ticked = self["trace_visibilities"].value() or []
        return [
            (choice.value, str(choice.label), VISIBILITY_MEANING[choice], choice.value in ticked)
            for choice in Visibility
        ]


class RoleForm(forms.Form):
    """What a member is to be."""

    role = forms.ChoiceField(label="Role", choices=MemberRole)


class InviteForm(forms.Form):
    """An invite to be made."""

    max_uses = forms.IntegerField(
        label="For how many people",
        initial=1,
        min_value=0,
        max_value=INVITE_MAX_USES,
        help_text="0 for as many as like, until it expires after 7 days.",
    )
    email = forms.EmailField(
        label="Whom it is for",
        required=False,
        help_text="A mail address as a note for you. Nothing is sent: pass the link on yourself.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )


class KeyForm(TokenForm):
    """A key of a namespace to be made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer what keys are for, whatever role its maker has on the site."""
        super().__init__(*args, role=Role.USER, **kwargs)
        self.offer([scope for scope in Scope if scope in KEY_SCOPES])
        self.fields["scopes"].initial = [Scope.TRACES_WRITE.value]

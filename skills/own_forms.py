"""What owners type about a skill of theirs: names, tags, whom it goes to, why it goes away."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from accounts.models import HANDLE_LENGTH
from skills.lifecycle import REASON_LENGTH
from skills.models import Skill
from skills.models.skill import SLUG_LENGTH
from skills.services import TAG_LENGTH, VERSION_LENGTH
from skills.transfers import MESSAGE_LENGTH

AS_TYPED: Final = {"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}
# The fields by the names that the services' refusals, which clients read too, call them by.
FIELD_OF: Final = {
    "displayName": "display_name",
    "ownerHandle": "owner",
    "tags": "tag",
    "newSlug": "slug",
    "targetSlug": "target",
    "toUserHandle": "to",
}


class OwnForm(forms.Form):
    """A form about one skill. Several stand on a page: their fields are told apart by `prefix`."""

    def __init__(self, *args: Any, skill: Skill, **told: Any) -> None:
        self.skill = skill
        super().__init__(*args, **told)


class RenameForm(OwnForm):
    """Another slug."""

    slug = forms.CharField(
        label="New slug",
        max_length=SLUG_LENGTH,
        help_text="Small letters, digits and hyphens. The old name leads to the new one.",
        widget=forms.TextInput(attrs=AS_TYPED),
    )


class MergeForm(OwnForm):
    """Another skill to go up in; its own slug is typed, since nothing undoes it."""

    target = forms.CharField(
        label="Merge into",
        max_length=HANDLE_LENGTH + SLUG_LENGTH + 2,
        help_text="The slug of another skill of yours, or @owner/slug.",
        widget=forms.TextInput(attrs=AS_TYPED),
    )
    typed = forms.CharField(
        label="Its own slug, to confirm",
        max_length=SLUG_LENGTH,
        widget=forms.TextInput(attrs=AS_TYPED),
    )

    def clean_typed(self) -> str:
        """Refuse what is not the slug of the skill that would go."""
        typed: str = self.cleaned_data["typed"]
        if typed != self.skill.slug:
            raise forms.ValidationError(f"Type {self.skill.slug} to say that you mean it.")
        return typed


class OfferForm(OwnForm):
    """Whom it is offered to, and what they are told."""

    to = forms.CharField(
        label="New owner",
        max_length=HANDLE_LENGTH + 1,
        help_text="The handle of a person or an organisation.",
        widget=forms.TextInput(attrs=AS_TYPED),
    )
    message = forms.CharField(
        label="Message",
        max_length=MESSAGE_LENGTH,
        required=False,
        help_text="They read it beside the offer.",
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "off"}),
    )


class TagForm(OwnForm):
    """A tag and the version that it is to lead to."""

    tag = forms.CharField(
        label="Tag", max_length=TAG_LENGTH, widget=forms.TextInput(attrs=AS_TYPED)
    )
    version = forms.CharField(
        label="Version", max_length=VERSION_LENGTH, widget=forms.TextInput(attrs=AS_TYPED)
    )


class VersionForm(OwnForm):
    """A version to be withdrawn, or to be brought back."""

    version = forms.CharField(max_length=VERSION_LENGTH, widget=forms.HiddenInput)


class ReasonForm(OwnForm):
    """Why it goes away, for the record."""

    reason = forms.CharField(
        label="Why (optional)",
        max_length=REASON_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "off"}),
    )


class NothingForm(OwnForm):
    """A button."""

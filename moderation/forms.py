"""What staff type at the moderation desk."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from moderation.models import Action, ReasonTemplate
from moderation.services.bans import REASON_LENGTH


class BanForm(forms.Form):
    """Why somebody is banned."""

    reason = forms.CharField(
        label="Reason",
        max_length=REASON_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The person reads it when they try to sign in or use a token.",
        error_messages={"required": "Write why; the person will read it."},
    )


class UnbanForm(forms.Form):
    """Why a ban is lifted."""

    reason = forms.CharField(
        label="Reason",
        max_length=REASON_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="It stays in the history of the account; only staff read it.",
        error_messages={"required": "Write why; it stays in the history."},
    )


TEMPLATE_ACTIONS: Final = (
    Action.CAUTION,
    Action.CHANGES,
    Action.HIDE_VERSION,
    Action.HIDE,
    Action.REMOVE,
)


NEW_REASON: Final = "new"

FIELDS_OF_REASON: Final = (
    "title",
    "attack_class",
    "text",
    "default_action",
    "position",
    "is_active",
)


class ReasonForm(forms.ModelForm):  # type: ignore[type-arg]
    """A reason template as admins edit it."""

    class Meta:
        model = ReasonTemplate
        fields = [*FIELDS_OF_REASON]
        labels = {
            "attack_class": "Class of findings",
            "text": "What the author reads",
            "default_action": "Usual decision",
            "is_active": "Offered to moderators",
        }
        help_texts = {
            "attack_class": "As rules name it, such as “remote-code”. Empty fits any.",
            "text": "{skill} {version} {file} {line} {rule} are filled in, nothing else.",
            "position": "Its place in the list; the first nine have a key.",
        }
        widgets = {"text": forms.Textarea(attrs={"rows": 6, "maxlength": 2000})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer only what a moderator can decide."""
        super().__init__(*args, **kwargs)
        chosen = [(action.value, action.label) for action in TEMPLATE_ACTIONS]
        self.fields["default_action"].widget = forms.Select(choices=chosen)
        self.fields["default_action"].choices = chosen  # type: ignore[attr-defined]


class NewReasonForm(ReasonForm):
    """A reason template that is not there yet; its key stays."""

    class Meta(ReasonForm.Meta):
        fields = ["key", *FIELDS_OF_REASON]
        help_texts = ReasonForm.Meta.help_texts | {
            "key": "Letters, digits and hyphens; the log and addresses name it so. It stays.",
        }
        error_messages = {"key": {"unique": "There is a reason of this key; edit that one."}}

    def clean_key(self) -> str:
        """Refuse the word that the address of this form needs."""
        key: str = self.cleaned_data["key"].lower()
        if key == NEW_REASON:
            raise forms.ValidationError("Choose another key; this one is taken by the page itself.")
        return key

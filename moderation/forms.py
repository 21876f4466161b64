"""What staff type at the moderation desk."""

from __future__ import annotations

from django import forms

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

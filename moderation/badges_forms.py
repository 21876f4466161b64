"""What staff say when they give a badge, or take one."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from config.text import clean_line
from skills.models import Badge

REASON_LENGTH: Final = 300
# `@owner/slug`, each as long as it may be.
REFERENCE_LENGTH: Final = 200


class TakeForm(forms.Form):
    """Why a badge is given or taken."""

    reason = forms.CharField(
        label="Why",
        max_length=REASON_LENGTH,
        help_text="It stays in the audit trail; the skill's page shows the badge alone.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
    )

    def clean_reason(self) -> str:
        """Return the reason as one line without hidden characters."""
        reason = clean_line(self.cleaned_data["reason"], REASON_LENGTH)
        if not reason:
            raise ValidationError("Say why in words that can be read.", code="required")
        return reason


class GiveForm(TakeForm):
    """A badge for a skill."""

    skill = forms.CharField(
        label="Skill",
        max_length=REFERENCE_LENGTH,
        help_text="@owner/name, or the name alone where one owner has it.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    kind = forms.ChoiceField(label="Badge", choices=[("", "Choose one"), *Badge.choices])
    field_order = ["skill", "kind", "reason"]

    def clean_kind(self) -> Badge:
        """Return the badge chosen."""
        kind: Any = self.cleaned_data["kind"]
        return Badge(kind)

"""What admins set on the settings page."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from skills.models import QualityGate
from skills.models.skill import SLUG_LENGTH

MOST_CHARACTERS: Final = 10_000
MOST_DESCRIPTION: Final = 300
MOST_DAYS: Final = 3_650


class ReserveForm(forms.Form):
    """A name to be kept from new skills."""

    slug = forms.CharField(
        label="Slug",
        max_length=SLUG_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    reason = forms.CharField(
        label="Why",
        max_length=300,
        help_text="Moderators read it; authors are told only that the name is reserved.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
    )


def _limit(label: str, most: int, hint: str) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=0, max_value=most, help_text=hint)


class GateForm(forms.Form):
    """The quality gate; 0 asks for nothing."""

    is_enabled = forms.BooleanField(label="Hold new skills that show too little", required=False)
    min_readme_characters = _limit(
        "Readme, characters", MOST_CHARACTERS, "At least so many, without the front matter."
    )
    min_description_characters = _limit(
        "Description, characters", MOST_DESCRIPTION, "At least so many."
    )
    min_account_age_days = _limit("Account, days", MOST_DAYS, "At least so old; 0: any age.")
    trusted_after_days = _limit(
        "Trusted after, days", MOST_DAYS, "Owners of a clean skill so old pass unasked."
    )

    @classmethod
    def of(cls, gate: QualityGate) -> GateForm:
        """Return the form that shows the gate as it is set."""
        said: dict[str, Any] = {name: getattr(gate, name) for name in cls.base_fields}
        return cls(initial=said)

"""What staff ask of the job room."""

from __future__ import annotations

from django import forms

from config.derived import REGISTRY


def field_choices() -> list[tuple[str, str]]:
    """Return every denormalised field and row by its label, in alphabetical order."""
    return [("", "Choose one"), *((label, label) for label in sorted({d.label for d in REGISTRY}))]


class RebuildForm(forms.Form):
    """Which denormalised field to rebuild."""

    field = forms.ChoiceField(
        label="Field",
        choices=field_choices,
        help_text="Every row is computed anew, in batches, while the site goes on.",
        error_messages={
            "required": "Choose the field to rebuild.",
            "invalid_choice": "There is no such denormalised field; choose one of the list.",
        },
    )

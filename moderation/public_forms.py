"""What reporters and authors type: reports and appeals."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from django import forms

from moderation.models import ReportKind
from moderation.services import appeals, reports

PLACE_LENGTH: Final = 520
_PLACE: Final = re.compile(r"(?P<file>.*?)(?::L?(?P<line>[0-9]{1,7}))?")


class ReportForm(forms.Form):
    """A report: what kind, which version, where, and what was found."""

    kind = forms.ChoiceField(
        label="What is wrong with it?",
        choices=ReportKind.choices,
        error_messages={
            "required": "Choose what is wrong with it.",
            "invalid_choice": "Choose what is wrong with it.",
        },
    )
    version = forms.CharField(label="Version", max_length=100, widget=forms.Select)
    place = forms.CharField(
        label="File and line, if you can name them",
        required=False,
        max_length=PLACE_LENGTH,
        help_text="Such as scripts/run.sh:42.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "dir": "auto"}),
    )
    text = forms.CharField(
        label="What did you find?",
        max_length=reports.TEXT_LIMIT,
        help_text=f"At most {reports.TEXT_LIMIT} characters. Moderators read it; the author does"
        " not.",
        error_messages={"required": "Say in a sentence what you found."},
        widget=forms.Textarea(attrs={"rows": 5, "dir": "auto"}),
    )

    def __init__(self, *args: Any, versions: Sequence[str], **kwargs: Any) -> None:
        """Offer these versions, newest first."""
        super().__init__(*args, **kwargs)
        widget = self.fields["version"].widget
        assert isinstance(widget, forms.Select)  # noqa: S101 - Declared above.
        widget.choices = [(version, version) for version in versions]

    def clean_place(self) -> tuple[str, int]:
        """Return the file and the line that `file:line` names; line 0 for none."""
        found = _PLACE.fullmatch(self.cleaned_data["place"].strip())
        return (found["file"].strip(), int(found["line"] or 0)) if found else ("", 0)

    def kind_rows(self) -> list[tuple[str, str, str, bool]]:
        """Return value, label, meaning and "is chosen" of each kind."""
        chosen = self["kind"].value()
        return [
            (kind.value, kind.label, reports.MEANING[kind], kind.value == chosen)
            for kind in ReportKind
        ]


class AppealForm(forms.Form):
    """An appeal: why the decision is wrong."""

    text = forms.CharField(
        label="Why is the decision wrong?",
        max_length=appeals.TEXT_LIMIT,
        help_text=f"At most {appeals.TEXT_LIMIT} characters. Somebody who did not decide reads it.",
        error_messages={"required": "Say why the decision is wrong."},
        widget=forms.Textarea(attrs={"rows": 10, "dir": "auto"}),
    )

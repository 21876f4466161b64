"""What people type about comments: the words, a report, and why staff decided."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError

from config.errors import DomainError
from skills.comments import clean_text
from skills.models import ReportKind
from skills.models.comment import COMMENT_LENGTH, REASON_LENGTH, REPORT_LENGTH


class CommentForm(forms.Form):
    """A comment. A browser counts a line break as one character, so the length is told here."""

    text = forms.CharField(
        label="Your comment",
        strip=False,
        help_text=f"Plain text, at most {COMMENT_LENGTH:,} characters. Everybody can read it.",
        widget=forms.Textarea(attrs={"rows": 4, "maxlength": COMMENT_LENGTH, "dir": "auto"}),
        error_messages={"required": "Write something before you send it."},
    )

    def clean_text(self) -> str:
        """Return the words as they are stored."""
        try:
            return clean_text(self.cleaned_data["text"])
        except DomainError as refusal:
            raise ValidationError(refusal.message, code=refusal.code) from None


class ReportForm(forms.Form):
    """Why a comment should go."""

    kind = forms.ChoiceField(
        label="What is wrong with it?",
        choices=[("", "Choose one"), *ReportKind.choices],
        error_messages={"required": "Choose what is wrong with it."},
    )
    text = forms.CharField(
        label="More, if it helps",
        required=False,
        max_length=REPORT_LENGTH,
        help_text="Only staff read this.",
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
    )


class DecisionForm(forms.Form):
    """What staff decided and why; the numbers say what the page showed that they decided on."""

    reason = forms.CharField(
        label="Reason",
        max_length=REASON_LENGTH,
        help_text="Kept for good. The author of a hidden comment reads it.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
        error_messages={"required": "Say why, in a sentence that the others understand."},
    )
    seen = forms.IntegerField(min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)
    up_to = forms.IntegerField(min_value=0, max_value=2**63 - 1, widget=forms.HiddenInput)

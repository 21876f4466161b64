"""What an author sets on the page of a trace. Each setting is a form of its own."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from django import forms

from accounts.models import Namespace, Visibility
from config.text import clean_line
from traces import redaction
from traces.models import Trace
from traces.models.trace import TITLE_LENGTH
from traces.visibility import LEVELS

SWITCH: Final = (("1", "on"), ("0", "off"))
# Who reads a trace, in the words of the page; {namespace} is whose it is.
MEANING: Final = {
    Visibility.PUBLIC: "Listed and found by search, here and on the web. Everybody reads its title,"
    " its messages and its summary.",
    Visibility.DIRECT: "Whoever has the link reads all of it. It is in no list, and search engines"
    " are told to leave it out.",
    Visibility.PRIVATE: "Only members of {namespace} read it. Everybody else finds nothing, also"
    " with the link.",
}


class SettingsForm(forms.Form):
    """Any settings of a trace: those that were sent, and no other, are changed.

    So of two people who set different things at the same time neither undoes the other.
    """

    own_title = forms.CharField(
        label="Your title",
        required=False,
        max_length=TITLE_LENGTH,
        help_text="Leave it empty for the AI's title, or the client's where there is none.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
    )
    visibility = forms.ChoiceField(
        choices=Visibility.choices,
        required=False,
        error_messages={"invalid_choice": "Choose who may read it."},
    )
    ai_summary_enabled = forms.ChoiceField(choices=SWITCH, required=False)
    exclude_from_ai = forms.ChoiceField(choices=SWITCH, required=False)

    def clean_own_title(self) -> str:
        """Return the title as one line, without secrets, as every other text of a trace is."""
        title, _taken = redaction.redact_text(self.cleaned_data["own_title"], "own title")
        return clean_line(title, TITLE_LENGTH)

    def clean_visibility(self) -> str:
        """Refuse an empty choice, which a form without a ticked one sends."""
        chosen: str = self.cleaned_data["visibility"]
        if "visibility" in self.data and not chosen:
            raise forms.ValidationError("Choose who may read it.")
        return chosen

    def changes(self) -> dict[str, Any]:
        """Return the settings that were sent, as `change_settings` takes them."""
        sent = {name: self.cleaned_data[name] for name in self.fields if name in self.data}
        for name in ("ai_summary_enabled", "exclude_from_ai"):
            if name in sent:
                sent[name] = sent[name] == "1"
        return sent


class TransferForm(forms.Form):
    """Another namespace of the person, that a trace shall go to."""

    namespace = forms.ModelChoiceField(
        label="To",
        queryset=Namespace.objects.none(),
        empty_label=None,
        error_messages={"invalid_choice": "Choose one of your namespaces."},
    )

    def __init__(self, *args: Any, targets: Any, **kwargs: Any) -> None:
        """Offer these namespaces."""
        super().__init__(*args, **kwargs)
        self.fields["namespace"].queryset = targets  # type: ignore[attr-defined]


def level_rows(
    trace: Trace, namespace: Namespace, allowed: Collection[str]
) -> list[dict[str, Any]]:
    """Return what can be chosen as visibility, from the most open to the most private."""
    return [
        {
            "value": level.value,
            "label": level.label,
            "meaning": MEANING[level].format(namespace=namespace),
            "is_chosen": trace.visibility == level,
            "is_allowed": level in allowed,
        }
        for level in LEVELS
    ]

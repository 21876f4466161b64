"""What an author sets on the page of a trace. Each setting is a form of its own."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.utils import timezone

from accounts.models import Namespace, Visibility
from config.text import clean_line
from config.zones import current_zone
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
# When a link ends: never, after so many days, with a day that is named, or when it ends already.
AS_IT_IS, NEVER, ON_A_DAY = "as-it-is", "never", "day"
DAYS: Final = {"1": "In 1 day", "7": "In 7 days", "30": "In 30 days"}
LINK_ENDS: Final = {NEVER: "Never", **DAYS, ON_A_DAY: "With a day"}
# What opens a link again unless another is chosen: for ever is nobody's oversight.
AGAIN: Final = "7"
COLUMNS: Final = ("own_title", "visibility", "ai_summary_enabled", "exclude_from_ai")


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
    link_end = forms.ChoiceField(
        choices=[(AS_IT_IS, ""), *LINK_ENDS.items()],
        required=False,
        error_messages={"invalid_choice": "Choose when the link ends."},
    )
    link_end_day = forms.DateField(
        label="The day",
        required=False,
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Write the day as year, month and day: 2026-12-31."},
    )
    ai_summary_enabled = forms.ChoiceField(choices=SWITCH, required=False)
    exclude_from_ai = forms.ChoiceField(choices=SWITCH, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Say in whose time a day ends: that of whoever names it."""
        super().__init__(*args, **kwargs)
        ends = f"The link ends as that day does in {current_zone()}."
        self.fields["link_end_day"].help_text = ends

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

    def clean_link_end(self) -> str:
        """Refuse an empty choice here, too."""
        chosen: str = self.cleaned_data["link_end"]
        if "link_end" in self.data and not chosen:
            raise forms.ValidationError("Choose when the link ends.")
        return chosen

    def clean(self) -> dict[str, Any]:
        """Ask for the day where one is to be named, and which of two ends was meant."""
        told: dict[str, Any] = self.cleaned_data
        chosen, day = told.get("link_end"), self.data.get("link_end_day", "").strip()
        if chosen == ON_A_DAY and not day:
            self.add_error("link_end_day", "Name the day with which the link ends.")
        elif chosen and chosen != ON_A_DAY and day:
            self.add_error("link_end", "You named a day, too: choose “With a day”, or empty it.")
        return told

    def changes(self) -> dict[str, Any]:
        """Return the settings that were sent, as `change_settings` takes them."""
        sent = {name: self.cleaned_data[name] for name in COLUMNS if name in self.data}
        for name in ("ai_summary_enabled", "exclude_from_ai"):
            if name in sent:
                sent[name] = sent[name] == "1"
        if self.cleaned_data["link_end"] not in {"", AS_IT_IS}:
            sent["link_ends_at"] = self._link_ends_at()
        return sent

    def _link_ends_at(self) -> datetime | None:
        chosen = self.cleaned_data["link_end"]
        if chosen == NEVER:
            return None
        if chosen == ON_A_DAY:
            day, last = self.cleaned_data["link_end_day"], time(23, 59, 59)
            return datetime.combine(day, last, current_zone())
        return timezone.now().replace(microsecond=0) + timedelta(days=int(chosen))


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
            "is_chosen": trace.visibility_now == level,
            "is_allowed": level in allowed,
        }
        for level in LEVELS
    ]


def end_rows(trace: Trace, chosen: str) -> list[dict[str, Any]]:
    """Return what can be chosen as the end of a trace's link; `chosen` is what was sent."""
    offered = dict(LINK_ENDS)
    if trace.link_ends_at is not None and not trace.link_has_ended:
        offered = {AS_IT_IS: "", **offered}
    if chosen not in offered:
        chosen = AGAIN if trace.link_has_ended else next(iter(offered))
    return [
        {"value": value, "label": label, "is_chosen": value == chosen}
        for value, label in offered.items()
    ]

"""What admins fill in about AI summaries. Every change says why."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from django import forms

from accounts.models import Namespace
from accounts.models.person import HANDLE_LENGTH
from traces.due import STEP_MESSAGES
from traces.prices import MICROS
from traces.services import refreshes
from traces.services.budget import Cap
from traces.services.summary_switches import MOST, REASON_LENGTH

SWITCH: Final = (("1", "on"), ("0", "off"))
ONE_NAMESPACE: Final = "namespace"
SCOPES: Final = (
    (refreshes.STALE, f"Stale: without a summary, or at least {STEP_MESSAGES} messages behind"),
    (refreshes.ALL, "All with anything new, and those of another model or prompt"),
    (ONE_NAMESPACE, "One namespace: the same, among its traces"),
)


class ReasonForm(forms.Form):
    """Why something is changed."""

    reason = forms.CharField(
        label="Why",
        max_length=REASON_LENGTH,
        help_text="Kept with your name; other admins read it.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
        error_messages={"required": "Say why; other admins read it."},
    )


class SwitchForm(ReasonForm):
    """On or off, and why."""

    on = forms.ChoiceField(
        choices=SWITCH, error_messages={"required": "On or off?", "invalid_choice": "On or off?"}
    )

    @property
    def is_on(self) -> bool:
        """Return what was chosen, of a valid form."""
        return bool(self.cleaned_data["on"] == "1")


class CapForm(ReasonForm):
    """What a day may cost: tokens and dollars. Of a namespace, empty is no cap of its own."""

    tokens = forms.IntegerField(label="Tokens a day", min_value=0, max_value=MOST, required=False)
    dollars = forms.DecimalField(
        label="US dollars a day",
        min_value=0,
        max_value=MOST // MICROS,
        decimal_places=6,
        required=False,
    )
    field_order = ("tokens", "dollars", "reason")

    @classmethod
    def of(cls, cap: Cap, **told: Any) -> CapForm:
        """Return the form that shows a cap as it is set."""
        dollars = None if cap.micros is None else f"{Decimal(cap.micros) / MICROS:f}"
        return cls(initial={"tokens": cap.tokens, "dollars": dollars}, **told)

    @property
    def cap(self) -> Cap:
        """Return what was typed, of a valid form."""
        dollars = self.cleaned_data["dollars"]
        micros = None if dollars is None else int(dollars * MICROS)
        return Cap(self.cleaned_data["tokens"], micros)


class ScopeForm(forms.Form):
    """Which traces a refresh is about."""

    scope = forms.ChoiceField(
        label="Which",
        choices=SCOPES,
        error_messages={"invalid_choice": "Choose one of the three."},
    )
    handle = forms.CharField(
        label="Its handle",
        required=False,
        max_length=HANDLE_LENGTH + 1,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )

    @classmethod
    def of(cls, scope: str) -> ScopeForm:
        """Return the form in which a scope, as `refreshes` knows it, is chosen."""
        if scope.startswith(refreshes.OF_NAMESPACE):
            handle = scope.removeprefix(refreshes.OF_NAMESPACE)
            return cls(initial={"scope": ONE_NAMESPACE, "handle": handle})
        return cls(initial={"scope": scope})

    def clean(self) -> dict[str, Any]:
        """Add `wanted`, the scope as `refreshes` knows it."""
        told = self.cleaned_data
        scope = told.get("scope", "")
        if scope == ONE_NAMESPACE and "handle" in told:
            handle = told["handle"].removeprefix(refreshes.OF_NAMESPACE)
            if not Namespace.objects.filter(handle=handle).exists():
                self.add_error("handle", "There is no namespace of this handle.")
            scope = f"{refreshes.OF_NAMESPACE}{handle}"
        return told | {"wanted": scope}


class StartForm(forms.Form):
    """A limit for a refresh."""

    scope = forms.CharField(max_length=HANDLE_LENGTH + 1, widget=forms.HiddenInput)
    max_tokens = forms.IntegerField(
        label="At most so many tokens",
        required=False,
        min_value=1,
        max_value=refreshes.MOST_TOKENS,
        help_text="It ends once its attempts have used them. Empty: no limit but the budget.",
    )

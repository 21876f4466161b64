"""What somebody types who publishes on the page: which file, and what is said of the version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django import forms

from accounts.models import Namespace
from skills.models.skill import SLUG_LENGTH
from skills.own_forms import AS_TYPED
from skills.services import CHANGELOG_LENGTH, NAME_LENGTH, TAG_LENGTH, VERSION_LENGTH
from skills.slugs import CATEGORY_LABELS, MAX_CATEGORIES, MAX_TOPIC_CHARACTERS, MAX_TOPICS
from skills.standing import LATEST

# A thousand files, each with a long path, its ticket and its hash.
MAX_CLAIMS: Final = 1_500_000


class DetailsForm(forms.Form):
    """What is said of a version beside its files, which `claims` names as the API does."""

    owner = forms.ChoiceField(label="Owner")
    slug = forms.CharField(
        label="Slug",
        max_length=SLUG_LENGTH,
        help_text="The name in addresses and commands: small letters, digits and hyphens.",
        widget=forms.TextInput(attrs=AS_TYPED),
    )
    display_name = forms.CharField(
        label="Name",
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "off"}),
    )
    version = forms.CharField(
        label="Version",
        max_length=VERSION_LENGTH,
        help_text="A number like 1.4.0 that the skill has not had yet.",
        widget=forms.TextInput(attrs=AS_TYPED),
    )
    changelog = forms.CharField(
        label="What changed",
        max_length=CHANGELOG_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
    )
    categories = forms.MultipleChoiceField(
        label=f"Categories, at most {MAX_CATEGORIES}",
        choices=list(CATEGORY_LABELS.items()),
        required=False,
        widget=forms.SelectMultiple(attrs={"size": 5}),
    )
    topics = forms.CharField(
        label=f"Topics, at most {MAX_TOPICS}",
        max_length=MAX_TOPICS * (MAX_TOPIC_CHARACTERS + 2),
        required=False,
        help_text="Words people look for, with commas between them.",
        widget=forms.TextInput(attrs=AS_TYPED),
    )
    tag = forms.CharField(
        label="Tag",
        max_length=TAG_LENGTH,
        initial=LATEST,
        help_text="“latest” is what an install takes; another one, such as “beta”, is asked for.",
        widget=forms.TextInput(attrs=AS_TYPED),
    )
    accepted = forms.BooleanField(
        label="I may give this away, and do so under MIT-0.",
        error_messages={"required": "Everything published here is free for all under MIT-0."},
    )
    claims = forms.CharField(max_length=MAX_CLAIMS, widget=forms.HiddenInput, strip=False)

    def __init__(self, *args: Any, owners: Sequence[Namespace], **told: Any) -> None:
        """Offer the namespaces that the person publishes for."""
        super().__init__(*args, **told)
        field = self.fields["owner"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  (declared above)
        field.choices = [(owner.handle, f"@{owner.handle}") for owner in owners]

    def visible(self) -> list[Any]:
        """Return the fields that stand below each other; the agreement has a place of its own."""
        return [field for field in self.visible_fields() if field.name != "accepted"]

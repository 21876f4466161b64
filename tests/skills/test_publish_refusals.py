"""What an author says wrong about a version is refused with a field, and leaves no trace."""

from __future__ import annotations

import pytest

from config.errors import DomainError
from tests.factories import store
from tests.factories.skills import NamespaceFactory, publish_skill
from tests.factories.store import assert_nothing_left, stored

pytestmark = pytest.mark.django_db

REFUSED = [
    ({"version": "1"}, "version"),
    ({"version": "v1.0.0"}, "version"),
    ({"version": "1.0.0\n"}, "version"),
    ({"version": "1.0.0\0"}, "version"),
    ({"version": "\ud800"}, "version"),
    ({"version": "1.0.0-" + "a" * 100}, "version"),
    ({"display_name": " \u200b\u202e "}, "displayName"),
    ({"display_name": "\0"}, "displayName"),
    ({"changelog": "\0"}, "changelog"),
    ({"changelog": "half of a \ud83d"}, "changelog"),
    ({"tags": ["$latest"]}, "tags"),
    ({"tags": ["é"]}, "tags"),
    ({"tags": ["a\0b"]}, "tags"),
    ({"tags": ["x" * 65]}, "tags"),
    ({"tags": [f"t{n}" for n in range(21)]}, "tags"),
    ({"categories": ["nothing"]}, "categories"),
    ({"categories": ["\0"]}, "categories"),
    ({"topics": ["\ud800"]}, "topics"),
    ({"topics": [f"t{n}" for n in range(6)]}, "topics"),
    ({"slug": "../x"}, "slug"),
    ({"slug": "\0"}, "slug"),
]


@pytest.mark.parametrize(("said", "field"), REFUSED)
def test_it_is_refused_by_its_field_and_leaves_nothing(said, field):
    store.empty()
    namespace = NamespaceFactory()
    said = {"slug": "pdf-tools", "display_name": "PDF tools"} | said

    with pytest.raises(DomainError) as refusal:
        publish_skill(namespace=namespace, files={"SKILL.md": "# One\n"}, **said)

    assert refusal.value.field == field
    assert stored() == set()
    assert_nothing_left()


@pytest.mark.parametrize("said", [{"summary": "a\0b\ud800c"}, {"license": "MIT\0\ud800"}])
def test_a_line_is_cleaned_and_not_refused(said):
    version = publish_skill(namespace=NamespaceFactory(), **said).version

    assert version.skill.summary in ("abc", "Does one thing well.")
    assert version.license in ("MIT", "MIT-0")

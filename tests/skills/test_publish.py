"""`publish_version`: the one door of every version."""

from __future__ import annotations

import pytest

from skills.blobs import open_blob
from skills.models import Blob, Skill, SkillListing, SkillVersion
from skills.services import VersionExists

pytestmark = pytest.mark.django_db


def test_a_published_skill_stands_with_its_files_and_card(publish):
    published = publish(files={"SKILL.md": "# Hi\n", "docs/Notes.md": "n\n", "empty.txt": ""})

    assert published.created
    skill = Skill.objects.get(slug="pdf-tools")
    assert skill.owner_handle == "alice"
    assert skill.tags == {"latest": "1.0.0"}
    assert skill.badges == {}
    assert skill.version_count == 1
    assert skill.latest_version_summary["version"] == "1.0.0"
    assert sorted(published.version.files.values_list("path", flat=True)) == [
        "SKILL.md",
        "docs/Notes.md",
        "empty.txt",
    ]
    assert SkillListing.objects.get(skill=skill, facet="").display_name == "Pdf Tools"


def test_equal_content_is_kept_once(publish):
    publish("one", {"SKILL.md": "# Same\n", "a.txt": "shared\n"})
    publish("two", {"SKILL.md": "# Same\n", "b.txt": "shared\n"})

    # Two contents and two archives.
    assert Blob.objects.count() == 4


def test_the_same_version_with_the_same_files_is_success_and_writes_nothing(publish):
    first = publish()
    before = list(Skill.objects.values())

    again = publish()

    assert not again.created
    assert again.version.pk == first.version.pk
    assert list(Skill.objects.values()) == before
    assert SkillVersion.objects.count() == 1


def test_the_same_version_with_other_files_is_refused_and_leaves_no_row(publish):
    publish()

    with pytest.raises(VersionExists):
        publish(files={"SKILL.md": "# Other\n"})

    assert SkillVersion.objects.count() == 1


def test_content_reads_back(publish):
    published = publish(files={"SKILL.md": "# Hi\n", "data.bin": b"\x00\x01"})

    blob = published.version.files.get(path="data.bin").blob_id
    with open_blob(blob) as content:
        assert content.read() == b"\x00\x01"

"""The archive of real skills, imported once for all tests of this file."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent, Namespace
from skills import frontmatter
from skills.blobs import open_blob
from skills.models import Skill, SkillFile, SkillListing, SkillVersion
from tests.factories.bulk import rolled_back
from tests.factories.skills import import_folder

pytestmark = pytest.mark.slow

REAL = 426
WRITES = ("INSERT", "UPDATE", "DELETE", "WITH")


@pytest.fixture(scope="module")
def imported(django_db_setup, django_db_blocker, archive_dir):
    """What the command says when it imports the real archive."""
    with rolled_back(django_db_blocker):
        yield import_folder(archive_dir)


def test_every_real_skill_is_imported_and_listed(imported, db):
    assert imported.startswith(f"{REAL} imported, 0 unchanged, 0 skipped")
    assert Skill.objects.public().count() == SkillVersion.objects.count() == REAL
    assert SkillListing.objects.filter(facet="").count() == REAL
    assert AuditEvent.objects.filter(verb="skill.publish").count() == REAL


def test_owners_become_namespaces_that_nobody_has_claimed(imported, db):
    owners = Namespace.objects.all()

    assert set(Skill.objects.values_list("owner_handle", flat=True)) == {o.handle for o in owners}
    assert not [owner for owner in owners if owner.is_claimed]


def test_slug_name_version_and_time_are_those_of_the_records(imported, db, archive_dir):
    for path in sorted(archive_dir.rglob("_meta.json"))[::20]:
        meta = json.loads(path.read_text())

        skill = Skill.objects.get(slug=meta["slug"], owner_handle=meta["owner"].lower())

        assert skill.latest_version_summary["version"] == meta["latest"]["version"]
        assert skill.latest_version_summary["createdAt"] == meta["latest"]["publishedAt"]
        assert skill.created_at == skill.updated_at


def test_the_files_are_those_of_the_folder_without_the_record(imported, db, archive_dir):
    for path in sorted(archive_dir.rglob("_meta.json"))[::40]:
        meta = json.loads(path.read_text())
        rows = SkillFile.objects.filter(
            version__skill__slug=meta["slug"],
            version__skill__owner_handle=meta["owner"].lower(),
        )

        found = {}
        for row in rows:
            with open_blob(row.blob_id) as content:
                found[row.path] = content.read()

        on_disk = {
            str(file.relative_to(path.parent)): file.read_bytes()
            for file in path.parent.rglob("*")
            if file.is_file() and file.name != "_meta.json"
        }
        assert found == on_disk


def test_front_matter_that_is_missing_or_does_not_parse_is_a_warning_of_the_version(imported, db):
    told = [
        text for texts in SkillVersion.objects.values_list("warnings", flat=True) for text in texts
    ]
    # A block that is opened and never closed is none.
    without_any = (frontmatter.MISSING, frontmatter.NOT_CLOSED)

    assert len([text for text in told if text.startswith(without_any)]) == 31
    assert len([text for text in told if text.startswith(frontmatter.NOT_PARSED)]) == 12


def test_a_second_run_changes_nothing(imported, db, archive_dir):
    with CaptureQueriesContext(connection) as queries:
        told = import_folder(archive_dir)

    assert told.startswith(f"0 imported, {REAL} unchanged, 0 skipped")
    assert not [q["sql"] for q in queries if q["sql"].startswith(WRITES)]

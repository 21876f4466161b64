"""What lies in the store of files, and whether a skill's part of it is whole."""

from __future__ import annotations

import hashlib
import os
import shutil
from datetime import timedelta
from pathlib import Path

from django.core.files.storage import default_storage
from django.utils import timezone

from accounts.models import AuditEvent
from skills import blobs
from skills.models import (
    Blob,
    Skill,
    SkillFile,
    SkillListing,
    SkillTag,
    SkillVersion,
    VersionFingerprint,
)

FILES: dict[str, str | bytes] = {
    "SKILL.md": "# Shared\n",
    "a.txt": "a\n",
    "docs/b.bin": b"\x00\xff",
}
TOMORROW = timedelta(days=1)
LONG_AGO = timedelta(days=3)


def empty() -> None:
    shutil.rmtree(default_storage.location, ignore_errors=True)


def stored() -> set[str]:
    """The names of all files in the store, unfinished ones too."""
    return {path.name for path in Path(default_storage.location).rglob("*") if path.is_file()}


def age(*sha256s: str) -> None:
    """Make rows and objects look untouched for days."""
    past = timezone.now() - LONG_AGO
    Blob.objects.filter(pk__in=sha256s).update(touched_at=past)
    for path in Path(default_storage.location).rglob("*"):
        if path.name in sha256s:
            os.utime(path, (past.timestamp(), past.timestamp()))


def assert_whole(skill: Skill) -> None:
    """Every file of every version, and its archive, can be read and is what its hash says."""
    rows = SkillFile.objects.filter(version__skill=skill).values_list("blob", flat=True)
    archives = SkillVersion.objects.filter(skill=skill).values_list("archive", flat=True)
    assert rows
    for sha256 in [*rows, *archives]:
        with blobs.open_blob(sha256) as content:
            assert hashlib.file_digest(content, "sha256").hexdigest() == sha256


def assert_nothing_left() -> None:
    """No row of a version, and no content that the sweep does not take."""
    for model in (Skill, SkillVersion, SkillFile, SkillTag, VersionFingerprint, SkillListing):
        assert not model.objects.exists(), model
    assert not AuditEvent.objects.filter(verb="skill.publish").exists()
    blobs.sweep(timezone.now() + TOMORROW)
    assert stored() == set()
    assert not Blob.objects.exists()

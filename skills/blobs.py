"""Content by its hash: written once, found by its SHA-256, swept when nothing refers to it.

Why no kill and no race loses a byte: a stored object that exists is complete (the storage renames,
S3 puts whole objects). A writer first touches the row, then stores what is missing, both before
its transaction ends; the sweep deletes row and object in one transaction and leaves alone what was
touched within a day. Whoever comes second waits on the row and then sees the truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import BinaryIO, Final, cast

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from skills.bundle import BundleFile
from skills.models import Blob, SkillFile, SkillVersion

GRACE: Final = timedelta(days=1)


def storage_name(sha256: str) -> str:
    """Return where content lies in the storage."""
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def open_blob(sha256: str) -> BinaryIO:
    """Open content for reading; the caller closes it. Raises FileNotFoundError when it is gone."""
    return cast("BinaryIO", default_storage.open(storage_name(sha256), "rb").file)


def read_text(sha256: str) -> str | None:
    """Return stored content as text; None for what is not UTF-8 or holds a NUL."""
    with open_blob(sha256) as content:
        raw = content.read()
    if b"\0" in raw:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


@transaction.atomic
def store(files: Iterable[BundleFile]) -> None:
    """Keep the content of these files; equal content is kept once. One statement."""
    distinct = {file.sha256: file for file in files}
    now = timezone.now()
    # In hash order, so that two writers that share content wait for each other in one direction.
    Blob.objects.bulk_create(
        [
            Blob(sha256=sha256, size_bytes=distinct[sha256].size_bytes, touched_at=now)
            for sha256 in sorted(distinct)
        ],
        update_conflicts=True,
        unique_fields=["sha256"],
        update_fields=["touched_at"],
    )
    for sha256, file in distinct.items():
        name = storage_name(sha256)
        if not default_storage.exists(name):
            with file.open() as content:
                default_storage.save(name, File(content))


def sweep(before: datetime | None = None) -> int:
    """Delete content that nothing refers to and nobody touched since `before` (a day ago).

    Returns how many objects went. Safe beside writers and to run twice.
    """
    before = before or timezone.now() - GRACE
    idle = _unreferenced().filter(touched_at__lt=before).order_by("touched_at")
    swept = sum(_sweep_one(sha256, before) for sha256 in list(idle.values_list("pk", flat=True)))
    return swept + _sweep_strays(before)


def _unreferenced() -> QuerySet[Blob]:
    files = SkillFile.objects.filter(blob=OuterRef("pk"))
    archives = SkillVersion.objects.filter(archive=OuterRef("pk"))
    return Blob.objects.filter(~Exists(files), ~Exists(archives))


def _sweep_one(sha256: str, before: datetime) -> int:
    with transaction.atomic():
        # Asked again under the lock: since the list was made somebody may have used it, or have
        # touched it and be about to.
        idle = _unreferenced().filter(pk=sha256, touched_at__lt=before)
        row = idle.select_for_update(skip_locked=True).first()
        if row is None:
            return 0
        row.delete()
        default_storage.delete(storage_name(sha256))
    return 1


def _sweep_strays(before: datetime) -> int:
    """Delete objects without a row: left by a writer killed before its transaction ended."""
    gone = 0
    for name in list(_stored_names()):
        try:
            if default_storage.get_modified_time(name) >= before:
                continue
        except FileNotFoundError:
            # A writer has just given it its name, or another sweep was faster.
            continue
        gone += _sweep_stray(name)
    return gone


def _sweep_stray(name: str) -> int:
    sha256 = name.rsplit("/", 1)[-1]
    if sha256.startswith("."):
        default_storage.delete(name)
        return 1
    with transaction.atomic():
        # Our own row makes a writer of the same content wait until the object is gone.
        _row, made = Blob.objects.get_or_create(sha256=sha256, defaults={"size_bytes": 0})
        # Another sweep may have taken it since it was listed.
        is_stray = made and default_storage.exists(name)
        if made:
            default_storage.delete(name)
            Blob.objects.filter(pk=sha256).delete()
    return int(is_stray)


def _stored_names() -> Iterator[str]:
    for first in default_storage.listdir("")[0] if default_storage.exists("") else []:
        for second in default_storage.listdir(first)[0]:
            for name in default_storage.listdir(f"{first}/{second}")[1]:
                yield f"{first}/{second}/{name}"

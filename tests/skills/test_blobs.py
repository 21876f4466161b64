"""Content by its hash: the sweep takes what nobody uses, and no race loses a byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from config.storage import AtomicFileSystemStorage
from skills import blobs
from skills.models import Blob
from tests.config.rivals import at_once, meet
from tests.factories import store
from tests.factories.skills import NamespaceFactory, bundle_of, publish_skill
from tests.factories.store import FILES, TOMORROW, age, assert_nothing_left, assert_whole, stored

pytestmark = pytest.mark.django_db
COMMITTED = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _empty_store():
    store.empty()


@pytest.fixture
def namespace():
    return NamespaceFactory()


def test_the_sweep_takes_untouched_orphans_and_nothing_else(namespace):
    used = publish_skill(namespace=namespace, files=FILES)
    blobs.store(bundle_of({"SKILL.md": "# Old orphan\n"}).files)
    blobs.store(bundle_of({"SKILL.md": "# Fresh orphan\n"}).files)
    old, fresh = (
        bundle_of({"SKILL.md": f"# {w} orphan\n"}).files[0].sha256 for w in ("Old", "Fresh")
    )
    age(*stored() - {fresh})

    assert blobs.sweep() == 1

    assert old not in stored()
    assert fresh in stored()
    assert_whole(used.skill)
    assert not Blob.objects.filter(pk=old).exists()
    assert blobs.sweep() == 0


def test_the_sweep_takes_the_content_of_a_deleted_skill(namespace):
    publish_skill(namespace=namespace, files=FILES).skill.delete()
    assert Blob.objects.count() == len(FILES) + 1

    assert blobs.sweep(timezone.now() + TOMORROW) == len(FILES) + 1

    assert stored() == set()
    assert not Blob.objects.exists()


def test_the_sweep_takes_strays_and_unfinished_files_when_they_are_old(namespace):
    stray = bundle_of({"SKILL.md": "# Stray\n"}).files[0].sha256
    folder = Path(default_storage.path(blobs.storage_name(stray))).parent
    folder.mkdir(parents=True)
    (folder / stray).write_bytes(b"# Stray\n")
    (folder / ".unfinished-x").write_bytes(b"#")

    assert blobs.sweep() == 0
    age(stray, ".unfinished-x")
    assert blobs.sweep() == 2

    assert stored() == set()


def test_a_stray_that_another_sweep_was_faster_to_take_is_not_counted(monkeypatch):
    [stray] = bundle_of({"SKILL.md": "# Stray\n"}).files
    blobs.store([stray])
    age(stray.sha256)
    Blob.objects.all().delete()
    look = default_storage.get_modified_time

    def look_and_lose(name):
        found = look(name)
        default_storage.delete(name)
        return found

    monkeypatch.setattr(default_storage, "get_modified_time", look_and_lose)

    assert blobs.sweep() == 0


def test_the_sweep_of_an_empty_store_is_no_error():
    assert blobs.sweep() == 0


def test_a_file_that_gets_its_name_during_the_sweep_does_not_stop_it(monkeypatch):
    monkeypatch.setattr(blobs, "_stored_names", lambda: iter(["aa/bb/.unfinished-gone"]))

    assert blobs.sweep() == 0


def test_content_touched_after_the_list_was_made_stays(monkeypatch):
    files = bundle_of({"SKILL.md": "# Wanted again\n"}).files
    blobs.store(files)
    age(files[0].sha256)
    real = blobs._sweep_one

    def touched_first(*arguments):
        blobs.store(files)
        return real(*arguments)

    monkeypatch.setattr(blobs, "_sweep_one", touched_first)

    assert blobs.sweep() == 0
    assert files[0].sha256 in stored()


@COMMITTED
def test_a_writer_that_meets_the_sweep_waits_and_writes_again(namespace):
    files = bundle_of(FILES).files
    blobs.store(files)
    age(*stored())

    swept, published = meet(blobs.sweep, lambda: publish_skill(namespace=namespace, files=FILES))

    assert swept == len(files)
    assert published.created
    assert_whole(published.skill)


@COMMITTED
def test_the_sweep_passes_by_what_a_writer_holds(namespace):
    files = bundle_of(FILES).files
    blobs.store(files)
    age(*stored())

    with transaction.atomic():
        blobs.store(files)
        (swept,) = at_once(blobs.sweep)

    assert swept == 0
    assert stored() == {file.sha256 for file in files}


@COMMITTED
@pytest.mark.parametrize("sweep_first", [True, False])
def test_a_stray_that_becomes_wanted_during_the_sweep_stays_or_comes_back(sweep_first):
    files = bundle_of(FILES).files
    blobs.store(files)
    age(*stored())
    Blob.objects.all().delete()
    jobs = [blobs.sweep, lambda: blobs.store(files)]

    results = meet(*(jobs if sweep_first else reversed(jobs)))

    assert not [error for error in results if isinstance(error, Exception)]
    assert stored() == {file.sha256 for file in files}
    assert Blob.objects.count() == len(files)


@COMMITTED
def test_two_sweeps_at_once_take_each_orphan_once():
    for number in range(20):
        blobs.store(bundle_of({"SKILL.md": f"# {number}\n"}).files)
    age(*stored())

    assert sum(at_once(blobs.sweep, blobs.sweep)) == 20

    assert stored() == set()


def test_a_full_disk_leaves_no_row_and_no_half_file(namespace, monkeypatch):
    def full(self, name, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(AtomicFileSystemStorage, "_save", full)

    with pytest.raises(OSError, match="No space"):
        publish_skill(namespace=namespace, files=FILES)

    assert_nothing_left()

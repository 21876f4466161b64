"""Forty real skills, imported and brought back by each client, byte for byte."""

from __future__ import annotations

import json

import pytest

from skills.management.commands.import_skills import import_skill
from tests.clients import archive

COUNT = 40


@pytest.fixture
def chosen(archive_dir, transactional_db) -> list[archive.Sample]:
    found = archive.choose(archive.samples(archive_dir), COUNT)
    assert len(found) == len(set(found)) == COUNT
    for sample in found:
        assert import_skill(sample.folder)
    return found


@pytest.fixture
def client_version(request) -> str:
    """The version that the test names: one installs, the other one fetches by update."""
    return request.node.get_closest_marker("client").args[0]


@pytest.mark.slow
@pytest.mark.client("0.20.0")
def test_forty_real_skills_are_installed_byte_for_byte(clawhub, chosen):
    assert archive.install_all(clawhub, chosen) == []


@pytest.mark.slow
@pytest.mark.client("0.23.3")
def test_forty_real_skills_of_a_lock_file_are_fetched_byte_for_byte(clawhub, chosen):
    """As after a checkout: the lock file names the skills, `update --all` brings them."""
    lock = clawhub.workdir / ".clawhub" / "lock.json"
    lock.parent.mkdir()
    entries = {sample.slug: {"version": None, "installedAt": 1} for sample in chosen}
    lock.write_text(json.dumps({"version": 1, "skills": entries}))

    ran = clawhub.run("update", "--all")

    assert ran.code == 0, ran.text
    assert archive.compare(clawhub, clawhub.workdir, chosen) == []
    assert archive.ask_for_updates(clawhub, clawhub.workdir, chosen) == []
    kept = json.loads(lock.read_text())["skills"]
    assert {slug: entry["version"] for slug, entry in kept.items()} == {
        sample.slug: sample.version for sample in chosen
    }

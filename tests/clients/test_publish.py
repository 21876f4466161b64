"""Publishing by the real clients, and what their users do with their skills afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from accounts.services import create_token
from skills.models import Skill, SkillVersion
from tests.clients import runner
from tests.factories.publishing import SKILL_MD
from tests.factories.skills import decided_on, hold

FILES: dict[str, bytes] = {
    "SKILL.md": SKILL_MD,
    "LICENSE.txt": b"p\n",
    "a.json": b"{}\n",
    "Z.svg": b"<svg/>\n",
    "docs/Notes.md": b"n\n",
    "more/Notes.md": b"m\n",
    "naïve 文.txt": b"\xc3\xa9\n",
    "empty.txt": b"",
}


@pytest.fixture
def signed_in(clawhub, alice) -> runner.Clawhub:
    clawhub.hold(create_token(user=alice, label="laptop")[1])
    return clawhub


def write(clawhub: runner.Clawhub, files: dict[str, bytes], name: str = "pdf-tools") -> Path:
    """A skill's folder where `sync` looks for it."""
    folder = clawhub.workdir / "skills" / name
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def done(clawhub: runner.Clawhub, *args: str) -> str:
    ran = clawhub.run(*args)
    assert ran.code == 0, ran.text
    return ran.text


def refused(clawhub: runner.Clawhub, *args: str) -> str:
    ran = clawhub.run(*args)
    assert ran.code == 1, ran.text
    assert "<" not in ran.text.replace("<svg", "")
    return ran.text


@pytest.mark.client
def test_a_skill_is_published_again_and_synced(signed_in, alice):
    folder = write(signed_in, FILES)
    publish = ("publish", str(folder), "--changelog", "First.")

    assert "OK. Published pdf-tools@1.0.0" in done(signed_in, *publish, "--version", "1.0.0")
    skill, version = Skill.objects.get(), SkillVersion.objects.get()
    assert skill.owner_handle == "alice"
    assert {file.path for file in version.files.all()} == set(FILES)

    # The answer was lost: the same is sent once more.
    again = done(signed_in, *publish, "--version", "1.0.0")
    assert f"OK. Published pdf-tools@1.0.0 ({version.pk})" in again
    assert SkillVersion.objects.count() == 1

    assert "Nothing to sync" in done(signed_in, "sync", "--all")
    (folder / "a.json").write_bytes(b"[]\n")
    assert "pdf-tools@1.0.1" in done(signed_in, "sync", "--all")
    assert "Nothing to sync" in done(signed_in, "sync", "--all")
    assert SkillVersion.objects.count() == 2


@pytest.mark.client
def test_a_folder_of_three_hundred_files_is_published(signed_in, alice):
    files = FILES | {f"dir{n % 7}/File{n}.md": b"%d\n" % n for n in range(292)}
    folder = write(signed_in, files)

    done(signed_in, "publish", str(folder), "--version", "1.0.0")

    assert SkillVersion.objects.get().file_count == 300
    assert "Nothing to sync" in done(signed_in, "sync", "--all")


@pytest.mark.client
def test_what_is_refused_is_said_in_our_words(signed_in, publish):
    folder = write(signed_in, FILES)
    publish("pdf-tools")

    told = refused(signed_in, "publish", str(folder), "--version", "1.0.0")
    assert "Version 1.0.0 is already published with other files" in told
    told = refused(signed_in, "publish", str(folder), "--version", "1.0.1", "--slug", "admin")
    assert "is reserved; add a word" in told
    signed_in.hold("skb_nonsense")
    told = refused(signed_in, "publish", str(folder), "--version", "1.0.1")
    assert "This token is not known here" in told


@pytest.mark.client
def test_a_skill_is_deleted_restored_renamed_and_merged(signed_in, publish):
    skill = publish("pdf-tools").skill
    publish("paper-tools")

    assert "until" in done(signed_in, "delete", "pdf-tools", "--yes")
    assert "deleted by its owner" in signed_in.run("install", "pdf-tools").text
    done(signed_in, "undelete", "pdf-tools", "--yes")
    done(signed_in, "hide", "pdf-tools", "--yes")
    hold(skill, "hidden")
    assert "Only moderators can bring it back" in refused(signed_in, "unhide", "pdf-tools", "--yes")
    skill.holds.all().delete()
    decided_on(skill.versions.get(), "")
    done(signed_in, "unhide", "pdf-tools", "--yes")

    assert "Renamed pdf-tools to pdf-kit" in done(
        signed_in, "skill", "rename", "pdf-tools", "pdf-kit", "--yes"
    )
    done(signed_in, "install", "pdf-tools")
    assert "Merged pdf-kit into paper-tools" in done(
        signed_in, "skill", "merge", "pdf-kit", "paper-tools", "--yes"
    )
    assert "paper-tools" in done(signed_in, "inspect", "pdf-kit")


@pytest.mark.client
def test_a_skill_goes_from_one_account_to_another(signed_in, publish, charlie, alice):
    publish("pdf-tools")

    done(signed_in, "transfer", "request", "pdf-tools", "@charlie", "--yes")
    assert "pdf-tools" in done(signed_in, "transfer", "list", "--outgoing")
    signed_in.hold(create_token(user=charlie, label="laptop")[1])
    assert "@alice" in done(signed_in, "transfer", "list")
    done(signed_in, "transfer", "accept", "pdf-tools", "--yes")
    assert "No transfer of this skill is pending" in refused(
        signed_in, "transfer", "reject", "pdf-tools", "--yes"
    )
    assert Skill.objects.get().owner_handle == "charlie"


@pytest.mark.client
@pytest.mark.parametrize("client_version", ["0.23.3"])
def test_one_version_is_withdrawn_restored_and_tagged(signed_in, publish):
    publish("pdf-tools")
    publish("pdf-tools", {"SKILL.md": "# Two\n"}, version="1.1.0")

    done(signed_in, "skill", "tag", "pdf-tools", "1.0.0", "--tag", "stable", "--yes")
    done(signed_in, "delete", "@alice/pdf-tools", "--version", "1.1.0", "--yes")
    assert Skill.objects.get().tags == {"latest": "1.0.0", "stable": "1.0.0"}
    done(signed_in, "undelete", "pdf-tools", "--version", "1.1.0", "--yes")
    done(signed_in, "skill", "tag", "@alice/pdf-tools", "1.1.0", "--yes")
    assert Skill.objects.get().tags == {"latest": "1.1.0", "stable": "1.0.0"}


@pytest.mark.client
def test_an_organisation_is_made_and_published_in(signed_in):
    folder = write(signed_in, FILES)

    assert "acme" in done(signed_in, "publisher", "create", "acme", "--display-name", "Acme")
    assert "The name acme is taken" in refused(signed_in, "publisher", "create", "acme")
    done(signed_in, "publish", str(folder), "--version", "1.0.0", "--owner", "acme")

    assert Skill.objects.get().owner_handle == "acme"
    assert "acme" in done(signed_in, "inspect", "@acme/pdf-tools")

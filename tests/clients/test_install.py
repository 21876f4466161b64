"""Installing and updating: the bytes in the folder, and what the client says about them."""

from __future__ import annotations

import json

import pytest

from accounts.services import create_token
from skills.models import SkillAlias
from tests.factories.skills import publish_skill

pytestmark = pytest.mark.client

OLD = {"SKILL.md": "# Old\n", "a.json": "{}\n", "LICENSE": "p\n"}
NEW = OLD | {"SKILL.md": "# New\n", "docs/Notes.md": "é\n", "empty.txt": "", "x.bin": b"\x00\xff"}


def as_bytes(files) -> dict[str, bytes]:
    return {p: c if isinstance(c, bytes) else c.encode() for p, c in files.items()}


def test_install_then_update_from_an_old_version(clawhub, publish):
    publish("pdf-tools", OLD, version="1.0.0")
    publish("pdf-tools", NEW, version="1.1.0")

    ran = clawhub.run("install", "pdf-tools", "--version", "1.0.0")
    assert ran.code == 0, ran.text
    assert clawhub.installed("pdf-tools") == as_bytes(OLD)
    listed = clawhub.run("list")
    assert "pdf-tools 1.0.0" in listed.text

    ran = clawhub.run("update", "pdf-tools")
    assert ran.code == 0, ran.text
    assert "1.1.0" in ran.text
    assert clawhub.installed("pdf-tools") == as_bytes(NEW)

    ran = clawhub.run("update", "--all")
    assert "up to date" in ran.text
    assert "pdf-tools 1.1.0" in clawhub.run("list").text


def test_install_takes_the_latest_version(clawhub, publish):
    publish("pdf-tools", OLD, version="1.0.0")
    publish("pdf-tools", NEW, version="1.1.0")

    ran = clawhub.run("install", "pdf-tools")

    assert ran.code == 0, ran.text
    assert clawhub.installed("pdf-tools") == as_bytes(NEW)
    origin = json.loads(
        (clawhub.workdir / "skills" / "pdf-tools" / ".clawhub" / "origin.json").read_text()
    )
    assert origin["installedVersion"] == "1.1.0"


def test_a_local_change_is_noticed(clawhub, publish):
    publish("pdf-tools", OLD)
    clawhub.run("install", "pdf-tools")
    (clawhub.workdir / "skills" / "pdf-tools" / "SKILL.md").write_text("# Mine\n")

    ran = clawhub.run("update", "pdf-tools")

    assert "local changes" in ran.text
    assert clawhub.installed("pdf-tools")["SKILL.md"] == b"# Mine\n"


def test_a_name_of_several_owners(clawhub, publish, charlie):
    publish("pdf-tools", OLD)
    publish_skill(namespace=charlie.namespace, slug="pdf-tools", files=NEW)

    bare = clawhub.run("install", "pdf-tools")
    assert bare.code == 1
    assert not (clawhub.workdir / "skills" / "pdf-tools").exists()
    assert "Several publishers use this name" in bare.text
    if clawhub.version == "0.20.0":
        return
    for told in ("@alice/pdf-tools", "@charlie/pdf-tools"):
        assert told in bare.text

    ran = clawhub.run("install", "@charlie/pdf-tools")
    assert ran.code == 0, ran.text
    assert clawhub.installed("@charlie/pdf-tools") == as_bytes(NEW)
    assert "up to date" in clawhub.run("update", "--all").text


def test_an_old_name_installs_the_renamed_skill(clawhub, publish):
    skill = publish("pdf-tools", NEW).skill
    SkillAlias.objects.create(namespace=skill.namespace, slug="old-name", skill=skill)

    ran = clawhub.run("install", "old-name")

    assert ran.code == 0, ran.text
    assert clawhub.installed("old-name") == as_bytes(NEW)


def test_a_failing_report_of_installs_does_no_harm(clawhub, publish, alice, server):
    """Nobody answers the clients' telemetry call yet; the client shrugs."""
    publish("pdf-tools", NEW)
    _token, text = create_token(user=alice, label="laptop")
    clawhub.hold(text)
    clawhub.env["CLAWHUB_DISABLE_TELEMETRY"] = ""

    ran = clawhub.run("install", "pdf-tools")

    assert ran.code == 0, ran.text
    assert clawhub.installed("pdf-tools") == as_bytes(NEW)
    assert any("POST /api/cli/telemetry/install" in line for line in server.requests())


def test_a_stale_token_does_not_stop_public_reads(clawhub, publish):
    publish("pdf-tools", NEW)
    clawhub.hold("skb_nonsense")

    ran = clawhub.run("install", "pdf-tools")

    assert ran.code == 0, ran.text
    assert clawhub.installed("pdf-tools") == as_bytes(NEW)

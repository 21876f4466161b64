"""Installing and updating: the bytes in the folder, and what the client says about them."""

from __future__ import annotations

import json

import pytest
from django.db.models import Sum

from accounts.services import create_token
from skills.fold import fold_until_drained
from skills.models import SkillAlias, SkillDailyStat, SkillTotal
from tests.factories.skills import publish_skill

pytestmark = pytest.mark.client

OLD = {"SKILL.md": "# Old\n", "a.json": "{}\n", "LICENSE": "p\n"}
NEW = OLD | {"SKILL.md": "# New\n", "docs/Notes.md": "é\n", "empty.txt": "", "x.bin": b"\x00\xff"}


def as_bytes(files) -> dict[str, bytes]:
    return {p: c if isinstance(c, bytes) else c.encode() for p, c in files.items()}


def counted(skill) -> dict[str, int]:
    """What has been counted of a skill: its totals, which its days must add up to."""
    columns = ("downloads", "installs_all_time", "installs_current", "stars")
    days = SkillDailyStat.objects.filter(skill=skill).aggregate(**{c: Sum(c) for c in columns})
    assert SkillTotal.objects.filter(skill=skill).values(*columns).get() == days
    return days


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


def test_installs_and_stars_count_once_however_often_the_client_repeats(
    clawhub, publish, charlie, server
):
    skill = publish("pdf-tools", NEW).skill
    _token, text = create_token(user=charlie, label="laptop")
    clawhub.hold(text)
    clawhub.env["CLAWHUB_DISABLE_TELEMETRY"] = ""

    for _ in range(3):
        ran = clawhub.run("install", "pdf-tools", "--force")
        assert ran.code == 0, ran.text
        assert clawhub.run("star", "pdf-tools", "--yes").code == 0
    fold_until_drained()
    starred = counted(skill)
    for _ in range(2):
        assert clawhub.run("unstar", "pdf-tools", "--yes").code == 0
    fold_until_drained()

    reports = [line for line in server.requests() if "POST /api/cli/telemetry/install" in line]
    assert len(reports) >= 3
    assert starred == {"downloads": 1, "installs_all_time": 1, "installs_current": 1, "stars": 1}
    assert counted(skill) == starred | {"stars": 0}


def test_a_report_that_is_refused_does_no_harm(clawhub, publish, server):
    publish("pdf-tools", NEW)
    clawhub.hold("skb_nonsense")
    clawhub.env["CLAWHUB_DISABLE_TELEMETRY"] = ""

    ran = clawhub.run("install", "pdf-tools")

    assert ran.code == 0, ran.text
    assert clawhub.installed("pdf-tools") == as_bytes(NEW)
    assert any("401 POST /api/cli/telemetry/install" in line for line in server.requests())


def test_a_stale_token_does_not_stop_public_reads(clawhub, publish):
    publish("pdf-tools", NEW)
    clawhub.hold("skb_nonsense")

    ran = clawhub.run("install", "pdf-tools")

    assert ran.code == 0, ran.text
    assert clawhub.installed("pdf-tools") == as_bytes(NEW)

"""The import of a folder: a broken skill alone is left out, told, and leaves no trace."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from django.core.management import CommandError

from accounts.models import Namespace
from skills.models import Blob, Skill, SkillFile, SkillVersion
from tests.factories.skills import import_folder

pytestmark = pytest.mark.django_db

META = {
    "owner": "Maker",
    "slug": "tool",
    "displayName": "Tool",
    "latest": {"version": "1.0.0", "publishedAt": 1_750_000_000_123},
}


def folder_of(root: Path, meta: object = META, readme: str | None = "# Tool\n") -> Path:
    folder = root / "skills" / "maker" / "broken"
    folder.mkdir(parents=True)
    text = meta if isinstance(meta, str) else json.dumps(meta)
    (folder / "_meta.json").write_text(text, encoding="utf-8")
    if readme is not None:
        (folder / "SKILL.md").write_text(readme)
    return folder


def good_one(root: Path) -> None:
    folder = root / "skills" / "maker" / "good"
    folder.mkdir(parents=True)
    (folder / "_meta.json").write_text(json.dumps(META | {"owner": "good", "slug": "good"}))
    (folder / "SKILL.md").write_text("# Good\n")


def without(name: str) -> dict[str, object]:
    return {key: value for key, value in META.items() if key != name}


def latest(**changed: object) -> dict[str, object]:
    return META | {"latest": META["latest"] | changed}


BROKEN_META = {
    "no JSON": "{",
    "empty": "",
    "a list": "[]",
    "a number": "1",
    "null": "null",
    "no UTF-8": "\udcff",
    "nested without end": "[" * 100_000,
    "giant": json.dumps(META | {"x": "y" * 2_000_000}),
    "no owner": without("owner"),
    "no slug": without("slug"),
    "no name": without("displayName"),
    "no latest": without("latest"),
    "owner of another type": META | {"owner": 5},
    "owner blank": META | {"owner": " \u200b "},
    "owner with a slash": META | {"owner": "../../etc"},
    "owner a dot": META | {"owner": "."},
    "owner two dots": META | {"owner": " .. "},
    "slug a dot": META | {"slug": "."},
    "slug two dots": META | {"slug": ".."},
    "slug of another type": META | {"slug": ["x"]},
    "slug with a slash": META | {"slug": "a/b"},
    "name of another type": META | {"displayName": 5},
    "name a list": META | {"displayName": ["x"]},
    "name blank": META | {"displayName": "\u202e"},
    "version of another type": latest(version=1),
    "version null": latest(version=None),
    "version no version": latest(version="one"),
    "version huge": latest(version="1.0." + "9" * 5_000),
    "latest a list": META | {"latest": []},
    "time a text": latest(publishedAt="yesterday"),
    "time NaN": json.dumps(latest(publishedAt=float("nan"))),
    "time beyond all years": latest(publishedAt=10**20),
    "time in the future": latest(publishedAt=32_000_000_000_000),
    "time infinite": json.dumps(latest(publishedAt=float("inf"))),
}


def assert_skipped(root: Path, capsys) -> None:
    good_one(root)

    told = import_folder(root)

    assert told.startswith("1 imported, 0 unchanged, 1 skipped")
    assert "skipped maker/broken: " in capsys.readouterr().out
    assert list(Skill.objects.values_list("slug", flat=True)) == ["good"]
    assert list(Namespace.objects.values_list("handle", flat=True)) == ["good"]
    assert SkillVersion.objects.count() == SkillFile.objects.count() == 1
    assert Blob.objects.count() == 2


@pytest.mark.parametrize("case", BROKEN_META)
def test_a_broken_record_is_told_and_left_out_without_a_trace(tmp_path, capsys, case):
    meta = BROKEN_META[case]
    folder = folder_of(tmp_path, "x" if case == "no UTF-8" else meta)
    if case == "no UTF-8":
        (folder / "_meta.json").write_bytes(b'{"owner": "\xff"}')

    assert_skipped(tmp_path, capsys)


def test_a_skill_without_its_readme_is_left_out(tmp_path, capsys):
    folder_of(tmp_path, readme=None)

    assert_skipped(tmp_path, capsys)


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../secret", "SKILL.md", "nowhere", "."])
def test_a_link_in_a_skill_is_never_followed(tmp_path, capsys, target):
    folder = folder_of(tmp_path)
    (tmp_path / "secret").write_text("secret")
    (folder / "notes.md").symlink_to(target)

    assert_skipped(tmp_path, capsys)


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_a_record_that_is_no_plain_file_is_left_out(tmp_path, capsys, kind):
    folder = folder_of(tmp_path)
    record = folder / "_meta.json"
    record.rename(tmp_path / "elsewhere.json")
    if kind == "link":
        record.symlink_to(tmp_path / "elsewhere.json")
    elif kind == "pipe":
        os.mkfifo(record)
    else:
        record.mkdir()

    assert_skipped(tmp_path, capsys)


def test_a_folder_that_is_none_or_holds_no_skill_is_an_error(tmp_path):
    with pytest.raises(CommandError, match="is no folder"):
        import_folder(tmp_path / "nothing")
    with pytest.raises(CommandError, match="archive of skills"):
        import_folder(tmp_path)


def test_a_limit_stops_after_so_many(tmp_path):
    good_one(tmp_path)
    folder_of(tmp_path)

    assert import_folder(tmp_path, "--limit", "1").startswith("1 imported")
    assert Skill.objects.count() == 1


def test_the_same_version_with_other_files_is_told_and_left(tmp_path, capsys):
    folder = folder_of(tmp_path)
    import_folder(tmp_path)
    (folder / "SKILL.md").write_text("# Changed\n")

    assert import_folder(tmp_path).startswith("0 imported, 0 unchanged, 1 skipped")
    assert SkillVersion.objects.get().readme == "# Tool\n"


@pytest.mark.parametrize(
    ("declared", "license_", "of_contract"),
    [
        ("license: Apache-2.0\n", "Apache-2.0", None),
        ("license: MIT-0\n", "MIT-0", "MIT-0"),
        ("", "", None),
    ],
)
def test_a_version_has_the_licence_that_its_author_declares(
    tmp_path, client, declared, license_, of_contract
):
    folder_of(tmp_path, readme=f"---\nname: tool\n{declared}---\n# Tool\n")
    import_folder(tmp_path)

    assert SkillVersion.objects.get().license == license_
    latest = client.get("/api/v1/skills/tool").json()["latestVersion"]
    assert latest["license"] == of_contract
    assert Skill.objects.get().latest_version_summary["declaredLicense"] == license_

"""Looking around without an account: search, explore, inspect."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from skills.models import Skill
from skills.verdict import SCAN_CLEAN
from tests.factories.boards import on_day, week

pytestmark = pytest.mark.client

START = datetime(2026, 1, 1, tzinfo=UTC)
# What the client calls a sort, and what comes first and last by it.
SORTS = {
    "newest": ("gamma", "alpha"),
    "updated": ("alpha", "gamma"),
    "downloads": ("beta", "alpha"),
    "rating": ("gamma", "beta"),
    "installs": ("alpha", "gamma"),
}
FILES = {"SKILL.md": "# Hi\n", "docs/Notes.md": "Tie é\n", "empty.txt": "", "run.sh": "echo 1\n"}


@pytest.fixture
def shelf(publish):
    """Three skills that every sort puts into another order."""
    numbers = {
        # downloads, stars, installs, last change in days
        "alpha": (1, 5, 9, 30),
        "beta": (7, 1, 5, 20),
        "gamma": (3, 8, 2, 10),
    }
    for day, (name, (downloads, stars, installs, updated)) in enumerate(numbers.items()):
        skill = publish(f"{name}-tools", published_at=START + timedelta(days=day)).skill
        skill.downloads, skill.stars = downloads, stars
        skill.installs_current = skill.installs_all_time = installs
        skill.updated_at = START + timedelta(days=updated)
        skill.save()


def test_explore_lists_by_every_sort(clawhub, shelf):
    for sort, (first, last) in SORTS.items():
        ran = clawhub.run("explore", "--sort", sort, "--json")

        assert ran.code == 0, ran.text
        slugs = [item["slug"] for item in json.loads(ran.out)["items"]]
        assert len(slugs) == 3
        assert (slugs[0], slugs[-1]) == (f"{first}-tools", f"{last}-tools"), sort


def test_explore_prints_a_line_a_skill_up_to_the_limit(clawhub, shelf):
    # Here the client just as it is: no option of Node keeps it from compiling its schemas.
    clawhub.node_options = ()

    ran = clawhub.run("explore", "--sort", "updated", "--limit", "2")

    lines = [line for line in ran.out.splitlines() if "-tools" in line]
    assert [line.split()[:2] for line in lines] == [
        ["alpha-tools", "v1.0.0"],
        ["beta-tools", "v1.0.0"],
    ]


def test_explore_trending_reads_the_newest_board(clawhub, shelf):
    before = clawhub.run("explore", "--sort", "trending", "--json")
    downloads = {"alpha-tools": 3, "beta-tools": 9}
    for slug, count in downloads.items():
        skill = Skill.objects.get(slug=slug)
        skill.moderation_reason = SCAN_CLEAN
        skill.save()
        on_day(skill, timezone.now().date(), downloads=count)
    week(timezone.now())

    told = clawhub.run("explore", "--sort", "trending", "--json")
    printed = clawhub.run("explore", "--sort", "trending", "--limit", "1")

    assert (before.code, json.loads(before.out)["items"]) == (0, [])
    # What nothing has checked is on no board.
    slugs = [item["slug"] for item in json.loads(told.out)["items"]]
    assert slugs == ["beta-tools", "alpha-tools"]
    assert "beta-tools v1.0.0" in printed.text
    assert "alpha-tools" not in printed.text


def test_a_skill_without_any_version_left_does_not_break_the_list(clawhub, shelf):
    skill = Skill.objects.get(slug="beta-tools")
    for version in skill.versions.all():
        version.withdrawn_at = datetime.now(UTC)
        version.save()

    ran = clawhub.run("explore", "--json")

    assert ran.code == 0, ran.text
    items = json.loads(ran.out)["items"]
    assert {item["slug"] for item in items} == {"alpha-tools", "gamma-tools"}


def test_search_finds_names_and_texts(clawhub, shelf, publish):
    publish("merger", summary="Merges what others split.")

    by_name, by_text = clawhub.run("search", "alpha"), clawhub.run("search", "split", "merges")
    nothing = clawhub.run("search", "nonsense-word")

    assert "alpha-tools v1.0.0" in by_name.text
    assert "beta-tools" not in by_name.text
    assert "merger v1.0.0" in by_text.text
    assert nothing.code == 0
    assert "tools" not in nothing.text


def test_search_by_prefix_and_exact_name(clawhub, shelf):
    if clawhub.version == "0.20.0":
        assert clawhub.run("search", "gamma-tools", "--limit", "1").code == 0
        return
    prefix = clawhub.run("search", "gam", "--prefix")
    exact = clawhub.run("search", "beta-tools", "--exact")
    half = clawhub.run("search", "beta", "--exact")

    assert "gamma-tools v1.0.0" in prefix.text
    assert "beta-tools v1.0.0" in exact.text
    assert "@alice" in exact.text
    assert (half.code, "beta-tools" in half.text) == (0, False)


def test_inspect_tells_of_a_skill_its_versions_and_files(clawhub, publish):
    publish("pdf-tools", {"SKILL.md": "# Old\n"}, version="1.0.0", changelog="First light.")
    publish("pdf-tools", FILES, version="1.1.0", changelog="Adds notes.", tags=["latest", "new"])

    plain = clawhub.run("inspect", "pdf-tools")
    assert plain.code == 0, plain.text
    for told in ("pdf-tools", "Pdf Tools", "alice", "1.1.0", "MIT-0"):
        assert told in plain.text

    versions = clawhub.run("inspect", "pdf-tools", "--versions", "--limit", "5")
    assert "First light." in versions.text
    assert versions.text.rindex("1.1.0") < versions.text.rindex("1.0.0")

    files = clawhub.run("inspect", "pdf-tools", "--version", "1.1.0", "--files")
    for path in FILES:
        assert path in files.text

    old = clawhub.run("inspect", "pdf-tools", "--version", "1.0.0", "--file", "SKILL.md")
    assert "# Old" in old.out


def test_inspect_prints_one_file_of_a_tag_and_json(clawhub, publish):
    publish("pdf-tools", FILES, version="1.1.0", tags=["latest", "new"])

    file = clawhub.run("inspect", "pdf-tools", "--tag", "new", "--file", "docs/notes.MD")
    assert (file.code, file.out.strip()) == (0, "Tie é"), file.text

    told = clawhub.run("inspect", "pdf-tools", "--json", "--files")
    answer = json.loads(told.out)
    assert answer["skill"]["tags"] == {"latest": "1.1.0", "new": "1.1.0"}
    assert {file["path"] for file in answer["version"]["files"]} == set(FILES)


def test_the_registry_is_discovered_from_the_site(clawhub, server, shelf):
    ran = clawhub.run("explore", by_site=True)

    assert ran.code == 0, ran.text
    assert "alpha-tools" in ran.text
    assert json.loads(clawhub.config.read_text())["registry"] == server.address

"""The work lists: asked for 100 they return 100, whatever stands in front, by their own index.

10,000 decoys are older than the 100 targets and differ from them in one fact each.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from skills.models import Skill, SkillVersion
from tests.factories.bulk import analyze, copy_row, explain
from tests.factories.skills import BlobFactory, SkillFactory

pytestmark = [pytest.mark.django_db, pytest.mark.allow_drift]

DECOYS = 10_000
TARGETS = 100
# A row of skills is about half a kilobyte; an entry of an index is about 20 bytes.
BLOCKS = 60

OLD = "timestamptz '2025-01-01' + n * interval '1 second'"
DONE = '\'{"version": "1.0.0"}\'::jsonb'

# finder → (index, what sets a target apart, what each sort of decoy has instead)
SKILL_FINDERS = {
    "reason_out_of_date": (
        "skill_reason_out_of_date",
        {"moderation_reason": "'scanner.static.pending'", "latest_scan_state": "'clean'"},
        [
            {"moderation_reason": "'scanner.static.clean'", "latest_scan_state": "'clean'"},
            {"moderation_reason": "'scanner.static.pending'", "latest_scan_state": "''"},
            {"moderation_reason": "'scanner.vt.clean'", "latest_scan_state": "'clean'"},
            {"moderation_reason": "'manual.approved'", "latest_scan_state": "'suspicious'"},
        ],
    ),
    "quality_hold": (
        "skill_quality_hold",
        {"moderation_reason": "'quality.low'"},
        [{"moderation_reason": "'auto.reports'"}, {"moderation_reason": "'quality'"}],
    ),
    "hidden_by_reports": (
        "skill_hidden_by_reports",
        {"moderation_reason": "'auto.reports'"},
        [{"moderation_reason": "'quality.low'"}, {"moderation_reason": "'auto.ban'"}],
    ),
    "restored": ("skill_restored", {"restored_at": OLD}, [{"restored_at": "NULL"}]),
    "without_summary": (
        "skill_without_summary",
        {"latest_version_summary": "NULL", "version_count": "1"},
        [
            {"latest_version_summary": "NULL", "version_count": "0"},
            {"latest_version_summary": DONE, "version_count": "1"},
        ],
    ),
    "without_badge_map": (
        "skill_without_badge_map",
        {"badges": "NULL"},
        [{"badges": "'{}'::jsonb"}],
    ),
}


@pytest.fixture
def crowd():
    """Insert decoys first, then targets, as copies of one skill; return the skill's key."""

    def make(target: dict[str, str], decoys: list[dict[str, str]]) -> int:
        template = SkillFactory(moderation_reason="scanner.static.clean")
        Skill._base_manager.filter(pk=template.pk).update(latest_scan_state="clean")
        named = {"slug": "'s' || n", "updated_at": OLD, "created_at": OLD}
        each = DECOYS // len(decoys)
        for place, decoy in enumerate(decoys):
            copy_row(template, place * each, each, named | decoy)
        copy_row(template, DECOYS, TARGETS, named | target)
        analyze(Skill)
        return template.pk

    return make


def assert_cheap(rows, index: str) -> None:
    plan = explain(*rows[:100].query.sql_with_params())
    assert plan.indexes == {index}
    assert plan.blocks <= BLOCKS


@pytest.mark.parametrize("finder", SKILL_FINDERS)
def test_a_finder_returns_a_hundred_behind_ten_thousand_decoys(crowd, finder):
    index, target, decoys = SKILL_FINDERS[finder]
    template = crowd(target, decoys)
    rows = getattr(Skill.objects.exclude(pk=template), finder)()

    found = list(rows[:100].values_list("slug", flat=True))

    assert found == [f"s{n}" for n in range(DECOYS, DECOYS + TARGETS)]
    assert rows.count() == TARGETS
    assert_cheap(getattr(Skill.objects, finder)(), index)


@pytest.fixture
def versions():
    """Finished versions that asked long ago, then a hundred that wait, youngest inserted first."""
    skill = SkillFactory()
    template = SkillVersion.objects.create(
        skill=skill,
        version="0",
        source="web",
        file_count=1,
        size_bytes=1,
        archive=BlobFactory(),
        scan_state="clean",
        readme="x" * 3_000,
    )
    others = ("running", "clean", "suspicious", "malicious", "failed")
    for place, state in enumerate(others):
        each = DECOYS // len(others)
        columns = {"version": "'d' || n", "scan_requested_at": OLD, "scan_state": f"'{state}'"}
        copy_row(template, place * each, each, columns)
    waiting = {
        "version": "'t' || n",
        "scan_state": "'pending'",
        "scan_requested_at": "timestamptz '2025-03-01' - n * interval '1 second'",
    }
    copy_row(template, 0, TARGETS, waiting)
    analyze(SkillVersion)


def test_versions_that_wait_for_a_scan_come_longest_waiting_first(versions):
    rows = SkillVersion.objects.scan_pending()

    found = list(rows[:100].values_list("version", flat=True))

    assert found == [f"t{n}" for n in reversed(range(TARGETS))]
    assert_cheap(rows, "skillversion_scan_pending")


def test_versions_that_wait_too_long_are_those_from_before_the_moment(versions):
    moment = datetime(2025, 3, 1, tzinfo=UTC) - timedelta(seconds=50)
    rows = SkillVersion.objects.scan_pending_since(moment)

    found = list(rows[:100].values_list("version", flat=True))

    assert found == [f"t{n}" for n in reversed(range(51, TARGETS))]
    assert_cheap(rows, "skillversion_scan_pending")


def test_a_list_that_filters_after_the_limit_would_come_back_short(crowd):
    """What the finders must not do: take a page of all skills and look through it."""
    _index, target, decoys = SKILL_FINDERS["quality_hold"]
    crowd(target, decoys)

    page = Skill.objects.order_by("updated_at", "id")[:200]

    assert not [skill for skill in page if skill.moderation_reason == "quality.low"]

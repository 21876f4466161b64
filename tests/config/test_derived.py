"""Doors of one row: save, stale save, reparenting and delete leave the truth."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from skills.models import (
    Skill,
    SkillBadge,
    SkillListing,
    SkillSearch,
    SkillTag,
    SkillVersion,
)
from tests.factories.skills import BlobFactory, SkillFactory, SkillVersionFactory
from tests.factories.truth import (
    GIVEN,
    GIVEN_MS,
    assert_true,
    badge_on,
    released,
    stored,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def two():
    """Two listed skills of two owners."""
    return [released().skill, released().skill]


# --- One row at a time ---------------------------------------------------------------------------


def test_saving_a_source_row_refreshes_its_parent_and_the_card(two):
    badge_on(two[0])

    assert stored(two[0])["badges"] == {"official": GIVEN_MS}
    assert_true(*two)


def test_a_new_row_carries_its_own_derived_columns_at_once():
    skill = SkillFactory(moderation_flags=["flagged.suspicious"])

    assert skill.is_suspicious
    assert skill.owner_handle == skill.namespace.handle
    assert skill.badges == {}
    assert skill.tags == {}


def test_a_row_saved_under_a_key_that_exists_leaves_both_parents_true(two):
    badge = badge_on(two[0])

    SkillBadge(pk=badge.pk, skill=two[1], kind="official", reason="x", given_at=GIVEN).save()

    assert stored(two[0])["badges"] == {}
    assert_true(*two)


def test_a_stale_instance_saved_later_overwrites_no_derived_column(two):
    stale = Skill.objects.get(pk=two[0].pk)
    badge_on(two[0])
    SkillVersionFactory(skill=two[0])

    stale.display_name = "Renamed"
    stale.save()

    assert stale.badges == {"official": GIVEN_MS}
    assert stale.version_count == 2
    assert_true(*two)


def test_a_stale_link_saved_later_refreshes_the_parents_it_really_had_and_has(two):
    third = SkillFactory()
    badge = badge_on(two[0])
    stale = SkillBadge.objects.get(pk=badge.pk)
    SkillBadge.objects.filter(pk=badge.pk).update(skill=two[1])

    stale.skill = third
    stale.save()

    assert stored(third)["badges"] == {"official": GIVEN_MS}
    assert_true(*two, third)


def test_a_derived_column_set_by_hand_is_not_saved(two):
    skill = two[0]
    skill.badges = {"official": 1}
    skill.version_count = 99

    skill.save()
    skill.badges = {"official": 1}
    skill.save(update_fields=["badges"])

    assert_true(skill)
    assert Skill.objects.get(pk=skill.pk).badges == {}


def test_saving_a_row_with_deferred_columns_leaves_those_alone(two):
    partly = Skill.objects.only("slug").get(pk=two[0].pk)
    partly.slug = "renamed"

    with CaptureQueriesContext(connection) as queries:
        partly.save()

    assert not [q for q in queries if "SELECT" in q["sql"] and '"display_name" FROM' in q["sql"]]
    assert_true(*two)


@pytest.mark.parametrize("row", ["badge", "tag", "version"])
def test_reparenting_refreshes_both_parents(two, row):
    moved = {
        "badge": lambda: badge_on(two[0]),
        "tag": lambda: SkillTag.objects.create(
            skill=two[0], name="beta", version=two[0].versions.get()
        ),
        "version": two[0].versions.get,
    }[row]()

    moved.skill = two[1]
    moved.save()

    assert_true(*two)


def test_a_version_that_moved_away_speaks_for_its_old_skill_no_more(two):
    version = two[0].versions.get()
    version.skill = two[1]
    version.save()

    version.changelog = "Written after the move."
    version.save()

    assert stored(two[0])["latest"] is None
    assert stored(two[0])["tags"] == {}
    assert_true(*two)


def test_retargeting_latest_rewrites_the_summary(two):
    newer = SkillVersionFactory(skill=two[0], version="2.0.0", scan_state="clean")

    SkillTag.objects.update_or_create(skill=two[0], name="latest", defaults={"version": newer})

    assert stored(two[0])["latest"] == "2.0.0"
    assert stored(two[0])["latest_scan_state"] == "clean"
    assert_true(*two)


def test_withdrawing_the_only_version_takes_the_skill_off_the_list(two):
    version = two[0].versions.get()
    version.withdrawn_at = GIVEN

    version.save()

    assert not SkillSearch.objects.filter(skill=two[0]).exists()
    assert not stored(two[0])["listed"]
    assert_true(*two)


# --- Delete --------------------------------------------------------------------------------------


def test_deleting_a_row_or_a_queryset_refreshes_the_parent(two):
    first, second = badge_on(two[0]), badge_on(two[1])

    first.delete()
    SkillBadge.objects.filter(pk=second.pk).delete()

    assert stored(two[0])["badges"] == {}
    assert_true(*two)


@pytest.mark.parametrize("door", ["instance", "queryset"])
def test_deleting_a_row_that_moved_meanwhile_refreshes_the_parent_it_really_has(two, door):
    badge = badge_on(two[0])
    stale = SkillBadge.objects.get(pk=badge.pk)
    SkillBadge.objects.filter(pk=badge.pk).update(skill=two[1])

    stale.delete() if door == "instance" else SkillBadge.objects.filter(pk=stale.pk).delete()

    assert stored(two[1])["badges"] == {}
    assert_true(*two)


@pytest.mark.parametrize("door", ["instance", "queryset"])
def test_a_cascade_refreshes_what_the_deleted_rows_fed(two, door):
    version = two[0].versions.get()
    SkillTag.objects.create(skill=two[0], name="beta", version=version)

    version.delete() if door == "instance" else two[0].versions.all().delete()

    assert stored(two[0])["tags"] == {}
    assert_true(*two)


def test_deleting_a_skill_takes_its_cards_with_it(two):
    badge_on(two[0])

    two[0].delete()

    assert list(SkillListing.objects.values_list("skill", flat=True)) == [two[1].pk]
    assert_true(two[1])


def test_a_delete_of_many_rows_refreshes_once(two):
    SkillVersion.objects.bulk_create(
        SkillVersion(
            skill=two[0],
            version=f"3.0.{n}",
            source="web",
            file_count=1,
            size_bytes=1,
            archive=BlobFactory(),
        )
        for n in range(30)
    )

    with CaptureQueriesContext(connection) as queries:
        two[0].versions.filter(version__startswith="3").delete()

    refreshes = [q for q in queries if 'UPDATE "skills_skill"' in q["sql"]]
    assert len(refreshes) == 1
    assert_true(*two)

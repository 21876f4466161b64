"""Every door of a denormalised field leaves the truth, on the real models of skills.

`truth()` states the fields a second time, from plain rows in Python, so that a wrong rule shows as
well as a door that forgets to refresh.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Namespace
from config.derived import DerivedColumnWrite, deferred, own_columns
from skills.models import (
    Badge,
    Skill,
    SkillBadge,
    SkillListing,
    SkillSearch,
    SkillTag,
    SkillVersion,
)
from tests.conftest import drifted
from tests.factories.skills import BlobFactory, NamespaceFactory, SkillFactory, SkillVersionFactory

pytestmark = pytest.mark.django_db

GIVEN = datetime(2025, 3, 1, tzinfo=UTC)
GIVEN_MS = 1_740_787_200_000


def badge_on(skill: Skill, kind: Badge = Badge.OFFICIAL) -> SkillBadge:
    return SkillBadge.objects.create(skill=skill, kind=kind, reason="Good.", given_at=GIVEN)


def released(**columns) -> SkillVersion:
    """A version that `latest` of its skill points at."""
    version = SkillVersionFactory(**columns)
    SkillTag.objects.create(skill=version.skill, name="latest", version=version)
    return version


def truth(skill: Skill) -> dict[str, object]:
    offered = [v for v in SkillVersion.objects.filter(skill=skill) if v.withdrawn_at is None]
    by_id = {version.pk: version for version in offered}
    tags = {t.name: by_id[t.version_id] for t in skill.tag_rows.all() if t.version_id in by_id}
    latest = tags.get("latest")
    badges = {b.kind: int(b.given_at.timestamp() * 1000) for b in skill.badge_rows.all()}
    return {
        "owner_handle": Namespace.objects.get(pk=skill.namespace_id).handle,
        "latest": latest.version if latest else None,
        "latest_scan_state": latest.scan_state if latest else "",
        "tags": {name: version.version for name, version in tags.items()},
        "badges": badges,
        "version_count": len(offered),
        "listed": latest is not None,
    }


def stored(skill: Skill) -> dict[str, object]:
    row = Skill.objects.get(pk=skill.pk)
    card = SkillListing.objects.filter(skill=skill, facet="").first()
    if card is not None:
        for name in own_columns("skills.Skill") - {"latest_scan_state"}:
            assert getattr(card, name) == getattr(row, name), name
    return {
        "owner_handle": row.owner_handle,
        "latest": (row.latest_version_summary or {}).get("version"),
        "latest_scan_state": row.latest_scan_state,
        "tags": row.tags,
        "badges": row.badges,
        "version_count": row.version_count,
        "listed": card is not None,
    }


def assert_true(*skills: Skill) -> None:
    for skill in skills:
        assert stored(skill) == truth(skill)
    assert drifted() == {}


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


# --- Bulk ----------------------------------------------------------------------------------------


def test_bulk_create_refreshes_every_parent_and_its_own_columns(two):
    SkillBadge.objects.bulk_create(
        SkillBadge(skill=skill, kind=kind, reason="x", given_at=GIVEN)
        for skill in two
        for kind in Badge
    )
    made = Skill.objects.bulk_create(
        Skill(namespace=two[0].namespace, slug=f"s{n}", display_name="S") for n in range(3)
    )

    assert set(stored(two[0])["badges"]) == set(Badge.values)
    assert_true(*two, *made)


def test_an_upsert_that_moves_rows_is_refused(two):
    badge = badge_on(two[0])
    moved = SkillBadge(pk=badge.pk, skill=two[1], kind="official", reason="x", given_at=GIVEN)

    with pytest.raises(TypeError, match="update_conflicts"):
        SkillBadge.objects.bulk_create(
            [moved], update_conflicts=True, unique_fields=["id"], update_fields=["skill"]
        )


def test_an_upsert_that_keeps_its_links_leaves_the_truth(two):
    badge_on(two[0])
    again = SkillBadge(
        skill=two[0], kind="official", reason="x", given_at=GIVEN + timedelta(days=1)
    )

    SkillBadge.objects.bulk_create(
        [again],
        update_conflicts=True,
        unique_fields=["skill", "kind"],
        update_fields=["given_at"],
    )

    assert stored(two[0])["badges"] != {"official": GIVEN_MS}
    assert_true(*two)


def test_update_refreshes_parents_before_and_after(two):
    badge_on(two[0])

    assert SkillBadge.objects.filter(skill=two[0]).update(skill=two[1]) == 1

    assert stored(two[1])["badges"] == {"official": GIVEN_MS}
    assert_true(*two)


def test_bulk_update_refreshes_parents_before_and_after(two):
    rows = [badge_on(two[0], kind) for kind in Badge]
    for row in rows:
        row.skill = two[1]

    SkillBadge.objects.bulk_update(rows, ["skill"], batch_size=2)

    assert_true(*two)


def test_the_handle_of_an_owner_reaches_all_skills_and_cards(two):
    owner = two[0].namespace
    other = SkillFactory(namespace=owner)

    owner.handle = "renamed"
    owner.save()
    assert {stored(two[0])["owner_handle"], stored(other)["owner_handle"]} == {"renamed"}
    Namespace.objects.filter(pk=owner.pk).update(handle="again")

    assert stored(two[0])["owner_handle"] == "again"
    assert_true(*two, other)


def test_a_skill_that_changes_owner_carries_the_new_handle(two):
    two[0].namespace = two[1].namespace
    two[0].save()

    assert two[0].owner_handle == two[1].namespace.handle
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

    refreshes = [q for q in queries if q["sql"].startswith('UPDATE "skills_skill"')]
    assert len(refreshes) == 1
    assert_true(*two)


# --- Deferred, refused, failed -------------------------------------------------------------------


def test_deferred_refreshes_each_parent_once_at_its_end(two):
    with CaptureQueriesContext(connection) as queries, deferred():
        for kind in Badge:
            badge_on(two[0], kind)
        assert Skill.objects.get(pk=two[0].pk).badges == {}

    refreshes = [q for q in queries if q["sql"].startswith('UPDATE "skills_skill"')]
    assert len(refreshes) == 1
    assert_true(*two)


def test_an_inner_block_that_fails_takes_back_only_its_own(two):
    with deferred():
        badge_on(two[0], Badge.OFFICIAL)
        with pytest.raises(RuntimeError), deferred():
            badge_on(two[1], Badge.OFFICIAL)
            raise RuntimeError
        badge_on(two[0], Badge.DEPRECATED)

    assert set(stored(two[0])["badges"]) == {"official", "deprecated"}
    assert_true(*two)


def test_a_block_that_fails_leaves_nothing_queued_for_the_next(two):
    with pytest.raises(RuntimeError), deferred():
        badge_on(two[0])
        raise RuntimeError
    with pytest.raises(IntegrityError), transaction.atomic():
        SkillBadge.objects.bulk_create(
            SkillBadge(skill=two[0], kind="official", reason="x") for _ in range(2)
        )

    with CaptureQueriesContext(connection) as queries:
        badge_on(two[1])

    assert not [q for q in queries if f"ARRAY[{two[0].pk}]" in q["sql"]]
    assert_true(*two)


def test_a_savepoint_rolled_back_inside_a_block_leaves_the_truth(two):
    with deferred(), pytest.raises(RuntimeError), transaction.atomic():
        badge_on(two[0])
        raise RuntimeError

    assert_true(*two)


@pytest.mark.parametrize("column", sorted(own_columns("skills.Skill")))
def test_writing_a_derived_column_in_bulk_is_refused(two, column):
    with pytest.raises(DerivedColumnWrite, match=column):
        Skill.objects.update(**{column: None})
    with pytest.raises(DerivedColumnWrite, match=column), transaction.atomic():
        Skill.objects.bulk_update(two, [column])
    with pytest.raises(DerivedColumnWrite, match=column):
        Skill.objects.bulk_create(
            two, update_conflicts=True, unique_fields=["id"], update_fields=[column]
        )


def test_ignore_conflicts_is_refused_where_rows_carry_derived_columns():
    with pytest.raises(TypeError, match="ignore_conflicts"):
        Skill.objects.bulk_create([], ignore_conflicts=True)


def test_ignored_conflicts_of_source_rows_leave_the_truth(two):
    badge_on(two[0])

    SkillBadge.objects.bulk_create(
        [SkillBadge(skill=s, kind="official", reason="x", given_at=GIVEN) for s in two],
        ignore_conflicts=True,
    )

    assert_true(*two)


def test_the_queryset_of_every_derived_model_is_the_one_with_the_doors():
    from config.derived import REGISTRY, DerivedModel, DerivedQuerySet

    labels = {label for d in REGISTRY for label in (*d.sources, d.anchor)}
    from django.apps import apps

    for model in map(apps.get_model, labels):
        assert issubclass(model, DerivedModel), model
        managers: list[models.Manager] = list(model._meta.managers)
        assert all(isinstance(m.get_queryset(), DerivedQuerySet) for m in managers), model


def test_a_new_namespace_without_skills_is_no_work():
    with CaptureQueriesContext(connection) as queries:
        NamespaceFactory()

    assert not [q for q in queries if "FOR NO KEY UPDATE" in q["sql"]]

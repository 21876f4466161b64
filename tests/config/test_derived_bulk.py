"""Doors of many rows, blocks that defer, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Namespace
from config.derived import (
    REGISTRY,
    DerivedColumnWrite,
    DerivedModel,
    DerivedQuerySet,
    deferred,
    own_columns,
)
from skills.models import (
    Badge,
    Skill,
    SkillBadge,
)
from tests.factories.skills import NamespaceFactory, SkillFactory
from tests.factories.truth import (
    GIVEN,
    GIVEN_MS,
    assert_true,
    badge_on,
    locked_skills,
    released,
    stored,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def two():
    """Two listed skills of two owners."""
    return [released().skill, released().skill]


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


# --- Deferred, refused, failed -------------------------------------------------------------------


def test_deferred_refreshes_each_parent_once_at_its_end(two):
    with CaptureQueriesContext(connection) as queries, deferred():
        for kind in Badge:
            badge_on(two[0], kind)
        assert Skill.objects.get(pk=two[0].pk).badges == {}

    refreshes = [q for q in queries if 'UPDATE "skills_skill"' in q["sql"]]
    assert len(refreshes) == 1
    assert_true(*two)


def test_an_inner_block_that_fails_takes_back_only_its_own(two):
    with CaptureQueriesContext(connection) as queries, deferred():
        badge_on(two[0], Badge.OFFICIAL)
        with pytest.raises(RuntimeError), deferred():
            badge_on(two[1], Badge.OFFICIAL)
            raise RuntimeError
        badge_on(two[0], Badge.DEPRECATED)

    assert locked_skills(queries) == [two[0].pk]
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

    assert locked_skills(queries) == [two[1].pk]
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
    labels = {label for d in REGISTRY for label in (*d.sources, d.anchor)}
    for model in map(apps.get_model, labels):
        assert issubclass(model, DerivedModel), model
        managers: list[models.Manager] = list(model._meta.managers)
        assert all(isinstance(m.get_queryset(), DerivedQuerySet) for m in managers), model


def test_a_new_namespace_without_skills_is_no_work():
    with CaptureQueriesContext(connection) as queries:
        NamespaceFactory()

    assert not [q for q in queries if "FOR NO KEY UPDATE" in q["sql"]]

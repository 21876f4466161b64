"""Writers that meet at one parent leave it true; without the lock they provably do not."""

from __future__ import annotations

import random
from threading import Barrier

import pytest
from django.db import IntegrityError

from accounts.models import Namespace
from config import derived
from skills.derived import BADGES
from skills.models import Badge, Skill, SkillBadge, SkillTag, SkillVersion
from tests.config.rivals import PATIENCE_SECONDS, at_once, meet
from tests.drift import drifted
from tests.factories.skills import (
    BlobFactory,
    NamespaceFactory,
    SkillFactory,
    SkillVersionFactory,
)

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS = 4
PARENTS = 10


def without_lock(_anchor: str, _keys: list[int]) -> tuple[str, list[object]]:
    return "SELECT 1", []


def badge(skill: Skill, kind: str) -> SkillBadge:
    return SkillBadge.objects.create(skill=skill, kind=kind, reason="x")


def meet_at_one_parent() -> Skill:
    skill = SkillFactory()

    results = meet(lambda: badge(skill, "official"), lambda: badge(skill, "deprecated"))

    assert [type(result) for result in results] == [SkillBadge, SkillBadge]
    return Skill.objects.get(pk=skill.pk)


def test_two_writers_at_one_parent_leave_both_rows_in_it():
    assert set(meet_at_one_parent().badges) == {"official", "deprecated"}


@pytest.mark.allow_drift
def test_without_the_lock_the_same_meeting_loses_a_row(monkeypatch):
    monkeypatch.setattr(derived, "_lock_statement", without_lock)

    skill = meet_at_one_parent()

    assert set(skill.badges) == {"deprecated"}
    assert drifted() == {"skills.Skill.badges": [skill.pk]}


@pytest.mark.allow_drift
def test_a_recount_inside_one_update_loses_a_row_as_well():
    """Its lock comes too late: the snapshot is older than the wait. Hence two statements."""
    skill = SkillFactory()

    def write(kind: str) -> None:
        SkillBadge(skill=skill, kind=kind, reason="x").save_base(raw=True)
        Skill._base_manager.filter(pk=skill.pk).update(badges=BADGES.rule())

    meet(lambda: write("official"), lambda: write("deprecated"))

    assert BADGES.drifted_keys() == [skill.pk]


def test_four_writers_at_once_leave_every_parent_true():
    parents = [SkillVersionFactory().skill for _ in range(PARENTS)]
    first = {skill.pk: skill.versions.get() for skill in parents}
    archive = BlobFactory()
    together = Barrier(WRITERS)

    def write(writer: int) -> None:
        for skill in parents:
            together.wait(PATIENCE_SECONDS)
            if writer < len(Badge):
                badge(skill, Badge.values[writer])
            made = SkillVersion.objects.create(
                skill=skill,
                version=f"{writer}.5.0",
                source="web",
                file_count=1,
                size_bytes=1,
                archive=archive,
            )
            SkillTag.objects.create(skill=skill, name=f"tag-{writer}", version=first[skill.pk])
            made.changelog = "Again."
            made.save()
            if writer == 0:
                SkillBadge.objects.filter(skill=skill, kind=Badge.values[0]).delete()

    results = at_once(*(lambda n=n: write(n) for n in range(WRITERS)))

    assert results == [None] * WRITERS
    for skill in Skill.objects.all():
        assert skill.version_count == 1 + WRITERS
        assert len(skill.tags) == WRITERS
        assert set(skill.badges) == set(Badge.values[1:])
    assert drifted() == {}


def test_writers_of_many_parents_in_any_order_do_not_deadlock():
    parents = [SkillFactory() for _ in range(PARENTS)]
    together = Barrier(len(Badge))

    def write(kind: str) -> None:
        mine = random.Random(kind).sample(parents, len(parents))
        together.wait(PATIENCE_SECONDS)
        SkillBadge.objects.bulk_create(SkillBadge(skill=s, kind=kind, reason="x") for s in mine)

    results = at_once(*(lambda k=k: write(k) for k in Badge.values))

    assert results == [None] * len(Badge)
    assert all(set(s.badges) == set(Badge.values) for s in Skill.objects.all())


@pytest.mark.parametrize("door", ["instance", "queryset"])
def test_a_row_that_moves_while_it_is_deleted_leaves_both_parents_true(door):
    one, other = SkillFactory(), SkillFactory()
    row = badge(one, "official")
    doors = {
        "instance": SkillBadge.objects.get(pk=row.pk).delete,
        "queryset": SkillBadge.objects.filter(pk=row.pk).delete,
    }

    def move() -> None:
        SkillBadge.objects.filter(pk=row.pk).update(skill=other)

    results = meet(move, doors[door])

    assert results[0] is None
    assert not SkillBadge.objects.exists()
    assert drifted() == {}


def test_a_skill_made_while_its_owner_is_renamed_carries_the_new_handle():
    owner = NamespaceFactory(handle="before")

    def rename() -> None:
        Namespace.objects.filter(pk=owner.pk).update(handle="after")

    meet(rename, lambda: SkillFactory(namespace=owner))

    assert Skill.objects.get().owner_handle == "after"


def test_an_owner_renamed_while_a_skill_is_made_takes_it_along():
    owner = NamespaceFactory(handle="before")

    def rename() -> None:
        Namespace.objects.filter(pk=owner.pk).update(handle="after")

    meet(lambda: SkillFactory(namespace=owner), rename)

    assert Skill.objects.get().owner_handle == "after"


def test_the_same_row_twice_at_once_is_one_row_and_one_refusal():
    skill = SkillFactory()

    made, refused = meet(lambda: badge(skill, "official"), lambda: badge(skill, "official"))

    assert isinstance(made, SkillBadge)
    assert isinstance(refused, IntegrityError)


def test_a_refresh_of_everything_beside_writers_leaves_the_truth():
    skills = [SkillFactory() for _ in range(PARENTS)]

    def write() -> None:
        for skill in skills:
            badge(skill, "official")

    def rebuild() -> None:
        for _ in range(3):
            for derivation in derived.REGISTRY:
                derived.refresh_all(derivation)

    assert at_once(write, rebuild) == [None, None]
    assert drifted() == {}

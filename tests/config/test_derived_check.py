"""Drift is seen, named and repaired: by the command, and by the fixture of every database test."""

from __future__ import annotations

import io
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.services import create_user
from config import derived
from config.checks import check_derived_fields
from config.derived import REGISTRY, DerivedField, refresh_all
from skills.models import (
    Skill,
    SkillBadge,
    SkillComment,
    SkillListing,
    SkillSearch,
    SkillTag,
    SkillTotal,
)
from tests import conftest, drift
from tests.drift import drifted
from tests.factories.comments import many_comments
from tests.factories.skills import SkillFactory, SkillVersionFactory
from traces.derived import COUNTED
from traces.models import Trace

pytestmark = pytest.mark.django_db

WRONG = {
    "owner_handle": "nobody",
    "latest_version_summary": {"version": "9.9.9"},
    "latest_scan_state": "clean",
    "tags": {"latest": "9.9.9"},
    "badges": {"official": 1},
    "is_suspicious": True,
    "version_count": 99,
    "comment_count": 99,
}


def plant_field(name: str) -> Callable[[Skill], object]:
    return lambda skill: Skill._base_manager.filter(pk=skill.pk).update(**{name: WRONG[name]})


def plant_row(model, kind: str) -> Callable[[Skill], object]:
    rows = model._base_manager

    def left_over(skill: Skill) -> None:
        row = rows.filter(skill=skill).get()
        if model is SkillListing:
            row.pk, row.facet = None, "c:data"
        else:
            row.skill_id = SkillFactory().pk  # Without a version, so it is not listed.
        row.save(force_insert=True)

    return {
        "missing": lambda skill: rows.filter(skill=skill)._raw_delete("default"),
        "different": lambda skill: rows.filter(skill=skill).update(downloads=7),
        "left over": left_over,
    }[kind]


def plant_total(skill: Skill) -> None:
    SkillTotal._base_manager.create(skill=skill, stars=0)
    SkillTotal._base_manager.filter(pk=skill.pk).update(stars=99)


def plant_report(skill: Skill) -> None:
    comment = SkillComment.objects.create(skill=skill, author=create_user(handle="bob"), text="x")
    SkillComment._base_manager.filter(pk=comment.pk).update(reported_at=timezone.now())


def plant_trace(name: str, wrong: object) -> Callable[[Skill], object]:
    def plant(skill: Skill) -> None:
        Trace._base_manager.filter(pk=make_trace(skill).pk).update(**{name: wrong})

    return plant


def make_trace(skill: Skill) -> Trace:
    return Trace.objects.create(
        namespace=skill.namespace,
        external_id=skill.slug,
        agent_id="codex",
        client_title="Round totals",
        visibility="private",
    )


PLANTS = {
    **{f"traces.Trace.{name}": plant_trace(name, 99) for name in COUNTED},
    "traces.Trace.conversation_bytes": plant_trace("conversation_bytes", 99),
    "traces.Trace.namespace_summarises": plant_trace("namespace_summarises", False),
    "traces.Trace.owner_handle": plant_trace("owner_handle", "nobody"),
    "traces.Trace.is_withheld": plant_trace("is_withheld", wrong=True),
    "traces.Trace.author_handle": plant_trace("author_handle", "nobody"),
    "skills.SkillComment.reported_at": plant_report,
    "skills.SkillTotal.stars": plant_total,
    **{f"skills.Skill.{name}": plant_field(name) for name in WRONG},
    **{
        f"{model._meta.label} {kind}": plant_row(model, kind)
        for model in (SkillListing, SkillSearch)
        for kind in ("missing", "different", "left over")
    },
}


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("derived_fields", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def skills():
    versions = [SkillVersionFactory() for _ in range(3)]
    for version in versions:
        SkillTag.objects.create(skill=version.skill, name="latest", version=version)
    return [version.skill for version in versions]


def test_every_registered_rule_has_a_plant():
    assert {d.label for d in REGISTRY} == {label.partition(" ")[0] for label in PLANTS}


@pytest.mark.allow_drift
@pytest.mark.parametrize("plant", PLANTS)
def test_planted_drift_is_named_with_its_id_and_repaired(skills, plant, monkeypatch):
    label = plant.partition(" ")[0]
    PLANTS[plant](skills[1])
    (planted,) = drifted()[label]
    # What every test ends with says the same as each rule by itself, however it is planned.
    each = {d.label: keys for d in REGISTRY if (keys := d.drifted_keys())}
    for few in (0, 2**40):
        monkeypatch.setattr(drift, "FEW_BYTES", few)
        assert drift.drifted() == each

    out = io.StringIO()
    with pytest.raises(CommandError) as failure:
        call_command("derived_fields", "check", stdout=out)
    told = command("refresh", label)

    assert failure.value.returncode == 1
    assert f"{label}: 1 rows differ: {planted}\n" in out.getvalue()
    rows = next(d for d in REGISTRY if d.label == label).rows()
    assert f"{label}: {rows.count()} rows re-evaluated" in told
    assert label not in drifted()
    command("refresh")
    assert "differ" not in command("check")


@pytest.mark.allow_drift
@pytest.mark.parametrize("few", [0, 2**40], ids=["planned anew", "prepared"])
def test_every_test_ends_with_what_the_rules_say_one_by_one(skills, few, monkeypatch):
    monkeypatch.setattr(drift, "FEW_BYTES", few)
    assert drift.drifted() == {}
    for skill in skills[1:]:
        PLANTS["traces.Trace.user_count"](skill)
        PLANTS["skills.Skill.badges"](skill)
        PLANTS["skills.SkillListing left over"](skill)

    each = {derivation.label: derivation.drifted_keys() for derivation in REGISTRY}

    assert len(each["skills.Skill.badges"]) == 2
    assert drift.drifted() == {label: keys for label, keys in each.items() if keys}


@pytest.mark.allow_drift
def test_check_of_one_field_leaves_the_others_out(skills):
    plant_field("badges")(skills[0])

    assert command("check", "skills.Skill.tags") == "skills.Skill.tags: right\n"
    with pytest.raises(CommandError):
        command("check", "skills.Skill.badges")


def test_an_unknown_field_is_refused_with_the_known_ones():
    with pytest.raises(CommandError, match=r"skills\.SkillListing"):
        command("check", "skills.Skill.nothing")


@pytest.mark.allow_drift
def test_a_refresh_re_evaluates_every_row_not_only_the_empty_ones(skills, monkeypatch):
    monkeypatch.setattr(derived, "BATCH", 2)
    for skill in skills:
        plant_field("badges")(skill)
    Skill._base_manager.update(latest_version_summary=None)
    SkillTotal.objects.bulk_create(SkillTotal(skill=skill) for skill in skills)
    many_comments(skills[0], create_user(handle="bob"), 3)
    for skill in skills:
        make_trace(skill)
    told: list[int] = []

    for derivation in REGISTRY:
        assert refresh_all(derivation, told.append) == 3

    assert told == [2, 1] * len(REGISTRY)
    assert drifted() == {}


@pytest.mark.allow_drift
def test_a_refresh_of_a_field_takes_the_cards_along(skills):
    badge = SkillBadge.objects.create(skill=skills[0], kind="official", reason="x")
    SkillBadge._base_manager.filter(pk=badge.pk)._raw_delete("default")

    command("refresh", "skills.Skill.badges")

    assert SkillListing.objects.get(skill=skills[0]).badges == {}
    assert drifted() == {}


def test_the_drift_of_a_card_alone_counts_no_matter_which_facet(skills):
    skills[0].categories, skills[0].topics = ["data"], ["csv"]
    skills[0].save()

    facets = SkillListing.objects.filter(skill=skills[0]).values_list("facet", flat=True)

    assert sorted(facets) == ["", "c:data", "c:data t:csv", "t:csv"]


# --- The guard of every database test ------------------------------------------------------------


def guard(*markers: str, fixtures: tuple[str, ...] = ("db",)):
    """Run the autouse fixture around a pretended test that has these markers."""
    node = SimpleNamespace(get_closest_marker=lambda name: name if name in markers else None)
    request = SimpleNamespace(
        node=node, fixturenames=[*fixtures], getfixturevalue=lambda _name: None
    )
    return conftest._no_drift._get_wrapped_function()(request)


@pytest.mark.allow_drift
def test_a_test_that_leaves_drift_fails(skills):
    around = guard()
    next(around)
    plant_field("badges")(skills[0])

    with pytest.raises(AssertionError, match=r"skills\.Skill\.badges"):
        next(around)


@pytest.mark.allow_drift
@pytest.mark.parametrize(
    "around", [guard("django_db", "allow_drift"), guard(fixtures=("tmp_path",))]
)
def test_the_guard_lets_go_who_plants_drift_and_who_has_no_database(skills, around):
    next(around)
    plant_field("badges")(skills[0])

    with pytest.raises(StopIteration):
        next(around)


@pytest.mark.allow_drift
def test_the_guard_sees_a_marked_test_without_the_fixture(skills):
    around = guard("django_db", fixtures=())
    next(around)
    plant_field("tags")(skills[0])

    with pytest.raises(AssertionError):
        next(around)


# --- System checks -------------------------------------------------------------------------------


@pytest.fixture
def declared():
    """Declare a field for one test; the registry is as before afterwards."""
    before = list(REGISTRY)

    def declare(name: str) -> None:
        DerivedField(target="skills.Skill", name=name, rule=lambda: None, sources={})

    yield declare
    REGISTRY[:] = before


def test_the_declared_fields_pass_the_system_checks():
    assert check_derived_fields() == []


@pytest.mark.allow_drift
@pytest.mark.parametrize(("name", "code"), [("slug", "config.E003"), ("nothing", "config.E004")])
def test_a_field_declared_wrong_is_an_error(declared, name, code):
    declared(name)

    assert [message.id for message in check_derived_fields()] == [code]

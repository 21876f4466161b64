"""A new version of a skill that stands: what it changes, what it keeps, what it must not undo."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.utils import timezone

from skills.models import HoldKind, Skill, SkillVersion
from skills.services import VersionWithdrawn
from skills.verdict import Word
from tests.config.rivals import meet
from tests.factories.skills import (
    NamespaceFactory,
    decided_on,
    hold,
    publish_skill,
    scanned,
)

PENDING = "scanner.static.pending"

# (scan state, scanner, decision) of the version before → whether the new one is doubtful.
DOUBTS = {
    ("clean", "static", ""): False,
    ("clean", "vt", ""): False,
    ("suspicious", "static", "approved"): False,
    ("failed", "static", ""): False,
    ("suspicious", "static", ""): True,
    ("suspicious", "vt", ""): True,
    ("suspicious", "static", "caution"): True,
    ("malicious", "static", ""): True,
}


@pytest.mark.django_db
@pytest.mark.parametrize(("former", "is_doubtful"), DOUBTS.items())
def test_a_new_version_is_live_and_inherits_doubts_and_no_praise(publish, former, is_doubtful):
    state, scanner, decision = former
    published = publish()
    scanned(published.version, state, scanner)
    decided_on(published.version, decision)

    publish(version="1.1.0")

    after = Skill.objects.get(pk=published.skill.pk)
    assert (after.moderation_status, after.moderation_reason) == ("active", PENDING)
    assert after.is_suspicious == is_doubtful
    assert after.status_word == (Word.UNDER_REVIEW if is_doubtful else Word.NOT_SCANNED)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", HoldKind)
def test_no_new_version_lifts_a_hold(publish, kind):
    skill = publish().skill
    hold(skill, kind)
    held = Skill.objects.get(pk=skill.pk)

    publish(version="1.1.0")

    after = Skill.objects.get(pk=skill.pk)
    assert (after.moderation_status, after.moderation_reason) == (
        held.moderation_status,
        held.moderation_reason,
    )


@pytest.mark.django_db
@pytest.mark.parametrize("decision", ["changes", "hidden"])
def test_a_new_version_is_not_held_with_the_one_before(publish, decision):
    published = publish()
    decided_on(published.version, decision)
    assert Skill.objects.get(pk=published.skill.pk).moderation_status == "hidden"

    publish(version="1.1.0")

    after = Skill.objects.get(pk=published.skill.pk)
    assert (after.moderation_status, after.moderation_reason) == ("active", PENDING)


@pytest.mark.django_db
def test_a_version_that_is_not_the_latest_leaves_the_verdict(publish):
    skill = publish().skill
    decided_on(skill.versions.get(), "approved")

    publish(version="2.0.0-beta", tags=["beta"])

    assert Skill.objects.get(pk=skill.pk).status_word == Word.CLEAN


@pytest.mark.django_db
def test_the_same_version_again_leaves_the_verdict(publish):
    skill = publish().skill
    Skill.objects.filter(pk=skill.pk).update(moderation_reason="scanner.static.clean")

    publish()

    assert Skill.objects.get(pk=skill.pk).status_word == Word.CLEAN


@pytest.mark.django_db
def test_what_is_not_said_is_kept_and_what_is_empty_is_cleared(publish):
    publish(categories=["data"], topics=["csv"])

    kept = publish(version="1.1.0").skill
    assert (kept.categories, kept.topics) == (["data"], ["csv"])
    cleared = publish(version="1.2.0", categories=[], topics=[]).skill
    assert (cleared.categories, cleared.topics) == (["other"], [])


@pytest.mark.django_db
def test_a_skill_whose_first_version_says_neither_is_among_the_others(publish):
    skill = publish().skill

    assert (skill.categories, skill.topics) == (["other"], [])


@pytest.mark.django_db
@pytest.mark.parametrize("files", [None, {"SKILL.md": "# Other\n"}])
def test_a_withdrawn_version_is_not_published_again_and_it_says_so(publish, files):
    version = publish().version
    SkillVersion.objects.filter(pk=version.pk).update(withdrawn_at=timezone.now())

    with pytest.raises(VersionWithdrawn, match="was withdrawn") as refusal:
        publish(files=files)

    assert (refusal.value.code, refusal.value.field) == ("version_withdrawn", "version")


COUNTED = {"downloads": 12, "stars": 3}


def hide(skill: Skill) -> None:
    with transaction.atomic():
        hold(Skill.objects.select_for_update(no_key=True).get(pk=skill.pk), "hidden")


@pytest.mark.django_db(transaction=True)
def test_what_others_write_meanwhile_is_not_undone():
    namespace = NamespaceFactory()
    skill = publish_skill(namespace=namespace).skill

    _counted, published = meet(
        lambda: Skill.objects.filter(pk=skill.pk).update(**COUNTED),
        lambda: publish_skill(namespace=namespace, version="1.1.0"),
    )

    assert published.created
    assert Skill.objects.filter(pk=skill.pk).values(*COUNTED).get() == COUNTED


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("comes_first", ["hide", "publish"])
def test_a_hide_beside_a_publish_stands(comes_first):
    namespace = NamespaceFactory()
    skill = publish_skill(namespace=namespace).skill
    acts = {
        "hide": lambda: hide(skill),
        "publish": lambda: publish_skill(namespace=namespace, version="1.1.0"),
    }

    meet(acts.pop(comes_first), *acts.values())

    after = Skill.objects.get(pk=skill.pk)
    assert (after.moderation_status, after.moderation_reason) == ("hidden", "manual.hidden")
    assert after.latest_version_summary["version"] == "1.1.0"

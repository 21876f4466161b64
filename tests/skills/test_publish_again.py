"""A new version of a skill that stands: what it changes, what it keeps, what it must not undo."""

from __future__ import annotations

import pytest
from django.utils import timezone

from skills.models import Skill, SkillVersion
from skills.services import VersionWithdrawn
from skills.verdict import Word
from tests.config.rivals import meet
from tests.factories.skills import NamespaceFactory, publish_skill

SUSPICIOUS = ["flagged.suspicious"]
PENDING = "scanner.static.pending"

# (status, flags, reason) before, the reason after, the public word after
STATES = [
    ("active", [], PENDING, PENDING, Word.NOT_SCANNED),
    ("active", [], "scanner.static.failed", "scanner.static.failed", Word.NOT_SCANNED),
    ("active", [], "scanner.static.clean", PENDING, Word.NOT_SCANNED),
    ("active", [], "scanner.vt.clean", PENDING, Word.NOT_SCANNED),
    ("active", [], "manual.approved", PENDING, Word.NOT_SCANNED),
    ("active", SUSPICIOUS, "scanner.static.suspicious", None, Word.UNDER_REVIEW),
    ("active", SUSPICIOUS, "manual.caution", None, Word.CAUTION),
    ("hidden", ["blocked.malware"], "scanner.static.malicious", None, Word.UNDER_REVIEW),
    ("hidden", [], "auto.reports", None, Word.UNDER_REVIEW),
    ("hidden", SUSPICIOUS, "manual.hidden", None, Word.UNDER_REVIEW),
    ("hidden", [], "auto.ban", None, Word.UNDER_REVIEW),
    ("hidden", [], "quality.low", None, Word.UNDER_REVIEW),
    ("removed", SUSPICIOUS, "manual.removed", None, Word.REMOVED),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("status", "flags", "reason", "then", "word"), STATES)
def test_a_new_version_inherits_doubts_and_holds_and_no_praise(
    publish, status, flags, reason, then, word
):
    skill = publish().skill
    Skill.objects.filter(pk=skill.pk).update(
        moderation_status=status, moderation_flags=flags, moderation_reason=reason
    )
    suspicious = Skill.objects.get(pk=skill.pk).is_suspicious

    publish(version="1.1.0")

    after = Skill.objects.get(pk=skill.pk)
    assert after.moderation_reason == (then or reason)
    assert after.status_word == word
    assert after.is_suspicious == suspicious
    assert (after.moderation_status, after.moderation_flags) == (status, flags)


@pytest.mark.django_db
def test_a_version_that_is_not_the_latest_leaves_the_verdict(publish):
    skill = publish().skill
    Skill.objects.filter(pk=skill.pk).update(moderation_reason="manual.approved")

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


HIDE = {"moderation_status": "hidden", "moderation_reason": "manual.hidden"}
COUNTED = {"downloads": 12, "stars": 3}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rival", [HIDE, COUNTED, {"moderation_reason": "manual.caution"}])
def test_what_others_write_meanwhile_is_not_undone(rival):
    namespace = NamespaceFactory()
    skill = publish_skill(namespace=namespace).skill
    Skill.objects.filter(pk=skill.pk).update(moderation_reason="scanner.static.clean")
    hide = Skill.objects.filter(pk=skill.pk)

    _hidden, published = meet(
        lambda: hide.update(**rival),
        lambda: publish_skill(namespace=namespace, version="1.1.0"),
    )

    assert published.created
    after = hide.values(*rival).get()
    assert after == rival


@pytest.mark.django_db(transaction=True)
def test_a_hide_that_comes_after_a_publish_waits_and_stands():
    namespace = NamespaceFactory()
    skill = publish_skill(namespace=namespace).skill
    hide = Skill.objects.filter(pk=skill.pk)

    meet(
        lambda: publish_skill(namespace=namespace, version="1.1.0"),
        lambda: hide.update(**HIDE),
    )

    assert hide.values(*HIDE).get() == HIDE
    assert hide.get().latest_version_summary["version"] == "1.1.0"

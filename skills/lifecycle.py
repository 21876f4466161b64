"""What an owner does with a skill that stands: delete and restore it or one version, and tag.

Each locks the skill, so it comes before or after whoever decides about it, and is a transaction
with its audit row; repeated, it is success and writes nothing. An owner undoes what an owner did:
what staff, reports, a ban or a scan hold back stays held, and says so.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models.functions import Now
from django.utils import timezone

from accounts import audit
from accounts.models import User
from config.derived import deferred
from config.text import clean_line
from skills import lookup, verdict
from skills.gates import RESERVED_FOR
from skills.locks import lock_skills
from skills.models import (
    HoldKind,
    ModerationStatus,
    Skill,
    SkillHold,
    SkillTag,
    SkillVersion,
)
from skills.services import TagInvalid, clean_tags, point_tags
from skills.standing import LATEST, point_latest, settle
from skills.transfers import cancel_pending

REASON_LENGTH: Final = 300
MAX_TAGS_OF_SKILL: Final = 100
# Holds that a person placed: nothing the owner does comes past them.
BY_STAFF: Final = frozenset({HoldKind.REMOVED, HoldKind.BAN, HoldKind.HIDDEN})


def delete_skill(*, skill: Skill, actor: User, reason: str = "") -> datetime:
    """Take a skill off the site; return until when its name is kept from others.

    Everything stays stored, and `restore_skill` brings it back. Raises `Withheld` for what a
    moderator removed, and for what was merged away.
    """
    with deferred():
        (skill,) = lock_skills(skill)
        lookup.refuse_merged(skill)
        if skill.moderation_status == ModerationStatus.REMOVED:
            lookup.refuse_hidden(skill)
        if skill.soft_deleted_at is None:
            skill.soft_deleted_at = timezone.now()
            Skill.objects.filter(pk=skill.pk).update(soft_deleted_at=skill.soft_deleted_at)
            cancel_pending(skill, actor=actor)
            told = clean_line(reason, REASON_LENGTH)
            audit.record(actor=actor, verb="skill.delete", thing=skill, reason=told)
        return skill.soft_deleted_at + RESERVED_FOR


def restore_skill(*, skill: Skill, actor: User, reason: str = "") -> None:
    """Bring back what its owner deleted. Raises `Withheld` where somebody else holds it."""
    with deferred():
        (skill,) = lock_skills(skill)
        lookup.refuse_merged(skill)
        holds = set(SkillHold.objects.filter(skill=skill).values_list("kind", flat=True))
        is_held = skill.moderation_status != ModerationStatus.ACTIVE
        if holds & BY_STAFF or (is_held and skill.soft_deleted_at is None):
            raise lookup.Withheld(
                f"{verdict.explain_to_owner(skill)} Only moderators can bring it back.",
                slug=skill.slug,
                code="hidden",
            )
        if skill.soft_deleted_at is None:
            return
        Skill.objects.filter(pk=skill.pk).update(soft_deleted_at=None, restored_at=Now())
        told = clean_line(reason, REASON_LENGTH)
        audit.record(actor=actor, verb="skill.restore", thing=skill, reason=told)


def withdraw_version(*, skill: Skill, version: str, actor: User) -> None:
    """Take one version off the site; `latest` goes back to the newest that is left.

    Undone by `restore_version`. Raises `VersionNotFound`.
    """
    with deferred():
        (skill,) = lock_skills(skill)
        found = _lock_version(skill, version)
        if found.withdrawn_at is not None:
            return
        found.withdrawn_at = timezone.now()
        _store_withdrawal(skill, found, actor, "version.withdraw")


def restore_version(*, skill: Skill, version: str, actor: User) -> None:
    """Bring a withdrawn version back; tags stay, unless `latest` leads to nothing.

    Raises `VersionNotFound`, and `Withheld` for what is blocked.
    """
    with deferred():
        (skill,) = lock_skills(skill)
        found = _lock_version(skill, version)
        if found.is_blocked:
            # Whether or not it was withdrawn, too: that is said first, and is not the reason.
            found.withdrawn_at = None
            lookup.require_available(found)
        if found.withdrawn_at is None:
            return
        found.withdrawn_at = None
        _store_withdrawal(skill, found, actor, "version.restore")


def _store_withdrawal(skill: Skill, version: SkillVersion, actor: User, verb: str) -> None:
    version.save(update_fields=["withdrawn_at"])
    named = SkillTag.objects.filter(skill=skill, name=LATEST).select_related("version").first()
    leads_nowhere = named is not None and not named.version.is_available
    point_latest(skill=skill, version=version, was_blocked=leads_nowhere)
    settle([skill.pk])
    audit.record(actor=actor, verb=verb, thing=skill, after={"version": version.version})


def set_tag(*, skill: Skill, version: str, tag: str, actor: User) -> SkillTag:
    """Let a tag point at a version that can be installed; return it, with its version.

    Raises `TagInvalid`, `VersionNotFound`, `Withheld`.
    """
    (name,) = clean_tags([tag])
    with deferred():
        (skill,) = lock_skills(skill)
        found = lookup.require_available(_lock_version(skill, version))
        rows = SkillTag.objects.filter(skill=skill, name=name)
        row: SkillTag | None = rows.select_related("version").first()
        if row is not None and row.version_id == found.pk:
            return row
        if row is None and skill.tag_rows.count() >= MAX_TAGS_OF_SKILL:
            raise TagInvalid(f"A skill has at most {MAX_TAGS_OF_SKILL} tags.", field="tag")
        before = {} if row is None else {"tag": name, "version": row.version.version}
        pointed = SkillTag(skill=skill, name=name, version=found)
        point_tags([pointed])
        if name == LATEST:
            settle([skill.pk])
        after = {"tag": name, "version": found.version}
        audit.record(actor=actor, verb="skill.tag", thing=skill, before=before, after=after)
        return pointed


def _lock_version(skill: Skill, version: str) -> SkillVersion:
    found = lookup.find_version(skill, version)
    rows = SkillVersion.objects.without_texts().select_for_update(no_key=True)
    locked: SkillVersion = rows.get(pk=found.pk)
    locked.skill = skill
    return locked

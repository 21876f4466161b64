"""Other names for a skill: rename it, or merge it into another; the old name leads on.

Both lock the namespaces, in key order, then the skills: nobody publishes under a name meanwhile.
"""

from __future__ import annotations

from typing import Final

from django.utils import timezone

from accounts import audit
from accounts.models import AuditEvent, User
from config.derived import deferred
from config.errors import DomainError
from skills import gates, lookup
from skills.locks import lock_with_namespaces
from skills.models import Skill, SkillAlias
from skills.services import SlugTaken
from skills.slugs import validate_new_slug
from skills.transfers import cancel_pending

# A name that leads elsewhere is kept from others for a while, so that one skill cannot take many.
MAX_OLD_NAMES: Final = 20
RENAMED: Final = "skill.rename"


class TooManyNames(DomainError):
    code = "too_many_names"


class MergeRefused(DomainError):
    code = "merge_refused"


def rename_skill(*, skill: Skill, slug: str, actor: User) -> Skill:
    """Give a skill another slug; the old one leads to it. Repeated, it writes nothing.

    Raises `SlugRefused`, `SlugReserved`, `SlugTaken`, `TooManyNames`, and `Withheld` for a skill
    that is not public.
    """
    slug = validate_new_slug(slug)
    with deferred():
        _spaces, (skill,) = lock_with_namespaces(skill)
        if skill.slug == slug:
            return skill
        lookup.require_public(skill)
        _refuse_taken(skill, slug)
        gates.refuse_reserved([gates.Newcomer(skill.namespace_id, slug, actor, "", "")])
        before = {"slug": skill.slug}
        # Back to a name it had: that is none of its old names any more.
        SkillAlias.objects.filter(namespace=skill.namespace_id, slug=slug, skill=skill).delete()
        _add_alias(skill, skill, field="newSlug")
        Skill.objects.filter(pk=skill.pk).update(slug=slug)
        skill.slug = slug
        audit.record(actor=actor, verb=RENAMED, thing=skill, before=before, after={"slug": slug})
        return skill


def previous_slug(skill: Skill) -> str:
    """Return the name that a skill had before its last rename; its own where it had no other.

    Read from what was recorded: among the old names are those of skills that were merged into it.
    """
    last = AuditEvent.objects.of(skill).filter(verb=RENAMED).first()
    return skill.slug if last is None else str(last.before["slug"])


def merge_skills(*, source: Skill, target: Skill, actor: User) -> None:
    """Hide `source` and let its names, old ones included, lead to `target`.

    Its versions, stars and counts stay with it, hidden; nothing undoes that. Repeated, it writes
    nothing. Raises `MergeRefused`, `TooManyNames`, and `Withheld` for what is not public.
    """
    with deferred():
        _spaces, (source, target) = lock_with_namespaces(source, target)
        if source.pk == target.pk:
            raise MergeRefused("A skill cannot be merged into itself; name another one.")
        if source.merged_at is not None:
            leads = SkillAlias.objects.filter(namespace=source.namespace_id, slug=source.slug)
            if leads.filter(skill=target).exists():
                return
            raise MergeRefused(f"{source.slug} was merged into another skill already.")
        lookup.require_public(source)
        lookup.require_public(target)
        SkillAlias.objects.filter(skill=source).update(skill=target)
        _add_alias(source, target, field="targetSlug")
        now = timezone.now()
        Skill.objects.filter(pk=source.pk).update(soft_deleted_at=now, merged_at=now)
        cancel_pending(source, actor=actor)
        audit.record(actor=actor, verb="skill.merge", thing=source, after={"into": str(target)})


def _refuse_taken(skill: Skill, slug: str) -> None:
    """Raise `SlugTaken` where another skill of the namespace has this name, or had it."""
    others = Skill.objects.filter(namespace=skill.namespace_id, slug=slug).exists()
    former = SkillAlias.objects.filter(namespace=skill.namespace_id, slug=slug)
    if others or former.exclude(skill=skill).exists():
        raise SlugTaken(f"@{skill.owner_handle} has or had another skill {slug}; choose a name.")


def _add_alias(source: Skill, target: Skill, *, field: str) -> None:
    """Let the name of `source` lead to `target`. Raises `TooManyNames`."""
    if target.aliases.count() >= MAX_OLD_NAMES:
        raise TooManyNames(f"A skill has at most {MAX_OLD_NAMES} old names.", field=field)
    SkillAlias.objects.create(namespace_id=source.namespace_id, slug=source.slug, skill=target)

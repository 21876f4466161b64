"""From what somebody typed to the skill, version or file they may have; refusals say why.

A bare slug, `@owner/slug`, or a slug with the owner beside it; old names lead to the new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NoReturn

from accounts.policy import Actor
from config.errors import DomainError
from skills import verdict
from skills.models import (
    HOLDING,
    ModerationStatus,
    Skill,
    SkillAlias,
    SkillFile,
    SkillTag,
    SkillVersion,
)
from skills.models.skill import SLUG_LENGTH
from skills.querysets import SkillQuerySet

# The clients look for this phrase, in any letter case, to decide "this is new".
NOT_FOUND: Final = "Skill not found"
# Owners of one bare name that an answer lists.
MAX_MATCHES: Final = 20


class SkillNotFound(DomainError):
    code = "skill_not_found"

    def __init__(self) -> None:
        super().__init__(NOT_FOUND)


class NotOwner(DomainError):
    """It is not this actor's to change."""

    code = "not_owner"


def not_manager(skill: Skill) -> NotOwner:
    """The refusal to who may publish versions of a skill, and not this."""
    return NotOwner(f"Only owners and admins of @{skill.owner_handle} may do this.")


class VersionNotFound(DomainError):
    code = "version_not_found"


class FileNotInVersion(DomainError):
    code = "file_not_found"


class Withheld(DomainError):
    """It exists, and this caller may be told why it is not handed out; the code says why.

    Codes: `deleted`, `removed`, `hidden`, `withdrawn`, `malicious`. `slug` is the skill's.
    """

    def __init__(self, message: str, *, slug: str, code: str) -> None:
        super().__init__(message, code=code)
        self.slug = slug


class AmbiguousSlug(DomainError):
    """Several owners use this slug; `matches` are the visible ones."""

    code = "AMBIGUOUS_SKILL_SLUG"

    def __init__(self, slug: str, matches: Sequence[Skill]) -> None:
        super().__init__("Several publishers use this name; choose one by @owner/name.")
        self.slug = slug
        self.matches = matches


def typed_handle(text: str) -> str:
    """Return the handle that somebody typed, with or without @, in any letter case."""
    return text.strip().lstrip("@").lower()


def split_reference(slug: str, owner: str = "") -> tuple[str, str]:
    """Return (owner, slug) of `slug`, `@owner/slug` or `owner/slug`; the owner may be empty."""
    slug, owner = slug.strip(), typed_handle(owner)
    if "/" in slug:
        named, _, slug = slug.partition("/")
        owner = owner or typed_handle(named)
    return owner, slug


def find_skill(actor: Actor, slug: str, owner: str = "") -> Skill:
    """Return the visible skill of this name.

    Raises `SkillNotFound`; `AmbiguousSlug` for a bare slug with several visible owners; for an
    owner or staff `Withheld` tells what keeps it from the public.
    """
    skill = find_known(actor, slug, owner)
    if not skill.is_public:
        refuse_hidden(skill)
    return skill


def find_known(actor: Actor, slug: str, owner: str = "") -> Skill:
    """Return the skill of this name that the actor may know of, hidden ones of theirs included.

    Raises `SkillNotFound`; `AmbiguousSlug` for a bare slug with several public owners.
    """
    for named in _named(*split_reference(slug, owner)):
        visible = list(named.visible_to(actor).order_by("id")[:MAX_MATCHES])
        public = [skill for skill in visible if skill.is_public]
        if len(public) > 1:
            raise AmbiguousSlug(public[0].slug, public)
        if visible:
            found: Skill = (public or visible)[0]
            return found
    raise SkillNotFound


def find_own(actor: Actor, slug: str, owner: str = "", *, merged_too: bool = False) -> Skill:
    """Return the skill of this name that the actor speaks for, whatever its state.

    Old names lead to it, unless `merged_too` asks for what bears the name itself and was merged
    away. Raises `SkillNotFound`; `NotOwner` for a skill of somebody else's that the actor may see;
    `AmbiguousSlug` where several of theirs have the name.
    """
    for named in _named(*split_reference(slug, owner), merged_too=merged_too):
        mine = list(named.filter(namespace__in=actor.namespace_ids).order_by("id")[:MAX_MATCHES])
        if len(mine) > 1:
            raise AmbiguousSlug(mine[0].slug, mine)
        if mine:
            found: Skill = mine[0]
            return found
    other = find_known(actor, slug, owner)
    raise NotOwner(f"Only @{other.owner_handle} may do this; moderators decide in their queue.")


def find_installable(actor: Actor, slug: str, owner: str = "") -> Skill:
    """Return the skill whose files are handed out under this name.

    Everybody is told that it is hidden or removed (the truth table's "install" column); only what
    its owner deleted is simply not found.
    """
    try:
        skill = find_skill(actor, slug, owner)
    except SkillNotFound:
        for named in _named(*split_reference(slug, owner)):
            held = named.filter(soft_deleted_at__isnull=True).order_by("id").first()
            if held is not None:
                refuse_hidden(held)
        raise
    if verdict.is_malware_blocked(skill):
        refuse_hidden(skill)
    return skill


def find_public_ids(names: Iterable[tuple[str, str]]) -> set[int]:
    """Return the ids of the public skills of these (owner, slug); "" as owner: whoever has it.

    Names that are unknown, hidden, or borne by several owners are passed over. At most two
    statements, however many names: the second for names that skills once bore.
    """
    wanted = {name for name in names if 0 < len(name[1]) <= SLUG_LENGTH}
    slugs = {slug for _owner, slug in wanted}
    if not slugs:
        return set()
    public = Skill.objects.public()
    found = _ids(wanted, public.filter(slug__in=slugs).values_list("owner_handle", "slug", "pk"))
    former = wanted - found.keys()
    if former:
        aliases = SkillAlias.objects.filter(slug__in={slug for _owner, slug in former})
        rows = aliases.filter(skill__in=public).values_list("namespace__handle", "slug", "skill")
        found |= _ids(former, rows)
    return set(found.values())


def _ids(
    wanted: Iterable[tuple[str, str]], rows: Iterable[tuple[str, str, int]]
) -> dict[tuple[str, str], int]:
    bearers: dict[str, dict[str, int]] = {}
    for owner, slug, pk in rows:
        bearers.setdefault(slug, {})[owner] = pk
    found = {}
    for owner, slug in wanted:
        owners = bearers.get(slug, {})
        mine = [owners[owner]] if owner in owners else [] if owner else list(owners.values())
        if len(mine) == 1:
            found[owner, slug] = mine[0]
    return found


def _named(owner: str, slug: str, *, merged_too: bool = False) -> Iterator[SkillQuerySet]:
    """Yield the skills that bear this name, then those that bore it; in lower case last.

    One that was merged away bears it no more.
    """
    for name in dict.fromkeys((slug, slug.lower())):
        if 0 < len(name) <= SLUG_LENGTH:
            bearing = Skill.objects.filter(slug=name)
            if not merged_too:
                bearing = bearing.filter(merged_at__isnull=True)
            former = SkillAlias.objects.filter(slug=name)
            if owner:
                bearing = bearing.filter(owner_handle=owner)
                former = former.filter(namespace__handle=owner)
            yield bearing
            yield Skill.objects.filter(pk__in=former.values("skill"))


def require_public(skill: Skill) -> None:
    """Raise the `Withheld` of a skill that is not public."""
    if not skill.is_public:
        refuse_hidden(skill)


def refuse_merged(skill: Skill) -> None:
    """Raise `Withheld` for a skill that was merged away, which cannot be undone."""
    if skill.merged_at is not None:
        raise Withheld(
            f"{skill.slug} was merged into another skill, and that cannot be undone.",
            slug=skill.slug,
            code="hidden",
        )


def refuse_hidden(skill: Skill) -> NoReturn:
    """Raise the `Withheld` that says what keeps this skill from the public."""
    refuse_merged(skill)
    if skill.soft_deleted_at is not None:
        raise Withheld(
            f"@{skill.owner_handle}/{skill.slug} was deleted by its owner; run undelete to bring"
            " it back.",
            slug=skill.slug,
            code="deleted",
        )
    if skill.moderation_status == ModerationStatus.REMOVED:
        raise Withheld(f"{skill.slug} was removed by a moderator.", slug=skill.slug, code="removed")
    if verdict.is_malware_blocked(skill):
        raise Withheld(
            f"{skill.slug} is blocked: a scan found malware.", slug=skill.slug, code="malicious"
        )
    if skill.moderation_status == ModerationStatus.HIDDEN:
        raise Withheld(
            f"{skill.slug} is hidden while moderators review it.", slug=skill.slug, code="hidden"
        )
    raise Withheld(
        f"Every version of {skill.slug} was withdrawn.", slug=skill.slug, code="withdrawn"
    )


def find_version(
    skill: Skill, version: str = "", tag: str = "", *, texts: bool = False
) -> SkillVersion:
    """Return the version asked for, the one behind `tag`, or the latest; its texts on request.

    Raises `VersionNotFound`.
    """
    rows = SkillVersion.objects.filter(skill=skill)
    rows = rows if texts else rows.without_texts()
    if version:
        named = version.strip().removeprefix("v")
        found: SkillVersion | None = rows.filter(version=named).first()
    else:
        wanted = SkillTag.objects.filter(skill=skill, name=tag or "latest")
        found = rows.filter(pk__in=wanted.values("version")).first()
    if found is None:
        raise VersionNotFound("Version not found")
    return found


def require_available(version: SkillVersion) -> SkillVersion:
    """Return the version if its files may be read. Raises `Withheld`."""
    if version.withdrawn_at is not None:
        raise Withheld(
            f"Version {version.version} was withdrawn.", slug=version.skill.slug, code="withdrawn"
        )
    if version.decision in HOLDING:
        raise Withheld(
            f"Version {version.version} is held by a moderator.",
            slug=version.skill.slug,
            code="hidden",
        )
    if version.is_blocked:
        raise Withheld(
            f"Version {version.version} is blocked: a scan found malware.",
            slug=version.skill.slug,
            code="malicious",
        )
    return version


def find_file(version: SkillVersion, path: str) -> SkillFile:
    """Return a file by its exact path, else by its path in any letter case.

    Raises `FileNotInVersion`.
    """
    files = version.files.select_related("blob")
    found = files.filter(path=path).first() or files.filter(path__iexact=path).first()
    if found is None:
        raise FileNotInVersion(f"Version {version.version} has no file of this path.")
    return found

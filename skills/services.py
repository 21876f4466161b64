"""What can be done with skills: the only place that writes more than one of their rows.

Import, command line and web form all publish through `publish_versions`; one version is a batch
of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import semver
from django.db import transaction
from django.utils import timezone
from django_q.tasks import async_task

from accounts import audit
from accounts.models import Namespace, User
from config.derived import deferred, own_columns
from config.errors import DomainError
from config.text import clean_line, refuse_unstorable
from jobs.schedules import SCHEDULED_TASK
from skills import bans, gates, packing, tickets
from skills.bundle import Bundle
from skills.fingerprint import fingerprints
from skills.models import (
    Badge,
    HoldKind,
    Skill,
    SkillAlias,
    SkillBadge,
    SkillFile,
    SkillHold,
    SkillTag,
    SkillVersion,
    VersionFingerprint,
    VersionSource,
)
from skills.slugs import clean_categories, clean_topics, validate_new_slug
from skills.standing import LATEST, Standing, settle

# What names a skill: its namespace's primary key and its slug.
Key = tuple[int, str]

# Scans are the business of an app above; its job is known by name.
SCAN_JOB: Final = "scan_versions"
MAX_TAGS: Final = 20
# What a publish says of a skill that stands; every other column is somebody else's.
SAID: Final = ("display_name", "summary", "categories", "topics", "updated_at")

VERSION_LENGTH: Final = 100
NAME_LENGTH: Final = 200
CHANGELOG_LENGTH: Final = 20_000
TAG_LENGTH: Final = 64


class VersionInvalid(DomainError):
    code = "version_invalid"


class VersionExists(DomainError):
    code = "version_exists"


class VersionWithdrawn(VersionExists):
    code = "version_withdrawn"


class TagInvalid(DomainError):
    code = "tag_invalid"


class NameMissing(DomainError):
    code = "display_name_missing"


class AccountBanned(DomainError):
    code = "account_banned"


class BatchRefused(DomainError):
    code = "batch_repeats_skill"


class SlugTaken(DomainError):
    """Another skill of the namespace has this name, or had it."""

    code = "slug_taken"


@dataclass(frozen=True)
class Publication:
    """What an author says about a version beside its files."""

    slug: str
    version: str
    display_name: str
    changelog: str = ""
    summary: str = ""
    license: str = "MIT-0"
    tags: Sequence[str] = (LATEST,)
    # None says nothing of them: a new version keeps what the skill has.
    categories: Sequence[str] | None = None
    topics: Sequence[str] | None = None
    source: str = VersionSource.WEB
    # Only an import says when; everybody else publishes now.
    published_at: datetime | None = None
    # An import keeps slugs that break the rules for new ones.
    keep_slug: bool = False


@dataclass(frozen=True)
class Published:
    """The version that stands now, and whether this call made it."""

    skill: Skill
    version: SkillVersion
    created: bool


@dataclass(frozen=True)
class Submission:
    """A version to publish: in whose name, which files, what is said of it, by whom."""

    namespace: Namespace
    bundle: Bundle
    publication: Publication
    actor: User | None = None
    # The upload tickets that its files came by; a version that is made uses them up.
    tickets: frozenset[int] = frozenset()


class _Checked:
    """A submission after validation, with what is computed from its files once."""

    def __init__(self, submission: Submission) -> None:
        self.namespace = submission.namespace
        self.bundle = submission.bundle
        self.actor = submission.actor
        self.tickets = submission.tickets
        self.said = _validated(submission.publication)
        self.fingerprints = fingerprints((f.path, f.sha256) for f in self.bundle.files)
        self.when = self.said.published_at or timezone.now()

    @property
    def newcomer(self) -> gates.Newcomer:
        """Return it as the gates look at a new skill."""
        description = self.said.summary or self.bundle.summary
        return gates.Newcomer(*self.key, self.actor, self.bundle.body, description)

    @property
    def key(self) -> Key:
        """Return what names the skill."""
        return self.namespace.pk, self.said.slug


def publish_version(
    *,
    namespace: Namespace,
    bundle: Bundle,
    publication: Publication,
    actor: User | None,
    tickets: frozenset[int] = frozenset(),
) -> Published:
    """Publish `bundle` as a version of a skill; the skill is made when it is the first.

    Idempotent: the same version with the same files is success again and writes nothing. Raises
    `VersionExists` when it stands with other files, `AccountBanned`, `TicketRefused`, and the
    refusals of slug, version, tag, category and topic. Whole or nothing: content is stored first
    (a kill leaves orphans for the sweep), then one transaction makes every row. Two at once wait
    for each other on the namespace, and so does a ban of its owner.
    """
    return publish_versions([Submission(namespace, bundle, publication, actor, tickets)])[0]


def rehearse(submission: Submission) -> Published:
    """Say what publishing this would come to, and take it back. Raises what `publish_version` does.

    The content of its files is stored already. Nothing is written: no ZIP is made either, one of
    the files stands in for it.
    """
    checked = _Checked(submission)
    with transaction.atomic():
        if (done := _standing([checked]).get(checked.key)) is None:
            with deferred():
                made = _insert([checked], {checked.key: checked.bundle.files[0].sha256})
            done = made[checked.key]
            _reread([done.skill])
        transaction.set_rollback(True)
    return done


def publish_versions(submissions: Sequence[Submission]) -> list[Published]:
    """Publish versions of different skills, all or none, with the statements of one.

    What `publish_version` promises holds for each. Raises `BatchRefused` for a skill named twice.
    """
    checked = [_Checked(submission) for submission in submissions]
    if len({one.key for one in checked}) < len(checked):
        raise BatchRefused("A batch holds each skill once; publish its versions one by one.")
    done = _standing(checked)
    fresh = [one for one in checked if one.key not in done]
    if fresh:
        archives = packing.store_with_archives([one.bundle for one in fresh])
        with deferred():
            done |= _insert(fresh, dict(zip([one.key for one in fresh], archives, strict=True)))
        _reread([done[one.key].skill for one in fresh])
    return [done[one.key] for one in checked]


def _insert(fresh: Sequence[_Checked], archives: Mapping[Key, str]) -> dict[Key, Published]:
    """Make every row; the caller's transaction is still open."""
    # Publishes into one namespace queue up here; the second sees what the first made.
    locked = Namespace.objects.select_for_update(no_key=True).order_by("pk")
    named = locked.filter(pk__in={one.namespace.pk for one in fresh})
    owners = dict(named.values_list("pk", "user"))
    actors = {one.actor.pk for one in fresh if one.actor is not None}
    banned = bans.banned_among([*owners.values(), *actors])
    if actors & banned:
        raise AccountBanned("This account is banned; it can publish nothing.")
    former = _former(fresh)
    done = _standing([one for one in fresh if one.key in former])
    fresh = [one for one in fresh if one.key not in done]
    if merged := [skill for skill in former.values() if skill.merged_at is not None]:
        raise SlugTaken(
            f"{merged[0].slug} was merged into another skill; publish under the name of that one.",
            field="slug",
        )
    newcomers = [
        one.newcomer
        for one in fresh
        if one.key not in former and one.said.source != VersionSource.IMPORT
    ]
    gates.refuse_reserved(newcomers)
    gates.refuse_too_many(newcomers, timezone.now())
    tickets.use({ticket for one in fresh for ticket in one.tickets})
    skills = _save_skills(fresh, former)
    versions = SkillVersion.objects.bulk_create(
        _version(one, skills[one.key], archives[one.key]) for one in fresh
    )
    pairs = list(zip(fresh, versions, strict=True))
    SkillFile.objects.bulk_create(
        SkillFile(version=version, path=f.path, blob_id=f.sha256, content_type=f.content_type)
        for one, version in pairs
        for f in one.bundle.files
    )
    VersionFingerprint.objects.bulk_create(
        VersionFingerprint(version=version, skill=version.skill, fingerprint=fingerprint)
        for one, version in pairs
        for fingerprint in sorted(one.fingerprints)
    )
    _point_tags(pairs)
    held = _hold_back(newcomers, skills)
    settle(skills[key].pk for key in (skills.keys() & former.keys()) | held)
    bans.place_holds(
        [skill.pk for skill in skills.values() if owners[skill.namespace_id] in banned], actor=None
    )
    if versions:
        # Only a wake-up: the job finds what waits, every minute, also where this one gets lost.
        async_task(SCHEDULED_TASK, SCAN_JOB)
    audit.record_all(
        audit.event(
            actor=one.actor,
            verb="skill.publish",
            thing=version.skill,
            label=f"@{one.namespace.handle}/{one.said.slug}",
            after={"version": version.version, "source": version.source},
        )
        for one, version in pairs
    )
    return done | {
        one.key: Published(version.skill, version, created=True) for one, version in pairs
    }


def _validated(publication: Publication) -> Publication:
    """Return the publication with every text cleaned. Raises the refusals."""
    number = publication.version
    if not semver.Version.is_valid(number) or len(number) > VERSION_LENGTH:
        raise VersionInvalid(
            f"“{clean_line(number, 40)}” is no version; write it like 1.4.0.",
            field="version",
        )
    display_name = clean_line(publication.display_name, NAME_LENGTH)
    if not display_name:
        raise NameMissing("Give the skill a display name.", field="displayName")
    return replace(
        publication,
        slug=publication.slug if publication.keep_slug else validate_new_slug(publication.slug),
        display_name=display_name,
        changelog=refuse_unstorable(publication.changelog[:CHANGELOG_LENGTH], field="changelog"),
        summary=clean_line(publication.summary, 300),
        license=clean_line(publication.license, 64),
        tags=clean_tags(publication.tags),
        categories=_unless_absent(clean_categories, publication.categories),
        topics=_unless_absent(clean_topics, publication.topics),
    )


def _unless_absent(
    clean: Callable[[Iterable[str]], tuple[str, ...]], said: Iterable[str] | None
) -> tuple[str, ...] | None:
    return None if said is None else clean(said)


def clean_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return the distinct tags; without any, `latest`. Raises `TagInvalid`."""
    cleaned = list(dict.fromkeys(tag.strip() for tag in tags if tag.strip())) or [LATEST]
    for tag in cleaned:
        printable = tag.isascii() and tag.isprintable() and len(tag) <= TAG_LENGTH
        if not printable or tag[0] in "$_":
            raise TagInvalid(
                "A tag is up to 64 printable ASCII characters and starts with a letter or digit.",
                field="tags",
            )
    if len(cleaned) > MAX_TAGS:
        raise TagInvalid(f"At most {MAX_TAGS} tags a version.", field="tags")
    return tuple(cleaned)


def _standing(checked: Sequence[_Checked]) -> dict[Key, Published]:
    """Return the versions that these publications repeat. Raises `VersionExists`."""
    if not checked:
        return {}
    wanted = {(*one.key, one.said.version): one for one in checked}
    # The usual answer is "none", and composing a query of whole rows costs more than asking.
    near = SkillVersion.objects.filter(
        skill__namespace__in={one.namespace.pk for one in checked},
        skill__slug__in={one.said.slug for one in checked},
        version__in={one.said.version for one in checked},
    ).values_list("pk", "skill__namespace_id", "skill__slug", "version")
    found = {pk: wanted[tuple(name)] for pk, *name in near if tuple(name) in wanted}
    if not found:
        return {}
    versions = SkillVersion.objects.select_related("skill").without_texts().in_bulk(found)
    return {one.key: _repeated(one, versions[pk]) for pk, one in found.items()}


def _repeated(one: _Checked, version: SkillVersion) -> Published:
    if version.withdrawn_at is not None:
        raise VersionWithdrawn(
            f"Version {version.version} was withdrawn, and a version is published only once;"
            " publish under a higher version.",
            field="version",
        )
    stored = set(version.fingerprints.values_list("fingerprint", flat=True))
    if stored != one.fingerprints:
        raise VersionExists(
            f"Version {version.version} is already published with other files;"
            " publish your change under a higher version.",
            field="version",
        )
    return Published(version.skill, version, created=False)


def _former(checked: Sequence[_Checked]) -> dict[Key, Skill]:
    """Lock and return the skills that stand under these names, in key order.

    Locked, because a moderator may be deciding about one: their word must not be overwritten.
    """
    keys = {one.key for one in checked}
    near = Skill.objects.select_for_update(no_key=True).filter(
        namespace__in={namespace for namespace, _slug in keys}, slug__in={slug for _n, slug in keys}
    )
    found = {(skill.namespace_id, skill.slug): skill for skill in near.order_by("pk")}
    return {key: skill for key, skill in found.items() if key in keys}


def _save_skills(fresh: Sequence[_Checked], former: Mapping[Key, Skill]) -> dict[Key, Skill]:
    """Make the new skills and let the former ones say what was said last."""
    skills = {}
    for one in fresh:
        skill = former.get(one.key) or Skill(
            namespace=one.namespace,
            slug=one.said.slug,
            categories=list(clean_categories(())),
            created_at=one.when,
        )
        _say(skill, one)
        skills[one.key] = skill
    new = [skill for key, skill in skills.items() if key not in former]
    if new:
        _drop_aliases(new)
        Skill.objects.bulk_create(new)
    for key in skills.keys() & former.keys():
        skills[key].save(update_fields=SAID)
    return skills


def _say(skill: Skill, one: _Checked) -> None:
    """Let a skill say what its new version says of it; writes no row."""
    skill.display_name = one.said.display_name
    skill.summary = one.said.summary or one.bundle.summary
    if one.said.categories is not None:
        skill.categories = list(one.said.categories)
    if one.said.topics is not None:
        skill.topics = list(one.said.topics)
    skill.updated_at = one.when


def _hold_back(newcomers: Sequence[gates.Newcomer], skills: Mapping[Key, Skill]) -> set[Key]:
    """Hold the new skills that do not pass the quality gate; return which.

    Only the hold: once its scan has ended, the skill joins the queue and its owner is told.
    """
    failing = gates.find_failings(newcomers, timezone.now())
    if failing:
        SkillHold.objects.bulk_create(
            SkillHold(skill=skills[key], kind=HoldKind.QUALITY, detail=told[:300])
            for key, told in failing.items()
        )
    return set(failing)


def _drop_aliases(new: Sequence[Skill]) -> None:
    """Let new skills take their names over from old ones that only lead elsewhere."""
    keys = {(skill.namespace_id, skill.slug) for skill in new}
    near = SkillAlias.objects.filter(slug__in={slug for _namespace, slug in keys})
    taken = [alias.pk for alias in near if (alias.namespace_id, alias.slug) in keys]
    if taken:
        SkillAlias.objects.filter(pk__in=taken).delete()


def _version(one: _Checked, skill: Skill, archive: str) -> SkillVersion:
    said, bundle = one.said, one.bundle
    return SkillVersion(
        skill=skill,
        version=said.version,
        changelog=said.changelog,
        changelog_source="user" if said.changelog else "auto",
        license=said.license,
        source=said.source,
        published_by=one.actor,
        metadata=bundle.metadata.to_json(),
        warnings=list(bundle.warnings),
        readme=bundle.readme,
        readme_path=bundle.readme_path,
        file_count=len(bundle.files),
        size_bytes=bundle.size_bytes,
        archive_id=archive,
        presumed_suspicious=skill.is_suspicious,
        is_prerelease=LATEST not in said.tags,
        created_at=one.when,
    )


def _point_tags(pairs: Sequence[tuple[_Checked, SkillVersion]]) -> None:
    point_tags(
        SkillTag(skill=version.skill, name=name, version=version)
        for one, version in pairs
        for name in sorted(one.said.tags)
    )


def point_tags(tags: Iterable[SkillTag]) -> None:
    """Let tags point at versions, new ones and those that stand: one statement, under the lock."""
    SkillTag.objects.bulk_create(
        tags,
        update_conflicts=True,
        unique_fields=["skill", "name"],
        update_fields=["version"],
    )


def _reread(skills: Sequence[Skill]) -> None:
    """Show how these skills stand now, derived columns and moderation; one statement."""
    columns = sorted({*own_columns(Skill._meta.label), *Standing._fields})
    rows = Skill.objects.filter(pk__in=[skill.pk for skill in skills]).values("pk", *columns)
    stored = {row["pk"]: row for row in rows}
    for skill in skills:
        for column in columns:
            setattr(skill, column, stored[skill.pk][column])


@transaction.atomic
def give_badge(*, skill: Skill, kind: Badge, actor: User | None, reason: str) -> bool:
    """Put a badge on a skill; False when it already has it. Undone by `take_badge`."""
    _badge, made = SkillBadge.objects.get_or_create(
        skill=skill, kind=kind, defaults={"given_by": actor, "reason": reason}
    )
    if made:
        audit.record(
            actor=actor, verb="badge.give", thing=skill, after={"kind": kind}, reason=reason
        )
    return made


@transaction.atomic
def take_badge(*, skill: Skill, kind: Badge, actor: User | None, reason: str) -> bool:
    """Take a badge away, key and all; False when there is none."""
    taken, _per_model = SkillBadge.objects.filter(skill=skill, kind=kind).delete()
    if taken:
        audit.record(
            actor=actor, verb="badge.take", thing=skill, before={"kind": kind}, reason=reason
        )
    return bool(taken)

"""What can be done with skills: the only place that writes more than one of their rows.

Import, command line and web form all publish through `publish_version`.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Final, Self, cast

import semver
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Namespace, User
from config.derived import deferred, own_columns
from config.errors import DomainError
from config.text import clean_line, refuse_unstorable
from skills import blobs
from skills.archive import write_archive
from skills.bundle import Bundle, BundleFile
from skills.fingerprint import fingerprints
from skills.models import (
    Badge,
    Skill,
    SkillAlias,
    SkillBadge,
    SkillFile,
    SkillTag,
    SkillVersion,
    VersionFingerprint,
    VersionSource,
)
from skills.slugs import clean_categories, clean_topics, validate_new_slug

LATEST: Final = "latest"
MAX_TAGS: Final = 20
# An archive up to this size is built in memory, a larger one on disk.
SPOOL_BYTES: Final = 8 * 1024 * 1024


class VersionInvalid(DomainError):
    code = "version_invalid"


class VersionExists(DomainError):
    code = "version_exists"


class TagInvalid(DomainError):
    code = "tag_invalid"


class NameMissing(DomainError):
    code = "display_name_missing"


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
    categories: Sequence[str] = ()
    topics: Sequence[str] = ()
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


@dataclass
class _Checked:
    """A publication after validation, with what is computed from the files once."""

    publication: Publication
    bundle: Bundle
    fingerprints: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.fingerprints = fingerprints((f.path, f.sha256) for f in self.bundle.files)


def publish_version(
    *, namespace: Namespace, bundle: Bundle, publication: Publication, actor: User | None
) -> Published:
    """Publish `bundle` as a version of a skill; the skill is made when it is the first.

    Idempotent: the same version with the same files is success again and writes nothing. Raises
    `VersionExists` when it stands with other files, and the refusals of slug, version, tag,
    category and topic. Whole or nothing: content is stored first (a kill leaves orphans for the
    sweep), then one transaction makes every row. Two at once wait for each other on the namespace.
    """
    checked = _Checked(_validated(publication), bundle)
    standing = _standing(namespace, checked)
    if standing is not None:
        return standing
    archive = _store_with_archive(bundle)
    with deferred():
        # Publishes into one namespace queue up here; the second sees what the first made.
        locked = Namespace.objects.select_for_update(no_key=True).filter(pk=namespace.pk)
        locked.values_list("pk", flat=True).get()
        former = Skill.objects.filter(namespace=namespace, slug=checked.publication.slug).first()
        standing = _standing(namespace, checked) if former else None
        if standing is not None:
            return standing
        skill = _save_skill(former, namespace, checked)
        version = _insert_version(skill, checked, archive, actor)
        _point_tags(skill, version, checked.publication.tags, is_new=former is None)
        audit.record(
            actor=actor,
            verb="skill.publish",
            thing=skill,
            label=f"@{namespace.handle}/{skill.slug}",
            after={"version": version.version, "source": version.source},
        )
    skill.refresh_from_db(fields=sorted(own_columns(Skill._meta.label)))
    return Published(skill, version, created=True)


def _validated(publication: Publication) -> Publication:
    """Return the publication with every text cleaned. Raises the refusals."""
    if not semver.Version.is_valid(publication.version) or len(publication.version) > 100:  # noqa: PLR2004
        raise VersionInvalid(
            f"“{clean_line(publication.version, 40)}” is no version; write it like 1.4.0.",
            field="version",
        )
    display_name = clean_line(publication.display_name, 200)
    if not display_name:
        raise NameMissing("Give the skill a display name.", field="displayName")
    return Publication(
        slug=publication.slug if publication.keep_slug else validate_new_slug(publication.slug),
        version=publication.version,
        display_name=display_name,
        changelog=refuse_unstorable(publication.changelog[:20_000], field="changelog"),
        summary=clean_line(publication.summary, 300),
        license=clean_line(publication.license, 64),
        tags=_clean_tags(publication.tags),
        categories=clean_categories(publication.categories),
        topics=clean_topics(publication.topics),
        source=publication.source,
        published_at=publication.published_at,
        keep_slug=publication.keep_slug,
    )


def _clean_tags(tags: Iterable[str]) -> tuple[str, ...]:
    cleaned = list(dict.fromkeys(tag.strip() for tag in tags if tag.strip())) or [LATEST]
    for tag in cleaned:
        printable = tag.isascii() and tag.isprintable() and len(tag) <= 64  # noqa: PLR2004
        if not printable or tag[0] in "$_":
            raise TagInvalid(
                "A tag is up to 64 printable ASCII characters and starts with a letter or digit.",
                field="tags",
            )
    if len(cleaned) > MAX_TAGS:
        raise TagInvalid(f"At most {MAX_TAGS} tags a version.", field="tags")
    return tuple(cleaned)


def _standing(namespace: Namespace, checked: _Checked) -> Published | None:
    """Return the version that this publication repeats, None when it is new."""
    versions = SkillVersion.objects.filter(
        skill__namespace=namespace,
        skill__slug=checked.publication.slug,
        version=checked.publication.version,
    )
    # The usual answer is "none", and composing a query of both whole rows costs more than asking.
    found = versions.values_list("pk", flat=True).first()
    if found is None:
        return None
    version = SkillVersion.objects.select_related("skill").without_texts().get(pk=found)
    stored = set(version.fingerprints.values_list("fingerprint", flat=True))
    if stored != checked.fingerprints or version.withdrawn_at is not None:
        raise VersionExists(
            f"Version {version.version} is already published with other files;"
            " publish your change under a higher version.",
            field="version",
        )
    return Published(version.skill, version, created=False)


def _store_with_archive(bundle: Bundle) -> str:
    """Store the files and the ZIP made of them; return the ZIP's hash."""
    with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as spool:
        out = cast("BinaryIO", spool)
        write_archive(bundle.files, out)
        size = out.tell()
        out.seek(0)
        sha256 = hashlib.file_digest(out, "sha256").hexdigest()  # type: ignore[arg-type]

        def reopen() -> BinaryIO:
            out.seek(0)
            return cast("BinaryIO", _Borrowed(out))

        archive = BundleFile("", size, sha256, "application/zip", reopen)
        blobs.store([*bundle.files, archive])
    return sha256


class _Borrowed:
    """Reads a file that is somebody else's to close."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
        self.seek = file.seek
        self.tell = file.tell

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def close(self) -> None:
        """Leave it open."""


def _save_skill(former: Skill | None, namespace: Namespace, checked: _Checked) -> Skill:
    said, bundle = checked.publication, checked.bundle
    when = said.published_at or timezone.now()
    skill = former
    if skill is None:
        # A new skill takes the name over from an old one that only leads elsewhere.
        SkillAlias.objects.filter(namespace=namespace, slug=said.slug).delete()
        skill = Skill(namespace=namespace, slug=said.slug, created_at=when)
    skill.display_name = said.display_name
    skill.summary = said.summary or bundle.summary
    skill.categories = list(said.categories)
    skill.topics = list(said.topics)
    skill.updated_at = when
    skill.save()
    return skill


def _insert_version(
    skill: Skill, checked: _Checked, archive: str, actor: User | None
) -> SkillVersion:
    said, bundle = checked.publication, checked.bundle
    when = said.published_at or timezone.now()
    version = SkillVersion.objects.create(
        skill=skill,
        version=said.version,
        changelog=said.changelog,
        changelog_source="user" if said.changelog else "auto",
        license=said.license,
        source=said.source,
        published_by=actor,
        metadata=bundle.metadata.to_json(),
        warnings=list(bundle.warnings),
        readme=bundle.readme,
        readme_path=bundle.readme_path,
        file_count=len(bundle.files),
        size_bytes=bundle.size_bytes,
        archive_id=archive,
        created_at=when,
    )
    SkillFile.objects.bulk_create(
        SkillFile(version=version, path=f.path, blob_id=f.sha256, content_type=f.content_type)
        for f in bundle.files
    )
    VersionFingerprint.objects.bulk_create(
        VersionFingerprint(version=version, skill=skill, fingerprint=fingerprint)
        for fingerprint in sorted(checked.fingerprints)
    )
    return version


def _point_tags(skill: Skill, version: SkillVersion, names: Sequence[str], *, is_new: bool) -> None:
    """Let these tags point at the version. The caller holds the namespace: no tag comes between."""
    tags = SkillTag.objects.filter(skill=skill, name__in=names)
    standing = set() if is_new else set(tags.values_list("name", flat=True))
    if standing:
        tags.update(version=version)
    SkillTag.objects.bulk_create(
        SkillTag(skill=skill, name=name, version=version) for name in names if name not in standing
    )


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

"""Skills for tests: the smallest valid ones, through the publishing service or straight as rows."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import factory
from django.core.management import call_command

from accounts.models import Namespace
from skills.bundle import Bundle, read_parts
from skills.models import Blob, Skill, SkillHold, SkillVersion
from skills.services import Publication, Published, publish_version
from skills.standing import settle

SKILL_MD = "---\nname: {slug}\ndescription: Does one thing well.\n---\n# {slug}\n\nUse it.\n"


def bundle_of(files: dict[str, str | bytes]):
    """A bundle of these paths and contents."""
    parts = [(p, io.BytesIO(c.encode() if isinstance(c, str) else c)) for p, c in files.items()]
    return read_parts(parts)


def publish_skill(
    *,
    namespace: Namespace,
    slug: str = "pdf-tools",
    files: dict[str, str | bytes] | None = None,
    version: str = "1.0.0",
    actor: Any = None,
    bundle: Bundle | None = None,
    tickets: frozenset[int] = frozenset(),
    **said: Any,
) -> Published:
    files = files or {"SKILL.md": SKILL_MD.format(slug=slug)}
    said.setdefault("display_name", slug.replace("-", " ").title())
    publication = Publication(slug=slug, version=version, **said)
    return publish_version(
        namespace=namespace,
        bundle=bundle or bundle_of(files),
        publication=publication,
        actor=actor,
        tickets=tickets,
    )


def hold(skill: Skill, kind: str) -> None:
    """Hold a skill as staff, reports or the system do."""
    SkillHold.objects.create(skill=skill, kind=kind)
    settle([skill.pk])


def decided_on(version: SkillVersion, decision: str) -> None:
    """Decide on a version as a moderator does."""
    SkillVersion.objects.filter(pk=version.pk).update(decision=decision)
    settle([version.skill_id])


def scanned(version: SkillVersion, state: str, scanner: str = "static") -> None:
    """Let a scan of a version have ended like this."""
    SkillVersion.objects.filter(pk=version.pk).update(scan_state=state, scanner=scanner)
    settle([version.skill_id])


def import_folder(folder: Path, *arguments: str) -> str:
    """Run `import_skills` on a folder; return what it prints at its end."""
    out = io.StringIO()
    call_command("import_skills", str(folder), *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


class NamespaceFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Namespace

    handle = factory.Sequence(lambda n: f"owner{n}")


class BlobFactory(factory.django.DjangoModelFactory):
    """A row only, without content: enough where nobody reads it."""

    class Meta:
        model = Blob
        django_get_or_create = ["sha256"]

    sha256 = factory.Sequence(lambda n: f"{n:064x}")
    size_bytes = 1


class SkillFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Skill

    namespace = factory.SubFactory(NamespaceFactory)
    slug = factory.Sequence(lambda n: f"skill-{n}")
    display_name = factory.LazyAttribute(lambda skill: skill.slug)


class SkillVersionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = SkillVersion

    skill = factory.SubFactory(SkillFactory)
    version = factory.Sequence(lambda n: f"1.0.{n}")
    source = "web"
    readme = "# A skill"
    readme_path = "SKILL.md"
    file_count = 1
    size_bytes = 1
    archive = factory.SubFactory(BlobFactory)

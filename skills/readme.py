"""The readme of a version as a page shows it, and what its front matter says it needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from config.kept import Kept
from config.markdown import render_markdown
from config.text import mark_invisible
from skills.addresses import files_url
from skills.frontmatter import FrontMatterRefused, parse_skill_md
from skills.models import Skill, SkillVersion

FIRST_BYTES: Final = 20 * 1024
READMES_LIMIT_CHARS: Final = 16_000_000
NEEDS: Final = (
    ("Env", "env_vars"),
    ("Optional env", "optional_env_vars"),
    ("Programs", "required_binaries"),
    ("One of", "any_binaries"),
    ("Packages", "dependencies"),
    ("Systems", "os"),
)


@dataclass(frozen=True)
class Readme:
    """`html` is sanitised. `front_matter` is set where it did not parse and is shown as text."""

    html: SafeString
    front_matter: str
    was_cut: bool


_kept: Final[Kept[Readme]] = Kept(READMES_LIMIT_CHARS)


def rendered(skill: Skill, version: SkillVersion, *, whole: bool) -> Readme:
    """Return the readme of a version whose texts are loaded: its first 20 KiB, or all of it.

    What never changes is written once: a version's text, under the skill's address of today.
    """
    base = files_url(skill.owner_handle, skill.slug, version.version)
    key = (version.pk, base, whole)
    found = _kept.get(key)
    if found is None:
        found = _write(version, base, whole=whole)
        _kept.put(key, found, len(found.html) + len(found.front_matter))
    return found


def _write(version: SkillVersion, base: str, *, whole: bool) -> Readme:
    try:
        parsed = parse_skill_md(version.readme)
        body, raw = parsed.body, parsed.raw if version.warnings else ""
    except FrontMatterRefused:  # Only text that came in before the limit was there.
        body, raw = version.readme, ""
    first = body if whole else _beginning(body)
    html = render_markdown(first, link_base=base, source_path=version.readme_path)
    return Readme(html, raw, was_cut=len(first) < len(body))


def _beginning(text: str) -> str:
    """Cut behind the last line that ends within the limit; a longer line is cut within."""
    raw = text.encode()
    if len(raw) <= FIRST_BYTES:
        return text
    head = raw[:FIRST_BYTES].decode(errors="ignore")
    return head[: head.rfind("\n") + 1] or head


def needs_of(metadata: dict[str, Any]) -> list[tuple[str, SafeString]]:
    """Return the declared needs that there are: a label and names as HTML."""
    return [(label, codes(metadata[key])) for label, key in NEEDS if metadata.get(key)]


def codes(names: Iterable[str]) -> SafeString:
    """Return names as `<code>` elements between spaces."""
    return format_html_join(" ", "<code>{}</code>", ((mark_invisible(name),) for name in names))

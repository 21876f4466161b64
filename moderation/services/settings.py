"""What staff set: reserved names and the quality gate. Each change leaves an audit row."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction

from accounts import audit
from accounts.models import User
from config.errors import DomainError
from config.text import clean_line
from skills.gates import read_gate
from skills.models import QualityGate, ReservedSlug
from skills.slugs import SlugRefused, normalize_slug, validate_new_slug

# Changes of settings are audited under this kind: they are about no row that lasts.
SETTING: Final = "setting"
LIMITS: Final = (
    "is_enabled",
    "min_readme_characters",
    "min_description_characters",
    "min_account_age_days",
    "trusted_after_days",
)


class SlugKept(DomainError):
    """It is reserved already, by staff or by rule."""

    code = "slug_kept"


class ReasonMissing(DomainError):
    code = "reason_missing"


@transaction.atomic
def reserve_slug(*, slug: str, reason: str, actor: User) -> ReservedSlug:
    """Keep a name from new skills; what has it keeps it. Undone by `free_slug`.

    Raises `SlugKept`, `ReasonMissing`, and `SlugRefused` for what could be no slug.
    """
    reason = clean_line(reason, 300)
    if not reason:
        raise ReasonMissing("Say why; other moderators read it.", field="reason")
    slug = _free_by_rule(slug)
    kept, is_new = ReservedSlug.objects.get_or_create(
        slug=slug, defaults={"reason": reason, "reserved_by": actor}
    )
    if not is_new:
        raise SlugKept(f"“{slug}” is reserved already.", field="slug")
    _note(actor, "slug.reserve", slug, {}, {"slug": slug}, reason)
    return kept


def _free_by_rule(slug: str) -> str:
    try:
        return validate_new_slug(slug)
    except SlugRefused as refusal:
        if refusal.code == "slug_invalid":
            raise
        name = clean_line(normalize_slug(slug), 100)
        raise SlugKept(f"“{name}” is reserved by rule already.", field="slug") from refusal


@transaction.atomic
def free_slug(*, reserved_id: int, actor: User) -> str:
    """Let everybody have a name again; return it, "" where somebody freed it before."""
    kept = ReservedSlug.objects.select_for_update().filter(pk=reserved_id).first()
    if kept is None:
        return ""
    kept.delete()
    _note(actor, "slug.free", kept.slug, {"slug": kept.slug}, {}, kept.reason)
    return str(kept.slug)


@transaction.atomic
def change_gate(*, actor: User, **limits: Any) -> bool:
    """Set the quality gate for skills to come; False when it is so already. The last one counts."""
    # The row is made first, so that two at once wait for each other and each tells what it found.
    QualityGate.objects.bulk_create([read_gate()], ignore_conflicts=True)
    gate = QualityGate.objects.select_for_update().get()
    changed = {name: limits[name] for name in LIMITS if limits[name] != getattr(gate, name)}
    if not changed:
        return False
    before = {name: getattr(gate, name) for name in changed}
    QualityGate.objects.filter(pk=gate.pk).update(**changed)
    _note(actor, "gate.change", "quality gate", before, changed, "")
    return True


def _note(
    actor: User, verb: str, name: str, before: dict[str, Any], after: dict[str, Any], reason: str
) -> None:
    audit.record_named(
        actor=actor, verb=verb, kind=SETTING, name=name, before=before, after=after, reason=reason
    )

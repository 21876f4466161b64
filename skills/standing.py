"""How a skill stands: the truth table, applied to its holds and to its latest version.

The only place that writes `moderation_status`, `moderation_flags` and `moderation_reason`. Whoever
changes a hold, a version's scan state or decision, or where `latest` leads calls `settle`, under
the skill's lock. The rows of the table are those of docs/architecture.md, "One verdict".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import F, Q, Value

from config.derived import deferred
from skills import verdict
from skills.models import (
    Decided,
    HoldKind,
    ModerationStatus,
    ScanState,
    Skill,
    SkillTag,
    SkillVersion,
)

LATEST: Final = "latest"
# So many skills are settled in one transaction.
BATCH: Final = 500

# What a hold makes of the skill, strongest first.
_HELD: Final = {
    HoldKind.REMOVED: (ModerationStatus.REMOVED, verdict.REMOVED),
    HoldKind.BAN: (ModerationStatus.HIDDEN, verdict.AUTHOR_BANNED),
    HoldKind.HIDDEN: (ModerationStatus.HIDDEN, verdict.HIDDEN_BY_STAFF),
    HoldKind.REPORTS: (ModerationStatus.HIDDEN, verdict.HIDDEN_BY_REPORTS),
    HoldKind.QUALITY: (ModerationStatus.HIDDEN, verdict.QUALITY_HOLD),
}
# What a person's decision makes of a version, whatever its scan says.
_DECIDED: Final = {
    Decided.APPROVED: (ModerationStatus.ACTIVE, verdict.APPROVED),
    Decided.CAUTION: (ModerationStatus.ACTIVE, verdict.CAUTION),
    Decided.CHANGES: (ModerationStatus.HIDDEN, verdict.CHANGES_REQUESTED),
    Decided.HIDDEN: (ModerationStatus.HIDDEN, verdict.HIDDEN_BY_STAFF),
}


class Standing(NamedTuple):
    """The three columns of a skill, or of a version by itself, that the verdict reads."""

    moderation_status: str
    moderation_flags: list[str]
    moderation_reason: str

    @property
    def is_suspicious(self) -> bool:
        """Say what `is_suspicious` follows from these columns; the rule is in derived.py."""
        return not verdict.SUSPICIOUS_FLAGS.isdisjoint(self.moderation_flags)


def of_version(version: SkillVersion) -> Standing:
    """Return how a version stands by itself."""
    state = ScanState(version.scan_state)
    flags = _flags(version, state)
    if decided := version.decision:
        status, reason = _DECIDED[Decided(decided)]
        if decided == Decided.APPROVED:
            flags = []
        elif decided == Decided.CAUTION:
            flags = [verdict.FLAG_SUSPICIOUS]
        return Standing(status, flags, reason)
    hidden = state == ScanState.MALICIOUS
    status = ModerationStatus.HIDDEN if hidden else ModerationStatus.ACTIVE
    return Standing(status, flags, f"scanner.{version.scanner}.{state}")


def _flags(version: SkillVersion, state: ScanState) -> list[str]:
    if state == ScanState.MALICIOUS:
        return [verdict.FLAG_MALWARE]
    has_result = state in {ScanState.CLEAN, ScanState.SUSPICIOUS}
    is_doubtful = state == ScanState.SUSPICIOUS if has_result else version.presumed_suspicious
    return [verdict.FLAG_SUSPICIOUS] if is_doubtful else []


def of_skill(holds: Collection[str], version: SkillVersion | None) -> Standing:
    """Return how a skill with these holds stands, for which `version` speaks."""
    own = (
        of_version(version)
        if version
        else Standing(ModerationStatus.ACTIVE, [], verdict.SCAN_PENDING)
    )
    for kind, (status, reason) in _HELD.items():
        if kind in holds:
            return Standing(status, own.moderation_flags, reason)
    return own


def settle(skill_ids: Iterable[int]) -> None:
    """Make the stored standing of these skills follow from their holds and versions.

    The caller holds the skills' locks. Two statements, and one more for each standing that
    changed, however many skills.
    """
    ids = sorted(set(skill_ids))
    speaking = _speaking(ids)
    columns = Standing._fields
    kinds = ArrayAgg("holds__kind", filter=Q(holds__isnull=False), default=Value([]))
    stored = Skill.objects.filter(pk__in=ids).annotate(kinds=kinds)
    changed: dict[tuple[str, tuple[str, ...], str], list[int]] = defaultdict(list)
    for pk, holds, *former in stored.values_list("pk", "kinds", *columns):
        now = of_skill(holds, speaking.get(pk))
        if list(now) != former:
            changed[now[0], tuple(now[1]), now[2]].append(pk)
    for (status, flags, reason), keys in changed.items():
        now_said = dict(zip(columns, (status, list(flags), reason), strict=True))
        Skill.objects.filter(pk__in=keys).update(**now_said)


def settle_outdated(after: int) -> tuple[int, int] | None:
    """Settle skills whose reason is not what their latest version's scan says; idempotent.

    From the skill behind `after` on, some hundreds, in one transaction; return the last one and
    how many there were, None at the end.
    """
    with deferred():
        found = Skill.objects.reason_out_of_date().filter(pk__gt=after)
        ids = list(found.values_list("pk", flat=True)[:BATCH])
        # In the order of keys; those who write a scan's result hold the same lock.
        rows = Skill.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
        list(rows.values_list("pk"))
        settle(ids)
    return (ids[-1], len(ids)) if ids else None


def _speaking(ids: Collection[int]) -> dict[int, SkillVersion]:
    """Return the version that speaks for each skill: the latest, else the newest of all."""
    columns = ("skill_id", "scan_state", "scanner", "decision", "presumed_suspicious")
    rows = SkillVersion.objects.filter(skill__in=ids).only(*columns)
    latest = rows.filter(tag_rows__name=LATEST, tag_rows__skill=F("skill"))
    found = {version.skill_id: version for version in latest}
    if missing := set(ids) - found.keys():
        # Oldest first: the last one stays.
        others = rows.filter(skill__in=missing).order_by("created_at", "pk")
        found |= {version.skill_id: version for version in others}
    return found


def point_latest(*, skill: Skill, version: SkillVersion, was_blocked: bool) -> None:
    """Let `latest` follow when a version was blocked, held, or given free again.

    Where it led to that version and it can no longer be installed, withdrawn or blocked, it goes
    back to the newest one that can; it returns when the version is free again and still the newest.
    A version that its author published as “beta” is not the latest, blocked or not. The caller
    holds the skill's lock, has stored `version` as it is, and settles the skill.
    """
    tag = SkillTag.objects.filter(skill=skill, name=LATEST).first()
    versions = SkillVersion.objects.filter(skill=skill, is_prerelease=False)
    newest = versions.available().newest_first().values_list("pk", flat=True).first()
    if tag is None or newest is None or tag.version_id == newest:
        return
    # Back when the block is lifted: only to the version itself, and only if nothing newer came.
    is_free_again = was_blocked and newest == version.pk
    leads_here = tag.version_id == version.pk
    if is_free_again or (leads_here and not version.is_available):
        tag.version_id = newest
        tag.save(update_fields=["version"])

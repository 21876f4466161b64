"""Publishes demo skills and gives each its past; what people decided comes from the desk's demo.

Every write goes through the publishing service or a door of `config.derived`, so that the derived
fields follow. The states are the rows of the table in docs/architecture.md, "One verdict".
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db.models import F

from accounts.models import Namespace, User
from config.derived import deferred
from skills.bundle import read_parts
from skills.demo.content import DemoSkill, DemoVersion, Files, history
from skills.demo.statistics import record_past
from skills.models import (
    Badge,
    HoldKind,
    ScanState,
    Skill,
    SkillAlias,
    SkillHold,
    SkillTag,
    SkillVersion,
)
from skills.services import Publication, give_badge, publish_version
from skills.standing import LATEST, settle

# A scan of a small skill takes about this long.
SCAN_TIME: Final = timedelta(seconds=40)
CLEAN: Final = ScanState.CLEAN


class State(NamedTuple):
    """What a state of the table begins with; what people decide about it is the desk's."""

    scan: str = CLEAN
    hold: str = ""
    is_deleted: bool = False
    is_withdrawn: bool = False


STATES: Final[Mapping[str, State]] = {
    "pending": State(ScanState.PENDING),
    "clean": State(),
    "suspicious": State(ScanState.SUSPICIOUS),
    "caution": State(),
    "approved": State(),
    "malicious": State(ScanState.MALICIOUS),
    "reported": State(),
    "hidden": State(ScanState.SUSPICIOUS),
    "removed": State(ScanState.SUSPICIOUS),
    "held": State(hold=HoldKind.QUALITY),
    "deleted": State(is_deleted=True),
    "withdrawn": State(is_withdrawn=True),
}


def publish_demo_skill(
    *, demo: DemoSkill, owner_name: str, anchor: datetime, people: Sequence[int]
) -> bool:
    """Publish the missing versions of a demo skill; False when nothing was missing.

    Dates count back from `anchor`; `people` may have starred it. State, past, badges and old names
    are set only where the skill itself is new, so that what people decided since is kept. One
    transaction: all or nothing. Raises the publishing service's refusals, and `ContentInvalid`.
    """
    with deferred():
        namespace, _made = Namespace.objects.get_or_create(
            handle=demo.owner, defaults={"display_name": owner_name}
        )
        # A rival run waits here and then finds what this one made.
        Namespace.objects.select_for_update(no_key=True).get(pk=namespace.pk)
        standing = Skill.objects.filter(namespace=namespace, slug=demo.slug)
        is_new, author = not standing.exists(), _author(namespace)
        written = [
            _publish(demo, version, files, namespace, author, anchor)
            for version, files in history(demo)
        ]
        if is_new:
            skill = standing.get()
            _settle(skill, demo, anchor)
            record_past(skill=skill, demo=demo, anchor=anchor, people=people)
    return any(written)


def _publish(
    demo: DemoSkill,
    version: DemoVersion,
    files: Files,
    namespace: Namespace,
    author: User | None,
    anchor: datetime,
) -> bool:
    publication = Publication(
        slug=demo.slug,
        version=version.number,
        display_name=demo.name,
        changelog=version.changelog,
        summary=demo.summary,
        license=demo.license,
        tags=(LATEST, *version.tags),
        categories=demo.categories,
        topics=demo.topics,
        published_at=anchor - timedelta(days=version.days_ago),
    )
    bundle = read_parts((path, io.BytesIO(content)) for path, content in files.items())
    published = publish_version(
        namespace=namespace, bundle=bundle, publication=publication, actor=author
    )
    return published.created


def _author(namespace: Namespace) -> User | None:
    """Return who publishes in this name, None where nobody has claimed it."""
    if namespace.user is not None:
        return namespace.user
    return User.objects.filter(memberships__namespace=namespace).order_by("memberships").first()


def _settle(skill: Skill, demo: DemoSkill, anchor: datetime) -> None:
    """Give a skill that was just published its state, totals, badges and old names."""
    state = STATES[demo.state]
    changed_at = anchor - timedelta(days=demo.versions[0].days_ago) + SCAN_TIME
    _record_scans(skill, demo, state)
    withdrawn = [v.number for v in demo.versions if v.withdrawn or state.is_withdrawn]
    if withdrawn:
        rows = SkillVersion.objects.filter(skill=skill, version__in=withdrawn)
        rows.update(withdrawn_at=changed_at)
    _point_latest(skill)
    if state.hold:
        SkillHold.objects.create(skill=skill, kind=state.hold, placed_at=changed_at)
    settle([skill.pk])
    Skill.objects.filter(pk=skill.pk).update(
        soft_deleted_at=changed_at if state.is_deleted else None,
        downloads=demo.counts.downloads,
        stars=demo.counts.stars,
        installs_all_time=demo.counts.installs,
        installs_current=demo.counts.current,
    )
    for slug in demo.aliases:
        SkillAlias.objects.create(namespace_id=skill.namespace_id, slug=slug, skill=skill)
    for kind, reason in demo.badges.items():
        give_badge(skill=skill, kind=Badge(kind), actor=None, reason=reason)


def _record_scans(skill: Skill, demo: DemoSkill, state: State) -> None:
    """Write what the scan of each version found: one update per result."""
    latest = demo.versions[0]
    results = {v.number: v.scan or (state.scan if v is latest else CLEAN) for v in demo.versions}
    for result in set(results.values()):
        numbers = [number for number, found in results.items() if found == result]
        is_over = result != ScanState.PENDING
        SkillVersion.objects.filter(skill=skill, version__in=numbers).update(
            scan_state=result,
            scan_requested_at=F("created_at"),
            scanned_at=F("created_at") + SCAN_TIME if is_over else None,
        )


def _point_latest(skill: Skill) -> None:
    """Let `latest` lead to the newest version that is neither withdrawn nor blocked, if any."""
    newest = SkillVersion.objects.filter(skill=skill).available().newest_first().first()
    if newest is not None:
        SkillTag.objects.filter(skill=skill, name=LATEST).update(version=newest)

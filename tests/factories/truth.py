"""The denormalised fields of a skill stated a second time, from plain rows in Python.

So a wrong rule shows as well as a door that forgets to refresh.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from django.test.utils import CaptureQueriesContext

from accounts.models import Namespace
from config.derived import own_columns
from skills.models import Badge, Skill, SkillBadge, SkillListing, SkillTag, SkillVersion
from tests.drift import drifted
from tests.factories.skills import SkillVersionFactory

GIVEN = datetime(2025, 3, 1, tzinfo=UTC)
GIVEN_MS = 1_740_787_200_000


def badge_on(skill: Skill, kind: Badge = Badge.OFFICIAL) -> SkillBadge:
    return SkillBadge.objects.create(skill=skill, kind=kind, reason="Good.", given_at=GIVEN)


def released(**columns) -> SkillVersion:
    """A version that `latest` of its skill points at."""
    version = SkillVersionFactory(**columns)
    SkillTag.objects.create(skill=version.skill, name="latest", version=version)
    return version


def truth(skill: Skill) -> dict[str, object]:
    offered = [v for v in SkillVersion.objects.filter(skill=skill) if v.withdrawn_at is None]
    by_id = {version.pk: version for version in offered}
    tags = {t.name: by_id[t.version_id] for t in skill.tag_rows.all() if t.version_id in by_id}
    latest = tags.get("latest")
    badges = {b.kind: int(b.given_at.timestamp() * 1000) for b in skill.badge_rows.all()}
    return {
        "owner_handle": Namespace.objects.get(pk=skill.namespace_id).handle,
        "latest": latest.version if latest else None,
        "latest_scan_state": latest.scan_state if latest else "",
        "tags": {name: version.version for name, version in tags.items()},
        "badges": badges,
        "version_count": len(offered),
        "listed": latest is not None,
    }


def stored(skill: Skill) -> dict[str, object]:
    row = Skill.objects.get(pk=skill.pk)
    card = SkillListing.objects.filter(skill=skill, facet="").first()
    if card is not None:
        for name in own_columns("skills.Skill") - {"latest_scan_state"}:
            assert getattr(card, name) == getattr(row, name), name
    return {
        "owner_handle": row.owner_handle,
        "latest": (row.latest_version_summary or {}).get("version"),
        "latest_scan_state": row.latest_scan_state,
        "tags": row.tags,
        "badges": row.badges,
        "version_count": row.version_count,
        "listed": card is not None,
    }


def assert_true(*skills: Skill) -> None:
    for skill in skills:
        assert stored(skill) == truth(skill)
    assert drifted() == {}


def locked_skills(queries: CaptureQueriesContext) -> list[int]:
    """The skills that were locked to be refreshed, once per refresh."""
    lock = re.compile(r'SELECT "id" FROM "skills_skill" WHERE .*\{([\d,]+)\}.* FOR NO KEY UPDATE$')
    found = (lock.match(query["sql"]) for query in queries)
    return [int(key) for match in found if match for key in match[1].split(",")]

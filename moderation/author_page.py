"""What the staff's page of an author shows: who it is, all their skills, what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from accounts.models import AuditEvent, Namespace, User
from config.pagination import PAGE_SIZE, sign_cursor
from jobs.models import JobRun
from moderation.models import Decision, ReviewItem
from moderation.services.bans import COUNTED, JOB, count_skills
from skills.addresses import skill_url, version_url
from skills.models import HoldKind, Skill

SHOWN: Final = 10
"""Decisions, open items and events of the person that the page lists: the newest."""

# What was done to a person, in words.
ACTS: Final = {
    "user.create": "Account made",
    "user.role": "Role given",
    "user.ban": "Banned",
    "user.unban": "Ban lifted",
    "user.reclassify_ban": "Another reason for the ban",
    "admin.change": "Corrected in the raw table",
}

# What a row of the list reads; the big columns stay in the database.
_COLUMNS: Final = (
    "slug",
    "owner_handle",
    "display_name",
    "moderation_status",
    "moderation_flags",
    "moderation_reason",
    "is_suspicious",
    "soft_deleted_at",
    "latest_version_summary",
    "version_count",
    "installs_all_time",
    "updated_at",
)


@dataclass(frozen=True)
class SkillRow:
    """A skill as the list shows it, with everything that keeps it from the public."""

    skill: Skill

    @property
    def url(self) -> str:
        return skill_url(self.skill.owner_handle, self.skill.slug)

    @property
    def latest(self) -> str:
        """Return the version that an install takes; "" without one."""
        return str((self.skill.latest_version_summary or {}).get("version", ""))

    @property
    def reasons(self) -> list[str]:
        """Return in words why not everybody sees it; empty for a public skill."""
        skill = self.skill
        if skill.is_public:
            return []
        kinds = {held.kind for held in skill.holds.all()}
        told = [kind.label for kind in HoldKind if kind in kinds]
        if skill.soft_deleted_at is not None:
            told.append("Deleted by its owner")
        if skill.latest_version_summary is None:
            told.append("Every version withdrawn")
        return told or [skill.moderation_reason]


@dataclass(frozen=True)
class OpenItem:
    """What waits for a decision, and which skill it is about."""

    item: ReviewItem
    skill: Skill

    @property
    def url(self) -> str:
        return version_url(self.skill.owner_handle, self.skill.slug, self.item.version.version)


@dataclass(frozen=True)
class AuthorPage:
    """An owner as staff see them: a person, an organisation, or a name nobody has claimed."""

    owner: Namespace

    @classmethod
    def find(cls, handle: str) -> Self | None:
        """Return the page of this owner; None when there is none."""
        owner = Namespace.objects.select_related("user").filter(handle=handle).first()
        return None if owner is None else cls(owner)

    @property
    def person(self) -> User | None:
        """Return who stands behind the name."""
        return self.owner.user

    def skills(self, below: int | None) -> tuple[list[SkillRow], str | None]:
        """Return one page of all skills, newest first, and the cursor of the next."""
        rows = Skill.objects.filter(namespace=self.owner).order_by("-pk").only(*_COLUMNS)
        if below is not None:
            rows = rows.filter(pk__lt=below)
        found = list(rows.prefetch_related("holds")[: PAGE_SIZE + 1])
        more, found = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
        older = sign_cursor(self.listing, found[-1].pk) if more else None
        return [SkillRow(skill) for skill in found], older

    @property
    def listing(self) -> str:
        """Return what the cursors of the list are signed for."""
        return f"author:{self.owner.pk}"

    def skill_count(self) -> int:
        """Return how many skills a ban would hold, counted up to `COUNTED`."""
        return count_skills(self.owner)

    def decisions(self) -> Sequence[Decision]:
        """Return what was decided last about their skills."""
        rows = Decision.objects.filter(skill__namespace=self.owner).newest_first()
        return list(rows.select_related("actor")[:SHOWN])

    def open_items(self) -> list[OpenItem]:
        """Return what waits for a decision about their skills, the most urgent first."""
        rows = ReviewItem.objects.open().filter(namespace=self.owner).order_by("rank_at", "id")
        about = rows.select_related("version__skill").only(
            "kind",
            "top_rule",
            "opened_at",
            "version__version",
            "version__skill__slug",
            "version__skill__owner_handle",
        )
        return [OpenItem(item, item.version.skill) for item in about[:SHOWN]]

    def events(self) -> list[tuple[str, AuditEvent]]:
        """Return what was done to the person last, each act in words."""
        if self.person is None:
            return []
        rows = AuditEvent.objects.filter(
            object_type=User._meta.label_lower, object_id=self.person.pk
        )
        newest = rows.order_by("-pk").select_related("actor")[:SHOWN]
        return [(ACTS.get(event.verb, event.verb), event) for event in newest]

    def runs(self) -> Sequence[JobRun]:
        """Return the runs that are hiding or bringing back their skills right now."""
        if self.person is None:
            return []
        about = JobRun.objects.active().filter(kind=JOB, scope__startswith=f"{self.person.handle}:")
        return list(about.order_by("pk")[:SHOWN])


def count_words(count: int) -> str:
    """Write how many skills a ban is about, as far as they were counted."""
    more = " or more" if count >= COUNTED else ""
    return f"{count:,}{more} skill{'' if count == 1 else 's'}"

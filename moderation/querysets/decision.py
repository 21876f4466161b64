"""Named reads of decisions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple, Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from accounts.models import User
from config.pagination import RowCompare
from skills.models import Skill
from skills.querysets import PUBLIC

# What the public log never shows: it is not decided yet.
UNDECIDED = "propose-removal"
# What counts against an author: a person restricted something of theirs, and it stands.
RESTRICTIONS = ("caution", "changes", "hide-version", "hide", "remove")


class LogRow(NamedTuple):
    """A decision as the public log reads it: these columns, and nothing that is internal."""

    pk: int
    created_at: datetime
    action: str
    category: str
    skill_label: str
    version_label: str
    owner: str
    slug: str
    is_automatic: bool
    # Whether visitors may open the page of the skill, or of one that was removed.
    has_page: bool
    taken_back_by: int | None
    takes_back: int | None
    appeal_state: str | None


class DecisionQuerySet(models.QuerySet[Any]):
    """Reads of decisions."""

    def newest_first(self) -> Self:
        """Return decisions in the order of every log."""
        return self.order_by("-created_at", "-id")

    def by(self, person: User) -> Self:
        """Return what this person decided."""
        return self.filter(actor=person)

    def strikes(self) -> Self:
        """Return the restrictions by a person that neither an undo nor an appeal lifted."""
        return self.filter(
            actor__isnull=False, action__in=RESTRICTIONS, undone_by__isnull=True
        ).exclude(appeal__state="granted")

    def public(self) -> Self:
        """Return what the public log shows: all but what is only proposed."""
        return self.exclude(action=UNDECIDED)

    def below(self, created_at: str, pk: int) -> Self:
        """Return the decisions that follow the one with this key in `newest_first()`."""
        return self.filter(_compare("<", created_at, pk))

    def down_to(self, created_at: str, pk: int) -> Self:
        """Return the decisions that lead to the one with this key, itself included."""
        return self.filter(_compare(">=", created_at, pk))

    def log_rows(self, limit: int) -> list[LogRow]:
        """Return the first rows as the public log reads them: one statement."""
        removed = Q(moderation_status="removed", soft_deleted_at__isnull=True)
        page = Skill.objects.filter(PUBLIC | removed, pk=OuterRef("skill"))
        rows = self.annotate(
            owner=F("skill__owner_handle"),
            slug=F("skill__slug"),
            is_by_nobody=Q(actor__isnull=True),
            has_page=Exists(page),
            taken_back_by=F("undone_by__id"),
            appeal_state=F("appeal__state"),
        ).values_list(
            "pk",
            "created_at",
            "action",
            "category",
            "skill_label",
            "version_label",
            "owner",
            "slug",
            "is_by_nobody",
            "has_page",
            "taken_back_by",
            "undoes",
            "appeal_state",
        )
        return [LogRow(*row) for row in rows[:limit]]

    def about(self, namespace_ids: Collection[int]) -> Self:
        """Return what was decided about the skills of these namespaces, as they may read it."""
        return self.public().filter(skill__namespace__in=namespace_ids)

    def awaiting(
        self, namespace_ids: Collection[int], actions: Collection[str], since: datetime
    ) -> Self:
        """Return what these namespaces may still appeal against or mend, newest first.

        It was decided since then, stands, was not appealed against, and is the last word on its
        version.
        """
        later = self.model.objects.public().filter(
            version=OuterRef("version"), pk__gt=OuterRef("pk")
        )
        return (
            self.about(namespace_ids)
            .filter(
                ~Exists(later),
                action__in=actions,
                created_at__gt=since,
                undone_by__isnull=True,
                appeal__isnull=True,
            )
            .newest_first()
        )

    def last_of(self, version_ids: Collection[int]) -> Self:
        """Return the last public word on each of these versions."""
        spoken = self.public().filter(version__in=version_ids).order_by("version", "-id")
        return spoken.distinct("version")


def _compare(operator: str, created_at: str, pk: int) -> RowCompare:
    key = [datetime.fromisoformat(created_at), pk]
    return RowCompare(["created_at", "pk"], operator, key)

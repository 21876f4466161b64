"""Named reads of skills. Every visibility rule and every work list lives here, once.

A work list reads through an index that holds just its rows, so asking for 100 returns 100 if they
exist, however many others stand in front.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any, Self

from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, Sum, Value
from django.db.models.functions import Coalesce, Concat, Now

from accounts.models import Membership, Scope
from accounts.policy import MANAGERS, Actor
from config.derived import DerivedQuerySet
from config.pagination import RowCompare
from skills import verdict

PUBLIC = Q(
    moderation_status="active",
    soft_deleted_at__isnull=True,
    latest_version_summary__isnull=False,
)
# `SkillVersion.is_blocked`: staff hold it, or a scan found it malicious and nobody decided.
BLOCKED = Q(decision__in=["changes", "hidden"]) | Q(scan_state="malicious", decision="")


class SkillQuerySet(DerivedQuerySet):
    """Reads of skills."""

    def trusted_owners(
        self, namespace_ids: Collection[int], moment: datetime
    ) -> models.QuerySet[Any, Any]:
        """Return those of the namespaces with a public clean skill from before `moment`."""
        is_clean = Q(moderation_reason="manual.approved") | Q(moderation_reason__endswith=".clean")
        mine = self.public().filter(is_clean, namespace__in=namespace_ids, is_suspicious=False)
        owners: models.QuerySet[Any, Any] = mine.filter(created_at__lte=moment).values_list(
            "namespace", flat=True
        )
        return owners.distinct()

    def public(self) -> Self:
        """Return what everybody may see; `Skill.is_public` is the same rule for one row."""
        return self.filter(PUBLIC)

    def visible_to(self, actor: Actor) -> Self:
        """Return what this actor may see; agrees with `policy.can(actor, VIEW, skill)`."""
        if actor.is_staff:
            return self.all()
        if Scope.SKILLS_READ not in actor.scopes:
            return self.public()
        return self.filter(PUBLIC | Q(namespace__in=actor.namespace_ids))

    def of_owner(self, user_id: int) -> Self:
        """Return what stands in this person's own namespace, whatever its state."""
        return self.filter(namespace__user=user_id)

    # --- Work lists -----------------------------------------------------------------------------

    def reason_out_of_date(self) -> Self:
        """Return skills whose reason is a scan result that their latest scan no longer says."""
        return self.filter(
            Q(moderation_reason__startswith="scanner."),
            ~Q(latest_scan_state=""),
            ~Q(moderation_reason__endswith=Concat(Value("."), F("latest_scan_state"))),
        ).order_by("id")

    def quality_hold(self) -> Self:
        """Return new skills held back for their quality, longest held first."""
        return self.filter(moderation_reason=verdict.QUALITY_HOLD).order_by("updated_at", "id")

    def hidden_by_reports(self) -> Self:
        """Return skills that reports hid, longest hidden first."""
        return self.filter(moderation_reason=verdict.HIDDEN_BY_REPORTS).order_by("updated_at", "id")

    def restored(self) -> Self:
        """Return skills brought back and not scanned since, longest waiting first."""
        return self.filter(restored_at__isnull=False).order_by("restored_at", "id")

    def without_summary(self) -> Self:
        """Return skills that have a version but no summary of the latest."""
        return self.filter(latest_version_summary__isnull=True, version_count__gt=0).order_by("id")

    def without_badge_map(self) -> Self:
        """Return skills whose badge map was never computed."""
        return self.filter(badges__isnull=True).order_by("id")


class SkillVersionQuerySet(DerivedQuerySet):
    """Reads of versions."""

    def available(self) -> Self:
        """Return the versions whose files may be read; `SkillVersion.is_available` for one row."""
        return self.filter(~BLOCKED, withdrawn_at__isnull=True)

    def newest_first(self) -> Self:
        """Return versions in the order of every version list."""
        return self.order_by("-created_at", "-id")

    def before(self, created_at: str, pk: int) -> Self:
        """Return the versions that follow the one with this key in `newest_first()`."""
        key = [datetime.fromisoformat(created_at), pk]
        return self.filter(RowCompare(["created_at", "pk"], "<", key))

    def without_texts(self) -> Self:
        """Leave the big columns in the database: what a list of versions shows."""
        return self.defer("readme", "metadata", "warnings", "scan_evidence")

    def published(self) -> Self:
        """Return versions that stand: all but the withdrawn ones."""
        return self.filter(withdrawn_at__isnull=True)

    def scan_pending(self) -> Self:
        """Return versions that wait for a scan, longest waiting first."""
        return self.filter(scan_state="pending").order_by("scan_requested_at", "id")

    def scanned_since(self, moment: datetime) -> Self:
        """Return versions whose last scan ended at or after `moment`."""
        return self.filter(scanned_at__gte=moment)

    def scan_pending_since(self, moment: datetime) -> Self:
        """Return versions that have waited for a scan since before `moment`."""
        return self.scan_pending().filter(scan_requested_at__lt=moment)


class SkillCommentQuerySet(DerivedQuerySet):
    """Reads of comments."""

    def visible(self) -> Self:
        """Return what all who see the skill see; `SkillComment.is_visible` for one row."""
        return self.filter(deleted_at=None, hidden_at=None)

    def newest_first(self) -> Self:
        """Return comments in the order of the tab."""
        return self.order_by("-created_at", "-id")

    def before(self, created_at: str, pk: int) -> Self:
        """Return the comments that follow the one with this key in `newest_first()`."""
        key = [datetime.fromisoformat(created_at), pk]
        return self.filter(RowCompare(["created_at", "pk"], "<", key))

    def seen_by_author_only(self, author_id: int, deleted_since: datetime) -> Self:
        """Return what a person wrote that staff hid, or that they deleted since that moment."""
        hidden = Q(hidden_at__isnull=False, deleted_at=None)
        own = self.filter(hidden | Q(deleted_at__gte=deleted_since), author=author_id)
        return own.order_by("-id")

    def with_authors(self, namespace_id: int) -> Self:
        """Load what the tab shows, with the author and whether they are a member of the owner."""
        members = Membership.objects.filter(namespace=namespace_id, user=OuterRef("author"))
        columns = ("text", "created_at", "deleted_at", "hidden_at", "reason", "author_id")
        names = ("author__handle", "author__display_name", "author__closed_at")
        rows = self.select_related("author").only(*columns, *names)
        return rows.annotate(has_joined=Exists(members))

    # --- Work lists of staff --------------------------------------------------------------------

    def reported(self) -> Self:
        """Return comments with open reports, longest waiting first."""
        return self.filter(reported_at__isnull=False).order_by("reported_at", "id")

    def reported_after(self, reported_at: str, pk: int) -> Self:
        """Return the comments that follow the one with this key in `reported()`."""
        key = [datetime.fromisoformat(reported_at), pk]
        return self.filter(RowCompare(["reported_at", "pk"], ">", key))

    def hidden(self) -> Self:
        """Return hidden comments, last hidden first."""
        return self.filter(hidden_at__isnull=False).order_by("-hidden_at", "-id")

    def last_written(self) -> Self:
        """Return all comments, last written first: read from the primary key."""
        return self.order_by("-id")

    def written_before(self, _created_at: str, pk: int) -> Self:
        """Return the comments that follow the one with this key in `last_written()`."""
        return self.filter(pk__lt=pk)

    def hidden_before(self, hidden_at: str, pk: int) -> Self:
        """Return the comments that follow the one with this key in `hidden()`."""
        key = [datetime.fromisoformat(hidden_at), pk]
        return self.filter(RowCompare(["hidden_at", "pk"], "<", key))


class SkillTransferQuerySet(models.QuerySet[Any]):
    """Reads of offers to hand a skill over."""

    def incoming_for(self, actor: Actor) -> Self:
        """Return the pending offers that this actor may answer, newest first."""
        return self._pending().filter(to_namespace__in=_managed_by(actor))

    def outgoing_for(self, actor: Actor) -> Self:
        """Return the pending offers that this actor may take back, newest first."""
        return self._pending().filter(from_namespace__in=_managed_by(actor))

    def _pending(self) -> Self:
        rows = self.filter(state="pending", expires_at__gt=Now())
        return rows.select_related("skill", "from_namespace", "to_namespace").order_by("-id")

    def of_skill(self, owner: str, slug: str) -> Self:
        """Return those of the skill that somebody names; the owner may be empty."""
        named = self.filter(skill__slug=slug.lower())
        return named.filter(from_namespace__handle=owner) if owner else named


def _managed_by(actor: Actor) -> list[int]:
    return [pk for pk, role in actor.namespace_roles.items() if role in MANAGERS]


class SkillListingQuerySet(models.QuerySet[Any]):
    """Reads of listing rows; `skills.listing` composes the pages from them."""

    def under(self, facet: str) -> Self:
        """Return the cards of one facet ("" = all)."""
        return self.filter(facet=facet)

    def totals_of_owner(self, handle: str) -> dict[str, int]:
        """Return the sums of one owner's public skills and how many there are: one statement.

        Read from the index alone (`listing_totals_of_owner`).
        """
        sums = {
            name: Coalesce(Sum(name), 0) for name in ("downloads", "installs_all_time", "stars")
        }
        owned = self.under("").filter(owner_handle=handle)
        return owned.aggregate(skills=Count("*"), **sums)

    def clean(self) -> Self:
        """Leave out suspicious skills, by the partial indexes."""
        return self.filter(is_suspicious=False)


class StatQuerySet(models.QuerySet[Any]):
    """Reads of hourly and daily counts."""

    def of_days(self, skill_id: int, first: date, last: date) -> Self:
        """Return the daily rows of a skill from `first` to `last`, oldest first; gaps are zero."""
        return self.filter(skill=skill_id, day__range=(first, last)).order_by("day")


class LeaderboardQuerySet(models.QuerySet[Any]):
    """Reads of snapshots."""

    def of(self, board: str, window: str, *, with_suspicious: bool) -> Self:
        """Return the snapshots of one board, newest first."""
        named = self.filter(board=board, window=window, with_suspicious=with_suspicious)
        return named.order_by("-built_at", "-pk")

    def ranks_of(self, skill_id: int, since: datetime) -> models.QuerySet[Any, Any]:
        """Return (built at, rank or None) of one skill in each snapshot built since, as ordered."""
        entry = models.FilteredRelation("entries", condition=models.Q(entries__skill=skill_id))
        since_then = self.filter(built_at__gte=since).annotate(entry=entry)
        ranks: models.QuerySet[Any, Any] = since_then.values_list("built_at", "entry__rank")
        return ranks

    def nearest_to(self, moment: datetime, *, within: timedelta) -> Any:
        """Return the snapshot built nearest to `moment`; None when all are further than `within`.

        Of one board, whose few snapshots of that time the index holds side by side.
        """
        near = self.filter(built_at__range=(moment - within, moment + within))
        return min(near, key=lambda row: abs(row.built_at - moment), default=None)


class SkillBadgeQuerySet(DerivedQuerySet):
    """Reads of badges."""

    def newest_first(self) -> Self:
        """Return badges in the order of their list."""
        return self.order_by("-id")

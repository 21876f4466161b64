"""Named reads of traces and their messages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Self

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now

from accounts.models import Scope, Visibility
from config.derived import DerivedQuerySet
from config.pagination import RowCompare
from traces.summary_state import IS_TIMED

if TYPE_CHECKING:
    from accounts.policy import Actor
    from traces.due import Site

# What a list never reads: texts that may be long.
_LONG = ("ai_summary", "redactions")
# What others may have a link to: also what was taken back, and what is private because its link
# ended. It keeps the claim of its client's id.
OPEN_AT_SOME_TIME: Final = ~Q(visibility=Visibility.PRIVATE) | Q(link_ends_at__isnull=False)
# What its link opens until a moment.
LINK_ENDS: Final = Q(visibility=Visibility.DIRECT, link_ends_at__isnull=False)
# The same once the moment has passed: `Trace.link_has_ended` before the job came by.
LINK_HAS_ENDED: Final = Q(visibility=Visibility.DIRECT, link_ends_at__lte=Now())


class TraceQuerySet(DerivedQuerySet):
    """Reads of traces."""

    def published(self) -> Self:
        """Return the traces that were neither taken back nor are withheld by a ban."""
        return self.filter(unpublished_at__isnull=True, is_withheld=False)

    def not_withheld(self) -> Self:
        """Return what no ban withholds, also what was taken back."""
        return self.filter(is_withheld=False)

    def public(self) -> Self:
        """Return what everybody may list."""
        return self.published().filter(visibility=Visibility.PUBLIC)

    def open_at_some_time(self) -> Self:
        """Return what others may have a link to, unpublished ones too, the oldest first."""
        return self.filter(OPEN_AT_SOME_TIME).order_by("pk")

    def link_ended(self) -> Self:
        """Return what its link opened until a moment that has passed, the earliest first."""
        return self.filter(LINK_HAS_ENDED).order_by("link_ends_at", "pk")

    def listed_for(self, actor: Actor) -> Self:
        """Return what this actor may list: public traces, and those of their namespaces."""
        if not actor.namespace_ids or Scope.TRACES_READ not in actor.scopes:
            return self.public()
        mine = Q(namespace__in=actor.namespace_ids)
        return self.published().filter(Q(visibility=Visibility.PUBLIC) | mine)

    def newest_first(self, after: int | None = None) -> Self:
        """Return the order of every list, from behind the trace with this key."""
        rows = self if after is None else self.filter(pk__lt=after)
        return rows.order_by("-pk")

    def without_texts(self) -> Self:
        """Leave out the long columns that lists do not show."""
        return self.defer(*_LONG)

    def to_purge(self) -> Self:
        """Return the traces with messages of generations that are over."""
        return self.filter(generation__gt=F("purged_below"))

    def with_summary_verdict(self, site: Site, *, asked: bool = False) -> Self:
        """Add `summary_verdict`: why a summary is due now, or not (`traces.due.verdict`)."""
        from traces.due import verdict

        return self.annotate(summary_verdict=verdict(site, asked=asked))

    def summary_timed(self) -> Self:
        """Return what the sweep looks at next, longest due first."""
        rows = self.filter(IS_TIMED, summary_due_at__lte=Now())
        return rows.order_by("summary_due_at", "pk")

    def summary_due(self, after: tuple[datetime, int] | None = None) -> Self:
        """Return what the sweep may look at by now, the newest due first: the list of staff."""
        rows = self.filter(IS_TIMED, summary_due_at__lte=Now())
        if after is not None:
            rows = rows.filter(RowCompare(["summary_due_at", "pk"], "<", list(after)))
        return rows.order_by("-summary_due_at", "-pk")

    def with_last_error(self) -> Self:
        """Add `last_error`: the class of what went wrong at the last attempt, "" for nothing."""
        from traces.models import SummaryLog

        attempts = SummaryLog.objects.filter(trace=OuterRef("pk")).order_by("-id")
        return self.annotate(last_error=Subquery(attempts.values("error")[:1]))


class MessageQuerySet(DerivedQuerySet):
    """Reads of messages."""

    def live(self, trace: Any) -> Self:
        """Return the messages of the trace's generation."""
        return self.filter(trace=trace, generation=trace.generation)

    def of_kinds(self, kinds: Iterable[str]) -> Self:
        """Return the messages of these kinds."""
        return self.filter(kind__in=list(kinds))

    def redacted(self) -> Self:
        """Return the messages that something was taken out of."""
        return self.exclude(redactions=[])

    def in_order(self, after: tuple[int, int] | None = None) -> Self:
        """Return them from top to bottom, from behind this (position, key)."""
        rows = self
        if after is not None:
            rows = self.filter(RowCompare(["position", "pk"], ">", list(after)))
        return rows.order_by("position", "pk")


class SummaryLogQuerySet(QuerySet[Any]):
    """Reads of attempts at summaries."""

    def newest_with_names(self) -> Self:
        """Return them newest first, with what is told of each: whose it is, and who asked."""
        told = self.select_related("trace", "namespace", "asked_by").order_by("-id")
        return told.only(
            *(field.attname for field in self.model._meta.concrete_fields),
            "trace__public_id",
            "trace__summary_state",
            "namespace__handle",
            "asked_by__handle",
        )

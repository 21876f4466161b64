"""The list of a person's traces across their namespaces; costs the same however many there are."""

from __future__ import annotations

from itertools import chain

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef

from accounts.models import Namespace
from accounts.policy import Actor
from config.pagination import PAGE_SIZE
from traces.models import Trace


def read_page(
    actor: Actor, *, by_anybody: bool = False, visibility: str = "", after: int | None = None
) -> tuple[list[Trace], bool]:
    """Return a page of what the actor shares, newest first, and whether more follow.

    `by_anybody` adds what others share in the actor's namespaces. Two statements: the newest keys
    of each namespace from its index, then the rows of the newest of those.
    """
    rows = Trace.objects.published().filter(namespace=OuterRef("pk"))
    if not by_anybody:
        rows = rows.filter(created_by=actor.user)
    if visibility:
        rows = rows.filter(visibility=visibility)
    heads = ArraySubquery(rows.newest_first(after).values("pk")[: PAGE_SIZE + 1])
    keys = Namespace.objects.filter(pk__in=actor.namespace_ids).values_list(heads, flat=True)
    newest = sorted(chain.from_iterable(keys), reverse=True)
    page = Trace.objects.published().filter(pk__in=newest[:PAGE_SIZE]).newest_first()
    return list(page.without_texts()), len(newest) > PAGE_SIZE

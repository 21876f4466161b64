"""The end of a link: what may be chosen, what follows from it, and what the job does afterwards.

Nobody waits for the job: readers are judged by `Trace.visibility_now`. It makes the stored
visibility say the same, so that lists by visibility and the gate of summaries do.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Visibility
from config.errors import DomainError
from traces.models import Trace, VisibilitySource
from traces.querysets import LINK_HAS_ENDED

FURTHEST: Final = timedelta(days=366)
BATCH: Final = 200


class LinkEndRefused(DomainError):
    """A link cannot end then, or there is no link that could."""

    code = "link_end_refused"


def with_link_end(trace: Trace, settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings of a trace with what follows from them for its visibility and its end.

    A new end opens a link that has ended. Another visibility has no end; that of this moment
    changes nothing. Raises `LinkEndRefused`.
    """
    if "link_ends_at" in settings:
        _refuse_unfit(settings["link_ends_at"])
        has_ended = trace.link_has_ended and "visibility" not in settings
        if not has_ended and settings.get("visibility", trace.visibility) != Visibility.DIRECT:
            raise LinkEndRefused(
                "It has no link that could end: let everybody with the link read it first."
            )
        return settings | {"visibility": Visibility.DIRECT.value}
    if "visibility" not in settings:
        return settings
    if settings["visibility"] == trace.visibility_now:
        return {name: value for name, value in settings.items() if name != "visibility"}
    return settings | {"link_ends_at": None}


def _refuse_unfit(ends_at: datetime | None) -> None:
    now = timezone.now()
    if ends_at is not None and ends_at <= now:
        raise LinkEndRefused("That day has passed: name a later one.", field="link_end_day")
    if ends_at is not None and ends_at > now + FURTHEST:
        raise LinkEndRefused("Name a day within a year, or let it never end.", field="link_end_day")


def end_after_upload(trace: Trace, visibility: str) -> datetime | None:
    """Return when the link of a trace ends once an upload or a move has made it so open.

    The same end as before, and none of what is not opened by a link any more. One that has passed
    stays: it says why the trace is private.
    """
    stays = visibility == trace.visibility or trace.link_has_ended
    return trace.link_ends_at if stays else None


def end_links() -> Iterator[int]:
    """Make private what its link opened until a moment that has passed; yield how many each time.

    Killed, repeated and twice at once it ends alike. Whoever opens a trace again locks it: they
    come before, and it is left alone, or after, and it is open.
    """
    ended = Trace.objects.link_ended().values_list("pk", flat=True)
    while keys := list(ended[:BATCH]):
        yield _end(keys)


@transaction.atomic
def _end(keys: list[int]) -> int:
    rows = Trace.objects.select_for_update(no_key=True).filter(LINK_HAS_ENDED, pk__in=keys)
    found = list(rows.order_by("pk").without_texts())
    # `updated_at` stays: readers saw the change when the link ended.
    Trace.objects.filter(pk__in=[row.pk for row in found]).update(
        visibility=Visibility.PRIVATE, visibility_source=VisibilitySource.WEB
    )
    audit.record_all(
        audit.event(
            actor=None,
            verb="trace.link_ended",
            thing=row,
            before={"visibility": Visibility.DIRECT},
            after={"visibility": Visibility.PRIVATE},
        )
        for row in found
    )
    return len(found)

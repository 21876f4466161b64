"""Traces as rows of the staff's summary page: lists, each from an index, and one row alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from config.pagination import CursorRefused, read_cursor, sign_cursor
from jobs.words import clamp, cut_to_html
from traces.due import Site, Verdict
from traces.models import SummaryError, SummaryState, Trace
from traces.querysets import TraceQuerySet
from traces.summary_dashboard import LISTED
from traces.summary_effect import RELOAD, Effect, effect_of, is_looked_for, is_under_way
from traces.summary_state import IS_FAILED, IS_WAITING

# A page of hostile titles still fits into 50,000 bytes.
ROWS_SHOWN: Final = 15
TITLE_HTML: Final = 300
TEXT_LENGTH: Final = 200
# Somebody looks on: often at first, then seldom.
POLL_SECONDS: Final = (2, 10)
SOON: Final = timedelta(minutes=1)
_BY_STATE: Final = {
    Verdict.WAITING_FOR_BUDGET: IS_WAITING,
    Verdict.FAILED: IS_FAILED,
}
ASKED_FOR: Final = "Asked for"


@dataclass(frozen=True)
class Row:
    """A trace and where its summary stands."""

    trace: Any  # A `Trace` with `summary_verdict` and `last_error`.
    now: datetime

    @property
    def effect(self) -> Effect:
        """Return what its switches, its messages and the site come to."""
        return effect_of(self.trace, Verdict(self.trace.summary_verdict))

    @property
    def title(self) -> str:
        """Return its title, cut so that no title makes the page long."""
        return cut_to_html(self.trace.title, TITLE_HTML)

    @property
    def is_queued(self) -> bool:
        """Say whether somebody asked, and no worker has taken it up yet."""
        asked = self.trace.summary_state == SummaryState.QUEUED
        return asked and self.effect.verdict == Verdict.DUE

    @property
    def state(self) -> str:
        """Return where it stands, in a word or two."""
        return (ASKED_FOR if self.is_queued else self.effect.verdict.label).lower()

    @property
    def behind(self) -> int:
        """Return how many messages the summary does not cover."""
        new: int = self.trace.message_count - self.trace.summary_message_count
        return max(new, 0)

    @property
    def last_error(self) -> str:
        """Return what went wrong at the last attempt, in words; "" for nothing."""
        error = self.trace.last_error
        return SummaryError(error).label if error else ""

    @property
    def text(self) -> str:
        """Return the beginning of the summary: what is shown when one has just been written."""
        return clamp(self.trace.ai_summary, TEXT_LENGTH)

    @property
    def _is_under_way(self) -> bool:
        return is_under_way(self.trace, self.effect.verdict)

    @property
    def reload(self) -> str:
        """Return what to do once the row no longer looks by itself; "" as long as it does."""
        return RELOAD if self._is_under_way and not self.poll_seconds else ""

    @property
    def poll_seconds(self) -> int:
        """Return how often to look again; 0 where nothing will happen by itself soon."""
        if not self._is_under_way or not is_looked_for(self.trace, self.now):
            return 0
        since = self.trace.summary_due_at
        is_late = since is not None and self.now - since > SOON
        return POLL_SECONDS[is_late or self.effect.verdict == Verdict.RETRYING]


@dataclass(frozen=True)
class RowPage:
    """A page of a list, and how it goes on."""

    shown: Verdict
    rows: list[Row]
    older: str
    is_first: bool
    is_bad_cursor: bool


def find_row(public_id: str, site: Site) -> Row | None:
    """Return one trace as a row; None where there is none of this id."""
    trace = _judged(Trace.objects.filter(public_id=public_id), site).first()
    return Row(trace, timezone.now()) if trace else None


def read_rows(asked: str, cursor: str, site: Site) -> RowPage:
    """Return a page of traces whose summary stands so, newest first: one statement.

    What was not asked for properly is the list of those that are due.
    """
    shown = Verdict(asked) if asked in LISTED else Verdict.DUE
    listing = f"summaries:{shown.value}"
    types = (str, int) if shown == Verdict.DUE else (int,)
    after: tuple[Any, ...] = ()
    is_bad_cursor = False
    if cursor:
        try:
            after = _place(read_cursor(listing, cursor, *types))
        except (CursorRefused, ValueError):
            is_bad_cursor = True
    found = list(_judged(_listed(shown, after), site).defer("ai_summary")[: ROWS_SHOWN + 1])
    now, last = timezone.now(), found[ROWS_SHOWN - 1] if len(found) > ROWS_SHOWN else None
    return RowPage(
        shown=shown,
        rows=[Row(trace, now) for trace in found[:ROWS_SHOWN]],
        older=sign_cursor(listing, *_key(shown, last)) if last else "",
        is_first=not after,
        is_bad_cursor=is_bad_cursor,
    )


def _judged(rows: TraceQuerySet, site: Site) -> TraceQuerySet:
    seen = rows.with_summary_verdict(site).with_last_error()
    return seen.select_related("namespace").defer("redactions")


def _listed(shown: Verdict, after: tuple[Any, ...]) -> TraceQuerySet:
    if shown == Verdict.DUE:
        return Trace.objects.summary_due(after or None)
    if shown in _BY_STATE:
        rows = Trace.objects.filter(_BY_STATE[shown])
    else:
        rows = Trace.objects.filter(summary_gate=shown.value)
    return rows.newest_first(after[0] if after else None)


def _key(shown: Verdict, trace: Trace) -> tuple[Any, ...]:
    if shown != Verdict.DUE or trace.summary_due_at is None:
        return (trace.pk,)
    return (trace.summary_due_at.isoformat(), trace.pk)


def _place(key: tuple[Any, ...]) -> tuple[Any, ...]:
    return key if len(key) == 1 else (datetime.fromisoformat(key[0]), key[1])

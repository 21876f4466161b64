"""Reading leaderboards: which snapshot, which of its ranks may be seen now, how it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, Self

from django.db import connection
from django.http import QueryDict
from django.utils import timezone
from django.utils.http import urlencode
from psycopg.types.datetime import TimestamptzLoader

from config.errors import DomainError
from config.statements import statement
from jobs.schedules import BY_NAME
from skills import ranking, verdict
from skills.boards import BOARDS
from skills.listing import Card
from skills.models import Leaderboard
from skills.models.leaderboard import Board, Window

PAGE_ROWS: Final = 50
MORE_ROWS: Final = 25
"""Rows that "Load more" adds: what is loaded into a page stays within 30 KB."""

TO: Final = tuple(range(PAGE_ROWS, ranking.BOARD_SIZE + 1, MORE_ROWS))
WINDOWS: Final = {board: [w for b, w in BOARDS if b == board] for board in Board}
DEFAULT_WINDOW: Final = {
    Board.TRENDING: Window.WEEK,
    Board.RISING: Window.WEEK,
    Board.ALL_TIME: Window.EVER,
}
PARAMETERS: Final = ("window", "suspicious", "to", "snapshot")
MAX_ID: Final = 2**63 - 1
JOB: Final = "build_leaderboards"
INTERVAL: Final = BY_NAME[JOB].every or timedelta(hours=1)
LATE_AFTER: Final = 2 * INTERVAL
"""Counts older than this are told with a warning."""


class BoardUnknown(DomainError):
    code = "board_not_found"


class WindowRefused(DomainError):
    code = "window_invalid"


class Row(NamedTuple):
    """A rank of a snapshot: what happened in its window, and the card as it is now."""

    rank: int
    previous_rank: int | None
    downloads: int
    installs: int
    stars: int
    days: list[int]
    most_downloads: int
    card: Card

    @property
    def word(self) -> verdict.Word:
        """Return the one status word of the skill as it is now."""
        card = self.card
        return verdict.word_of_active(card.moderation_reason, is_suspicious=card.is_suspicious)


# --- Which board ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class BoardQuery:
    """A board, its window, and whether suspicious skills are on it."""

    board: Board
    window: Window
    with_suspicious: bool = False

    @property
    def title(self) -> str:
        """Return what the board is called: "Trending, 7 days"."""
        ever = self.window == Window.EVER
        return str(self.board.label) if ever else f"{self.board.label}, {self.window.label}"


def board_query(board: str, window: str = "", *, with_suspicious: bool = False) -> BoardQuery:
    """Check what a program asks for. Raises `BoardUnknown`, `WindowRefused`."""
    if board not in Board.values:
        raise BoardUnknown(f"There is no such board; there are {', '.join(Board.values)}.")
    known = Board(board)
    if window and window not in WINDOWS[known]:
        raise WindowRefused(f"window is one of {', '.join(WINDOWS[known])}.", field="window")
    return BoardQuery(known, Window(window or DEFAULT_WINDOW[known]), with_suspicious)


@dataclass(frozen=True)
class BoardFilter:
    """A board page as a visitor asks for it; nonsense becomes a notice."""

    query: BoardQuery
    to: int = PAGE_ROWS
    snapshot: int | None = None
    notices: tuple[str, ...] = ()

    @classmethod
    def parse(cls, board: str, given: QueryDict) -> Self:
        """Read the query string. Raises `BoardUnknown`, nothing else."""
        notices: tuple[str, ...] = ()
        suspicious = given.get("suspicious", "").lower() in {"1", "true", "yes", "on"}
        try:
            query = board_query(board, given.get("window", ""), with_suspicious=suspicious)
        except WindowRefused:
            query = board_query(board, with_suspicious=suspicious)
            # Not repeated: each nonsense would be a page of its own to keep.
            notices = ("This board has no such window; it is ignored.",)
        to, snapshot = _number(given.get("to", "")), _number(given.get("snapshot", ""))
        return cls(
            query=query,
            to=min((mark for mark in TO if mark >= (to or 0)), default=ranking.BOARD_SIZE),
            snapshot=snapshot,
            notices=notices,
        )

    def is_canonical(self, given: QueryDict) -> bool:
        """Say whether `given` spells this page without empty or default parameters."""
        told = {key: given[key] for key in PARAMETERS if key in given}
        return bool(self.notices) or told == self.parameters()

    def parameters(self) -> dict[str, str]:
        """Return the query string as a mapping, defaults left out, in one order."""
        query = self.query
        said = {
            "window": "" if query.window == DEFAULT_WINDOW[query.board] else query.window,
            "suspicious": "1" if query.with_suspicious else "",
            "to": "" if self.to == PAGE_ROWS else str(self.to),
            "snapshot": "" if self.snapshot is None else str(self.snapshot),
        }
        return {key: str(value) for key, value in said.items() if value}

    def url(self, **changes: Any) -> str:
        """Return the address of this page with changes."""
        changed = replace(self, **changes)
        return board_url(changed.query.board, changed.parameters())

    def of(self, **changes: Any) -> str:
        """Return the address of the beginning of another board."""
        return replace(
            self, query=replace(self.query, **changes), to=PAGE_ROWS, snapshot=None
        ).url()


def board_url(board: str, parameters: dict[str, str], extension: str = "/") -> str:
    """Return the address of a board's page, or of its twin with this extension."""
    address = f"/leaderboards/{board}{extension}"
    return f"{address}?{urlencode(parameters)}" if parameters else address


def twin_url(query: BoardQuery, extension: str) -> str:
    """Return the address of the Atom or JSON twin of a board."""
    parameters = BoardFilter(query).parameters()
    return board_url(query.board, parameters, extension)


def _number(text: str) -> int | None:
    """Read an id or a rank; nonsense is None."""
    readable = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ID))
    return min(int(text), MAX_ID) if readable else None


# --- Its rows ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """A snapshot as it may be seen now. Without a header no board was built yet."""

    header: Leaderboard | None = None
    rows: list[Row] = field(default_factory=list)
    is_newest: bool = True
    is_late: bool = False

    @property
    def stamp(self) -> str:
        """Return a text that differs whenever the page would."""
        return repr((self.header and self.header.pk, self.is_newest, self.is_late, self.rows))

    @property
    def next_build_at(self) -> datetime | None:
        """Return when the next snapshot is due; None when it already should be there."""
        if self.header is None or not self.is_newest:
            return None
        due = BY_NAME[JOB].first_run(self.header.built_at + timedelta(minutes=1))
        return due if due > timezone.now() else None


def newest(query: BoardQuery) -> Leaderboard | None:
    """Return the newest snapshot of a board: one statement."""
    named = Leaderboard.objects.of(query.board, query.window, with_suspicious=query.with_suspicious)
    found: Leaderboard | None = named.first()
    return found


def read_rows(
    header: Leaderboard | None, *, first: int = 1, last: int = ranking.BOARD_SIZE, limit: int = 200
) -> list[Row]:
    """Return the ranks from `first` to `last` that everybody may see: at most one statement."""
    if header is None:
        return []
    told: dict[str, Any] = {
        "snapshot": header.pk,
        "first": first,
        "last": last,
        "limit": limit,
        "with_suspicious": header.with_suspicious,
        "unscanned": verdict.UNSCANNED_PATTERN,
    }
    with connection.cursor() as db:
        db.adapters.register_loader("timestamptz", TimestamptzLoader)
        db.execute(statement("skills/board_rows"), told)
        return [
            Row._make((*row[:6], header.top_downloads, Card(*row[6:]))) for row in db.fetchall()
        ]


def read_board(
    query: BoardQuery,
    *,
    snapshot: int | None = None,
    first: int = 1,
    last: int = ranking.BOARD_SIZE,
    limit: int = ranking.BOARD_SIZE,
) -> Shown:
    """Return ranks of the snapshot named, if it is still kept, else of the newest.

    Three statements at most: the newest header, the named one, the rows with their cards.
    """
    header = latest = newest(query)
    if latest is not None and snapshot not in {None, latest.pk}:
        same = Leaderboard.objects.of(
            query.board, query.window, with_suspicious=query.with_suspicious
        )
        header = same.filter(pk=snapshot).first() or latest
    rows = read_rows(header, first=first, last=last, limit=limit)
    return Shown(header, rows, is_newest=header == latest, is_late=is_late(header))


def is_late(header: Leaderboard | None) -> bool:
    """Say whether the counts of a snapshot are older than they may be."""
    if header is None:
        return False
    return timezone.now() - (header.counted_until or header.built_at) > LATE_AFTER

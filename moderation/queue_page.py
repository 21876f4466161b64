"""What the queue shows: its rows, how many wait under each tab, and why it is empty.

The number of statements is fixed, however many items wait.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from config.pagination import PAGE_SIZE, BoundedCount, RowCompare, read_cursor, sign_cursor
from jobs.models import ClusterBeat
from moderation.models import Decision, ReviewItem
from moderation.querysets.review import ReviewItemQuerySet
from moderation.queue_forms import TABS, QueueFilter
from moderation.scanners import Severity
from moderation.services.items import is_claimed_by, is_claimed_by_other, severity_at
from moderation.templatetags.desk import COUNTED, bounded
from skills.models import SkillVersion

DUE_WITHIN: Final = timedelta(days=2)
DONE_DAYS: Final = 90
"""The tab of what is done looks back so far; all of it stands under decisions."""

WINDOW: Final = 175
"""Rows before the place of an address that are shown again."""

NEW_AUTHOR: Final = timedelta(days=30)

# The columns of each order, and whether it goes downwards; an index holds each (models/review.py).
_ORDERS: Final = {
    "priority": ("rank_at", False),
    "oldest": ("opened_at", False),
    "reach": ("installs_week", True),
    "held": ("closed_at", False),
    "done": ("closed_at", True),
}
_COLUMNS: Final = (
    "kind",
    "state",
    "severity",
    "top_rule",
    "top_file",
    "top_line",
    "reporters",
    "installs_week",
    "opened_at",
    "due_at",
    "rank_at",
    "closed_at",
    "claimed_at",
    "claimed_until",
    "revision",
    "claimed_by__handle",
    "namespace__handle",
    "namespace__created_at",
    "version__version",
    "version__skill__slug",
    "version__skill__owner_handle",
)


@dataclass(frozen=True)
class Row:
    """One item as the list shows it."""

    item: ReviewItem
    url: str
    is_current: bool
    strikes: int
    is_new_author: bool
    # Who is at it: "you", a handle, or "" for nobody.
    holder: str

    @property
    def severity(self) -> str:
        """Return the worst finding's severity; "" without one."""
        return str(severity_at(self.item.severity) or "")

    @property
    def place(self) -> str:
        """Return the worst finding's place, `file:line`."""
        item = self.item
        return f"{item.top_file}:{item.top_line}" if item.top_line else item.top_file


@dataclass(frozen=True)
class Page:
    """A piece of the queue; `next_url` is None at its end."""

    rows: list[Row]
    next_url: str | None
    is_from_cursor: bool = False


# --- Which items ----------------------------------------------------------------------------------


def items_of(asked: QueueFilter, viewer: User) -> ReviewItemQuerySet:
    """Return the items of a tab, narrowed."""
    rows = _of_tab(asked.tab, viewer)
    if asked.kind:
        rows = rows.filter(kind=asked.kind)
    if asked.sev:
        rows = rows.filter(severity=Severity(asked.sev).rank)
    if asked.rule:
        rows = rows.filter(top_rule=asked.rule)
    if asked.author:
        rows = rows.filter(namespace__handle=asked.author)
    if asked.q:
        rows = rows.filter(version__skill__slug__startswith=asked.q)
    if asked.claim == "mine":
        rows = rows.filter(claimed_by=viewer, claimed_until__gt=Now())
    elif asked.claim == "others":
        rows = rows.filter(claimed_until__gt=Now()).exclude(claimed_by=viewer)
    elif asked.claim == "free":
        rows = rows.filter(Q(claimed_by__isnull=True) | Q(claimed_until__lte=Now()))
    return rows


def _of_tab(tab: str, viewer: User) -> ReviewItemQuerySet:
    rows: ReviewItemQuerySet = ReviewItem.objects.all()
    now = timezone.now()
    of_tab: dict[str, Callable[[], ReviewItemQuerySet]] = {
        "due": lambda: rows.due_by(now + DUE_WITHIN),
        "all": rows.open,
        "mine": lambda: rows.claimed_by(viewer),
        "appeals": rows.appeals,
        "held": rows.held,
        "done": lambda: rows.done().filter(closed_at__gte=now - timedelta(days=DONE_DAYS)),
    }
    return of_tab[tab]()


def _order(asked: QueueFilter) -> tuple[str, bool]:
    return _ORDERS[asked.tab if asked.tab in _ORDERS else asked.sort]


def _ordered(rows: ReviewItemQuerySet, column: str, *, downwards: bool) -> ReviewItemQuerySet:
    sign = "-" if downwards else ""
    return rows.order_by(f"{sign}{column}", f"{sign}id")


def _key(asked: QueueFilter, item: ReviewItem) -> tuple[Any, int]:
    value = getattr(item, _order(asked)[0])
    return (value.isoformat() if isinstance(value, datetime) else value), item.pk


def _listing(asked: QueueFilter) -> str:
    return f"queue:{':'.join(map(str, _order(asked)))}"


def _behind(asked: QueueFilter, key: Sequence[Any], *, backwards: bool = False) -> RowCompare:
    """Return the condition for the rows behind a key; `backwards`, up to and with it."""
    column, downwards = _order(asked)
    first = datetime.fromisoformat(key[0]) if isinstance(key[0], str) else key[0]
    operator = ("<" if downwards else ">", ">=" if downwards else "<=")[backwards]
    return RowCompare([column, "id"], operator, [first, key[1]])


# --- Rows -----------------------------------------------------------------------------------------


def read_page(asked: QueueFilter, viewer: User, *, only_more: bool = False) -> Page:
    """Read the rows of an address: three statements at most.

    `only_more` leaves out those that lead to the cursor. Raises `CursorRefused`.
    """
    column, downwards = _order(asked)
    rows = items_of(asked, viewer).select_related("claimed_by", "namespace", "version__skill")
    rows = _ordered(rows.only(*_COLUMNS), column, downwards=downwards)
    led: list[ReviewItem] = []
    if asked.until:
        key = read_cursor(_listing(asked), asked.until, *_key_types(column))
        if not only_more:
            before = rows.filter(_behind(asked, key, backwards=True)).reverse()
            led = list(before[:WINDOW])[::-1]
        rows = rows.filter(_behind(asked, key))
    found = list(rows[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    next_url = None
    if len(found) > PAGE_SIZE:
        next_url = asked.url(until=sign_cursor(_listing(asked), *_key(asked, shown[-1])))
    return Page(_rows(led + shown, asked, viewer), next_url, bool(asked.until))


def _key_types(column: str) -> tuple[type, type]:
    return (int if column == "installs_week" else str), int


def read_row(item_id: int, asked: QueueFilter, viewer: User) -> Row | None:
    """Read one item as a row, whatever tab it stands under now; None when there is none."""
    rows = ReviewItem.objects.select_related("claimed_by", "namespace", "version__skill")
    found = _rows(list(rows.only(*_COLUMNS).filter(pk=item_id)), asked, viewer)
    return found[0] if found else None


def _rows(items: Sequence[ReviewItem], asked: QueueFilter, viewer: User) -> list[Row]:
    strikes = strikes_of({item.namespace_id for item in items})
    now = timezone.now()
    return [
        Row(
            item=item,
            url=asked.url(item=item.pk),
            is_current=item.pk == asked.item,
            strikes=strikes.get(item.namespace_id, 0),
            is_new_author=now - item.namespace.created_at < NEW_AUTHOR,
            holder=_holder(item, viewer),
        )
        for item in items
    ]


def _holder(item: ReviewItem, viewer: User) -> str:
    if is_claimed_by_other(item, viewer):
        return item.claimed_by.handle if item.claimed_by else ""
    return "you" if is_claimed_by(item, viewer) else ""


def strikes_of(namespace_ids: set[int]) -> dict[int, int]:
    """Return how many restrictions by a person stand against each owner: one statement."""
    if not namespace_ids:
        return {}
    standing = Decision.objects.strikes().filter(skill__namespace__in=namespace_ids)
    counted = standing.values_list("skill__namespace").annotate(n=Count("*")).order_by()
    return dict(counted)


def next_after(item: ReviewItem, asked: QueueFilter, viewer: User) -> int:
    """Return the item that follows in the list, else its first other; 0 when it is empty.

    `item` as it stood in the list: a decision has changed its row by now.
    """
    column, downwards = _order(asked)
    rows = _ordered(items_of(asked, viewer).exclude(pk=item.pk), column, downwards=downwards)
    ids = rows.values_list("pk", flat=True)
    if getattr(item, column) is not None:
        behind: int | None = ids.filter(_behind(asked, _key(asked, item))).first()
        if behind is not None:
            return behind
    return ids.first() or 0


# --- Counts ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tab:
    """A tab with how many items stand under it, "1k+" where it is more than anybody counts."""

    key: str
    label: str
    url: str
    count: str
    is_current: bool


def read_tabs(asked: QueueFilter, viewer: User) -> list[Tab]:
    """Count what stands under each tab, without filters: one statement, bounded."""
    counts = {
        tab: BoundedCount(_of_tab(tab, viewer).order_by().values("pk")[: COUNTED + 1])
        for tab in TABS
    }
    found: Any = User.objects.filter(pk=viewer.pk).values(**counts).get()
    return [
        Tab(
            key=tab,
            label=label,
            url=asked.url(tab=tab, until="", item=0, sort=asked.sort),
            count=bounded(found[tab]),
            is_current=tab == asked.tab,
        )
        for tab, label in TABS.items()
    ]


# --- Nothing to do, or nothing working? -----------------------------------------------------------


@dataclass(frozen=True)
class Quiet:
    """Why nothing waits: when the last item came, and whether anything could bring a new one."""

    last_item_at: datetime | None
    oldest_pending_at: datetime | None
    has_worker: bool


def read_quiet() -> Quiet:
    """Ask what an empty queue means: three statements."""
    now = timezone.now()
    last = ReviewItem.objects.order_by("-pk").values_list("opened_at", flat=True).first()
    pending = SkillVersion.objects.scan_pending().values_list("scan_requested_at", flat=True)
    beats = ClusterBeat.objects.all()
    return Quiet(last, pending.first(), any(beat.is_alive(now) for beat in beats))

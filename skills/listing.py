"""Pages of the public list: one statement each, by keyset, from `SkillListing` alone.

The ORM composes each shape of the query once; the SQL it writes is kept with the places of its
parameters, because composing costs more time than PostgreSQL needs to answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final, NamedTuple

from django.db import connection
from psycopg.types.datetime import TimestamptzLoader

from config.errors import DomainError
from config.pagination import PAGE_SIZE, RowCompare, read_cursor, sign_cursor
from skills.derived import facet_of
from skills.models import SkillListing
from skills.models.listing import SORT_COLUMNS
from skills.slugs import CATEGORY_KEYS, normalize_topic

DEFAULT_SORT: Final = "updated"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
# The most rows one page shows, and how many of them may stand above the page's own.
MAX_ROWS: Final = 200
ROWS_ABOVE: Final = MAX_ROWS - PAGE_SIZE
# The last code point: nothing that starts with a prefix sorts behind prefix + this.
AFTER_ALL: Final = "\U0010ffff"


class SortRefused(DomainError):
    code = "sort_invalid"


class FacetRefused(DomainError):
    code = "facet_invalid"


class Card(NamedTuple):
    """A skill as lists show it: a row of `SkillListing`, its JSON columns as text."""

    skill_id: int
    slug: str
    owner_handle: str
    display_name: str
    name_key: str
    summary: str
    categories: list[str]
    topics: list[str]
    latest_version_summary: str
    tags: str
    badges: str
    moderation_reason: str
    is_suspicious: bool
    downloads: int
    stars: int
    installs_current: int
    installs_all_time: int
    comment_count: int
    version_count: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class ListQuery:
    """Which skills, in which order. Build it with `list_query`, which refuses nonsense."""

    sort: str = DEFAULT_SORT
    suspicious: bool = True
    category: str = ""
    topic: str = ""
    prefix: str = ""
    owner: str = ""

    @property
    def name(self) -> str:
        """Return what a cursor of this list is signed for."""
        parts = (self.sort, str(self.suspicious), self.category, self.topic, self.prefix)
        return "|".join((*parts, self.owner))


@dataclass(frozen=True)
class Page:
    """The cards of a page and the cursor behind them; the list ends where `next` is None.

    The first `above` cards lead to the page's cursor. `previous` is the cursor at the first card
    where others stand before it that are not shown.
    """

    cards: list[Card] = field(default_factory=list)
    next: str | None = None
    above: int = 0
    previous: str | None = None


def list_query(
    *,
    sort: str = "",
    suspicious: bool = True,
    category: str = "",
    topic: str = "",
    prefix: str = "",
    owner: str = "",
) -> ListQuery:
    """Check what a visitor asks for. Raises `SortRefused`, `FacetRefused`."""
    sort = sort or ("slug" if prefix else DEFAULT_SORT)
    if sort not in SORT_COLUMNS and not (sort == "slug" and prefix):
        raise SortRefused(f"sort is one of {', '.join(SORT_COLUMNS)}.", field="sort")
    if category and category not in CATEGORY_KEYS:
        raise FacetRefused(
            f"category is one of {', '.join(sorted(CATEGORY_KEYS))}.", field="category"
        )
    key = normalize_topic(topic)
    if topic and not key:
        raise FacetRefused("topic is made of letters, digits and hyphens.", field="topic")
    return ListQuery(sort, suspicious, category, key, prefix, owner)


def page(query: ListQuery, *, cursor: str = "", limit: int = PAGE_SIZE) -> Page:
    """Return one page: one statement, no version, badge or file row. Raises `CursorRefused`."""
    sql, params = _statement(query, cursor, limit)
    cards = fetch_cards(sql, params)
    if len(cards) <= limit:
        return Page(cards)
    cards = cards[:limit]
    return Page(cards, sign_cursor(query.name, *_key_of(query, cards[-1])))


def page_below(query: ListQuery, *, cursor: str) -> Page:
    """Return the page behind the cursor with the rows that lead to it above: at most 200 in all.

    What somebody sees who came there page by page, if that is not too much; else its end. Two
    statements, the second a walk backwards from the cursor: no deeper place costs more. Raises
    `CursorRefused`.
    """
    below = page(query, cursor=cursor)
    if not cursor:
        return below
    above = fetch_cards(*_statement(query, cursor, ROWS_ABOVE, backwards=True))[::-1]
    is_cut = len(above) > ROWS_ABOVE
    above = above[is_cut:]
    previous = sign_cursor(query.name, *_key_of(query, above[0])) if is_cut else None
    return Page([*above, *below.cards], below.next, len(above), previous)


def fetch_cards(sql: str, params: Sequence[Any]) -> list[Card]:
    """Return the cards that a statement reads, composed before: its columns are a card's."""
    with connection.cursor() as db:
        # Django reads points in time by a loader in Python: a sixth of a page's time. This one is
        # psycopg's own, which comes compiled.
        db.adapters.register_loader("timestamptz", TimestamptzLoader)
        db.execute(sql, params)
        return [Card(*row) for row in db.fetchall()]


def hash_below(query: ListQuery, *, cursor: str, alone: bool = False) -> str:
    """Return a text that differs whenever `page_below` (`alone`: `page`) would return another."""
    below = content_hash(query, cursor=cursor)
    if alone or not cursor:
        return str(below)
    return f"{below} {content_hash(query, cursor=cursor, limit=ROWS_ABOVE, backwards=True)}"


def content_hash(
    query: ListQuery, *, cursor: str = "", limit: int = PAGE_SIZE, backwards: bool = False
) -> int:
    """Return a 64-bit hash of everything `page` would return: one indexed statement, one row."""
    sql, params = _statement(query, cursor, limit, backwards=backwards)
    with connection.cursor() as db:
        db.execute(
            "SELECT coalesce(hash_array_extended(array_agg(hash_record_extended(p, 0)), 0), 0)"  # noqa: S608
            f" FROM ({sql}) p",
            params,
        )
        found: int = db.fetchone()[0]
    return found


def _key_of(query: ListQuery, card: Card) -> tuple[Any, int]:
    value = getattr(card, _sort_column(query)[0])
    if isinstance(value, datetime):
        value = (value - EPOCH) // MICROSECOND
    return value, card.skill_id


def _sort_column(query: ListQuery) -> tuple[str, bool]:
    return ("slug", False) if query.sort == "slug" else SORT_COLUMNS[query.sort]


def _statement(
    query: ListQuery, cursor: str, limit: int, *, backwards: bool = False
) -> tuple[str, list[Any]]:
    """Return what reads one row more than `limit`, from behind the cursor on.

    Backwards: from the row of the cursor, if it still stands there, towards the list's start.
    """
    values: dict[str, Any] = {
        _FACET: facet_of(query.category, query.topic),
        _OWNER: query.owner,
        _PREFIX: query.prefix,
        _PREFIX_END: query.prefix + AFTER_ALL,
        _LIMIT: limit + 1,
    }
    if cursor:
        column, _descending = _sort_column(query)
        is_text = column in {"name_key", "slug"}
        value, skill_id = read_cursor(query.name, cursor, str if is_text else int, int)
        is_time = column in {"updated_at", "created_at"}
        values[_VALUE] = EPOCH + value * MICROSECOND if is_time else value
        values[_SKILL] = skill_id
    sql, places = _compiled(
        query.sort,
        query.suspicious,
        bool(query.category or query.topic),
        bool(query.prefix),
        bool(query.owner),
        bool(cursor),
        backwards,
    )
    return sql, [values.get(place, place) for place in places]


# Stand-ins for the parameters of a compiled shape; no stored text looks like them.
_FACET, _OWNER, _PREFIX, _PREFIX_END = "\ufdd0facet", "\ufdd0owner", "\ufdd0prefix", "\ufdd0end"
_VALUE, _SKILL, _LIMIT = "\ufdd0value", "\ufdd0skill", "\ufdd0limit"


@cache
def _compiled(
    sort: str,
    suspicious: bool,
    by_facet: bool,
    by_prefix: bool,
    by_owner: bool,
    continued: bool,
    backwards: bool,
) -> tuple[str, tuple[Any, ...]]:
    """Return the SQL of one shape of the list and its parameters, stand-ins among them."""
    column, descending = ("slug", False) if sort == "slug" else SORT_COLUMNS[sort]
    rows = SkillListing.objects.under(_FACET if by_facet else "")
    if not suspicious:
        rows = rows.clean()
    if by_owner:
        rows = rows.filter(owner_handle=_OWNER)
    if by_prefix:
        rows = rows.filter(slug__gte=_PREFIX, slug__lt=_PREFIX_END)
    if continued:
        operator = ("<" if descending else ">") if not backwards else (">=" if descending else "<=")
        rows = rows.filter(RowCompare([column, "skill_id"], operator, [_VALUE, _SKILL]))
    sign = "-" if descending is not backwards else ""
    ordered = rows.order_by(f"{sign}{column}", f"{sign}skill_id")
    sql, params = ordered.values_list(*Card._fields).query.sql_with_params()
    return f"{sql} LIMIT %s", (*params, _LIMIT)

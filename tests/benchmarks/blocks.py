"""Goals L1 to L3: blocks, statements and bytes of the list page, next to the naive page.

The statements are those the product compiles (`skills.listing`); a block is 8 KiB of the
database that a statement touches, cached or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import Resolver404, resolve

from config.pagination import PAGE_SIZE
from jobs.as_of import as_of
from skills import listing
from skills.derived import facet_of
from skills.listing import ListQuery
from skills.models import SkillListing
from skills.models.listing import SORT_COLUMNS
from tests.benchmarks.measurement import Measurement, at_most, share, told

MAX_BLOCKS: Final = 35
MAX_BLOCKS_OF_A_PAIR: Final = 200
# A page 80 % deep may touch this much more than the first page; one more leaf page is 1.04.
MAX_DEEPENING: Final = 1.15
DEPTH: Final = 0.8
LISTING_TABLE: Final = SkillListing._meta.db_table
# Below this many skills "750 times fewer blocks" is not even arithmetically possible.
LARGE: Final = 100_000

# What a list does that was not designed: whole rows, the version's document, OFFSET.
NAIVE: Final = """
SELECT s.*, v.* FROM skills_skill s
JOIN skills_skilltag t ON t.skill_id = s.id AND t.name = 'latest'
JOIN skills_skillversion v ON v.id = t.version_id
WHERE s.moderation_status = 'active' AND NOT 'flagged.suspicious' = ANY (s.moderation_flags)
ORDER BY s.downloads DESC, s.id DESC LIMIT 25 OFFSET %s
"""


@dataclass(frozen=True)
class Plan:
    """What one statement touched: blocks, tables, rows it returned."""

    blocks: int
    tables: frozenset[str]
    rows: int


def measure(label: str) -> Iterator[Measurement]:
    """Measure the connected database, which `data.build` filled; names begin with `label`."""
    naive = _naive()
    facets = choose_facets()
    wide = [query for name, query in facets if name not in PAIRS]
    pairs = [query for name, query in facets if name in PAIRS]
    for sort in SORT_COLUMNS:
        yield from _of_sort(label, sort, wide, pairs, naive)
    yield from _of_named_shapes(label)
    yield from _against_naive(label, naive)
    yield from _statements(label)


# --- Which pages ----------------------------------------------------------------------------------

PAIRS: Final = ("popular pair", "pair with a rare topic", "rare pair")


def choose_facets() -> list[tuple[str, ListQuery]]:
    """Return the facets to try, found by how many skills they hold."""
    counts = dict(_rows("SELECT facet, count(*) FROM skills_skilllisting GROUP BY facet"))
    single = {key: n for key, n in counts.items() if " " not in key}
    topics = {key: n for key, n in single.items() if key.startswith("t:")}
    categories = {key: n for key, n in single.items() if key.startswith("c:")}
    pairs = {key: n for key, n in counts.items() if " " in key}
    common, rare = max(topics, key=topics.__getitem__), _nearest(topics, 4 * PAGE_SIZE)
    with_rare = {key: n for key, n in pairs.items() if key.endswith(f" {rare}")}
    found = {
        "no facet": "",
        "category": max(categories, key=categories.__getitem__),
        "popular topic": common,
        "rare topic": rare,
        "popular pair": max(pairs, key=pairs.__getitem__),
        "pair with a rare topic": max(with_rare, key=with_rare.__getitem__),
        "rare pair": _nearest(pairs, 2),
    }
    return [(name, _query_of(key)) for name, key in found.items()]


def _nearest(counts: dict[str, int], wanted: int) -> str:
    return min(counts, key=lambda key: (abs(counts[key] - wanted), key))


def _query_of(facet: str) -> ListQuery:
    parts = dict(part.split(":", 1) for part in facet.split())
    return ListQuery(category=parts.get("c", ""), topic=parts.get("t", ""))


def cursor_at(query: ListQuery, depth: float) -> str:
    """Return the cursor behind the row that stands at this share of the list; "" if it is empty."""
    column, descending = listing._sort_column(query)
    order = "-" if descending else ""
    rows = SkillListing.objects.under(facet_of(query.category, query.topic))
    if query.prefix:
        rows = rows.filter(slug__startswith=query.prefix)
    if query.owner:
        rows = rows.filter(owner_handle=query.owner)
    if not query.suspicious:
        rows = rows.clean()
    place = int(rows.count() * depth)
    ordered = rows.order_by(f"{order}{column}", f"{order}skill_id")
    one = ordered.values_list(*listing.Card._fields)[place : place + 1]
    found = listing.fetch_cards(*one.query.sql_with_params())
    if not found:
        return ""
    return listing.sign_cursor(query.name, *listing._key_of(query, found[0]))


# --- L1: blocks per page --------------------------------------------------------------------------


def explain(sql: str, params: list[Any]) -> Plan:
    """Run a statement once to warm it, then under EXPLAIN."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {sql}", params)
        found = cursor.fetchone()[0]
    root = (orjson.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return Plan(
        blocks=root["Shared Hit Blocks"] + root["Shared Read Blocks"],
        tables=frozenset(_tables(root)),
        rows=int(root["Actual Rows"]),
    )


def _tables(node: dict[str, Any]) -> Iterator[str]:
    if "Relation Name" in node:
        yield node["Relation Name"]
    for child in node.get("Plans", ()):
        yield from _tables(child)


def page_plan(query: ListQuery, depth: float) -> Plan:
    """Explain the product's own statement of one page."""
    cursor = cursor_at(query, depth) if depth else ""
    return explain(*listing._statement(query, cursor, PAGE_SIZE))


def _of_sort(
    label: str, sort: str, wide: list[ListQuery], pairs: list[ListQuery], naive: dict[str, int]
) -> Iterator[Measurement]:
    shallow, deep, deepening, seen = 0, 0, 0.0, set()
    for query in _both(sort, wide):
        first, later = page_plan(query, 0), page_plan(query, DEPTH)
        shallow, deep = max(shallow, first.blocks), max(deep, later.blocks)
        if later.rows == first.rows:
            deepening = max(deepening, later.blocks / first.blocks)
        seen |= first.tables | later.tables
    paired = [page_plan(query, depth) for query in _both(sort, pairs) for depth in (0, DEPTH)]
    seen = seen.union(*(plan.tables for plan in paired))
    name = f"{label} {sort}"
    yield at_most(f"{name}: blocks, page 1", shallow, "blocks", MAX_BLOCKS, naive["first"])
    yield at_most(f"{name}: blocks, 80 % deep", deep, "blocks", MAX_BLOCKS, naive["deep"])
    worst = round(deepening, 3)
    yield at_most(f"{name}: deep over page 1, worst facet", worst, "times", MAX_DEEPENING)
    most = max(plan.blocks for plan in paired)
    yield at_most(f"{name}: blocks, a pair of facets", most, "blocks", MAX_BLOCKS_OF_A_PAIR)
    yield at_most(f"{name}: other tables read", len(seen - {LISTING_TABLE}), "tables", 0)


def _both(sort: str, queries: list[ListQuery]) -> Iterator[ListQuery]:
    for query in queries:
        for suspicious in (True, False):
            yield ListQuery(sort, suspicious, query.category, query.topic)


def _of_named_shapes(label: str) -> Iterator[Measurement]:
    """The two lists beside the sorts: slugs by prefix, and what one owner has."""
    busiest = _rows(
        "SELECT owner_handle FROM skills_skilllisting WHERE facet = '' GROUP BY 1"
        " ORDER BY count(*) DESC, 1 LIMIT 1"
    )[0][0]
    shapes = {
        "slugs by prefix": ListQuery("slug", prefix="skill-1"),
        "skills of one owner": ListQuery(owner=busiest),
    }
    for name, query in shapes.items():
        plans = [page_plan(query, depth) for depth in (0, DEPTH)]
        most = max(plan.blocks for plan in plans)
        yield at_most(f"{label} {name}: blocks", most, "blocks", MAX_BLOCKS)


# --- L2: against the naive page -------------------------------------------------------------------


@transaction.atomic
def _naive() -> dict[str, int]:
    """Blocks and bytes of the naive page, with the index it would have."""
    sid = transaction.savepoint()
    depth = int(DEPTH * _rows("SELECT count(*) FROM skills_skill")[0][0])
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX naive_downloads ON skills_skill (downloads DESC, id DESC)")
        cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
    found = {
        "first": explain(NAIVE, [0]).blocks,
        "deep": explain(NAIVE, [depth]).blocks,
        "bytes": wire_bytes(NAIVE, [0]),
        "count": explain(
            "SELECT count(*) FROM skills_skill WHERE moderation_status = 'active'"
            " AND NOT is_suspicious",
            [],
        ).blocks,
    }
    transaction.savepoint_rollback(sid)
    return found


def wire_bytes(sql: str, params: list[Any]) -> int:
    """Return how many bytes of values the database sends for a statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        result = cursor.pgresult
        values = (
            result.get_value(row, column)
            for row in range(result.ntuples)
            for column in range(result.nfields)
        )
        return sum(len(value) for value in values if value is not None)


def _against_naive(label: str, naive: dict[str, int]) -> Iterator[Measurement]:
    query = ListQuery("downloads", suspicious=False)
    first, deep = page_plan(query, 0).blocks, page_plan(query, DEPTH).blocks
    sent = wire_bytes(*listing._statement(query, "", PAGE_SIZE))
    is_large = _rows("SELECT count(*) FROM skills_skill")[0][0] >= LARGE
    yield _fewer(f"{label} naive page 1 over ours", naive["first"], first, "blocks", 4)
    yield _fewer(
        f"{label} naive page 80 % deep over ours",
        naive["deep"],
        deep,
        "blocks",
        750 if is_large else None,
    )
    yield _fewer(f"{label} bytes of a naive page over ours", naive["bytes"], sent, "bytes", 9)
    yield told(f"{label} blocks of a count for a pager", naive["count"], "blocks", first)


def _fewer(name: str, theirs: float, ours: float, unit: str, times: float | None) -> Measurement:
    return share(name, theirs, unit, ours, at_least=times)


# --- L3: statements -------------------------------------------------------------------------------


def _statements(label: str) -> Iterator[Measurement]:
    client = Client(headers={"host": "localhost"})
    as_of("copy_totals")  # A process asks for it once in half a minute.
    counts = [
        statements_of(client, f"/api/v1/skills?sort=downloads&limit={limit}")
        for limit in (1, 25, 100, 200)
    ]
    yield at_most(
        f"{label} statements of a JSON page, 1 to 200 cards", max(counts), "statements", 1
    )
    if is_routed("/skills/"):
        pages = ("/skills/", "/skills/?sort=downloads&category=data", "/skills/?topic=topic-1")
        most = max(statements_of(client, page) for page in pages)
        yield at_most(f"{label} statements of an HTML page", most, "statements", 2)


def is_routed(path: str) -> bool:
    """Say whether the product has a page at this address."""
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def statements_of(client: Client, path: str) -> int:
    """Return how many statements answering this address takes."""
    with CaptureQueriesContext(connection) as captured:
        response: HttpResponse = client.get(path)
    if response.status_code != 200:
        raise RuntimeError(f"{path} answered {response.status_code}")
    return len(captured)


def _rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()

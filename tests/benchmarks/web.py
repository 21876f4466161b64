"""Goals L4 to L6: the product behind its own server, next to a bare view on the same server.

Every page is measured in turn with the bare view, several rounds; the middle of the rounds
counts. So a busy machine makes both slower and the ratio stays.
"""

from __future__ import annotations

import itertools
import re
import socket
import statistics
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import psycopg
from django.db import connection
from django.db.models import Count
from django.utils.http import urlencode

from config.pagination import PAGE_SIZE
from config.processes import answers, running, wait_until
from skills import kept, listing
from skills.forms import BrowseFilter
from skills.listing import ListQuery
from skills.models import SkillListing
from skills.models.listing import SORT_COLUMNS
from tests.benchmarks.blocks import choose_facets
from tests.benchmarks.loader import HOST, LoadFailed, latencies, requests_per_second
from tests.benchmarks.measurement import Measurement, share

HELLO: Final = "/bench/hello"
CARD: Final = r'<li class="skill-row">.*?</li>'
PROCESSES: Final = 2
WINDOWS: Final = 200
# So many topics make more pages than are kept, of few enough cards that all of them stay kept.
KEPT_TOPICS: Final = 100
# So many make more cards than are kept, where there are that many skills.
FAR_TOPICS: Final = 1_000
UNLIMITED: Final = ",".join(["1000000000"] * 3)
JSON_SHARE, HTML_SHARE, KEPT_SHARE, LATENCY_TIMES = 0.20, 0.10, 0.40, 10.0


def measure(label: str, *, rounds: int = 5, seconds: float = 2) -> Iterator[Measurement]:
    """Measure the connected database behind the product's server; names begin with `label`."""
    api = [path for _name, query in choose_facets() for path in list_paths(query)]
    pages = first_pages(KEPT_TOPICS, SORT_COLUMNS, (False, True))
    far = first_pages(FAR_TOPICS, ("updated", "newest"), (False,))
    with serving(str(connection.settings_dict["NAME"])) as port:
        shares = {
            "JSON list page": (api, JSON_SHARE),
            "HTML list page, not kept": (pages, HTML_SHARE),
            "HTML list page, neither it nor its cards kept": (far, None),
            "HTML list page, kept": (["/skills/"], KEPT_SHARE),
            "skeleton of the JSON page": (["/bench/skeleton"], None),
        }
        _refuse_kept(_sizes(port, pages)[0], kept.PAGES_LIMIT_BYTES)
        if not _outgrows(_sizes(port, far)[1], kept.CARDS_LIMIT_CHARS):
            # Of so few skills every card stays kept.
            del shares["HTML list page, neither it nor its cards kept"]
        targets = {name: paths for name, (paths, _goal) in shares.items()}
        rates = _interleaved(port, targets, rounds, seconds)
        for name, (_paths, goal) in shares.items():
            own = statistics.median(rate for rate, _hello in rates[name])
            # Of each round by itself: what disturbs a round disturbs both of its sides.
            ratio = statistics.median(rate / hello for rate, hello in rates[name])
            yield share(f"{label} {name}", own, "requests/s", own / ratio, at_least=goal)
        yield _latency(label, port, api[:100])


@contextmanager
def serving(
    database: str,
    *,
    access_log: Path | None = None,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[int]:
    """Run the product's web server on this database; yield its port.

    `settings` are set in its environment, too. `access_log` gets a line for each request: the
    microseconds that the server worked on it.
    """
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    command = (
        f"-m gunicorn -b {HOST}:{port} -w {PROCESSES} -k gthread --threads 4 --log-level error"
    )
    if access_log is not None:
        command += f" --access-logfile {access_log} --access-logformat %(D)s"
    env = {
        "DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings",
        "BENCH_DATABASE": database,
        "RATE_LIMIT_READ": UNLIMITED,
        "RATE_LIMIT_UPLOAD": UNLIMITED,
        "PYTHONWARNINGS": "ignore",
        **settings,
    }
    server = {"web server": [sys.executable, *command.split(), "config.wsgi"]}
    with running(server, env) as children:
        wait_until(lambda: answers(f"http://{HOST}:{port}{HELLO}"), children)
        yield port


def _interleaved(
    port: int, targets: Mapping[str, Sequence[str]], rounds: int, seconds: float
) -> dict[str, list[tuple[float, float]]]:
    """Return pairs of a page's and the bare view's requests a second."""
    for paths in targets.values():
        requests_per_second(port, paths, 1)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in targets}
    for _round, name in itertools.product(range(rounds), targets):
        own = requests_per_second(port, targets[name], seconds)
        found[name].append((own, requests_per_second(port, [HELLO], max(1, seconds / 2))))
    return found


# --- Which pages ----------------------------------------------------------------------------------


def _windows(query: ListQuery) -> list[str]:
    """Return cursors of full pages, one row apart; one at least."""
    sql, params = listing._statement(query, "", WINDOWS + PAGE_SIZE)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        cards = [listing.Card(*row) for row in cursor.fetchall()]
    cards = cards[: max(1, len(cards) - PAGE_SIZE)]
    return [listing.sign_cursor(query.name, *listing._key_of(query, card)) for card in cards]


def list_paths(query: ListQuery) -> list[str]:
    """Return addresses of full pages of this list by the API, one row apart."""
    said = {"sort": query.sort, "category": query.category, "topic": query.topic}
    asked = {key: value for key, value in said.items() if value}
    return [
        f"/api/v1/skills?{urlencode({**asked, 'cursor': cursor})}" for cursor in _windows(query)
    ]


def first_pages(
    topics: int, sorts: Iterable[str], suspicious: Iterable[bool], least: int = PAGE_SIZE
) -> list[str]:
    """Return addresses of full first pages: of the commonest topics, each in these orders."""
    rows = SkillListing.objects.clean().filter(facet__startswith="t:").exclude(facet__contains=" ")
    counted = rows.values("facet").annotate(n=Count("pk")).filter(n__gte=least)
    facets = counted.order_by("-n", "facet").values_list("facet", flat=True)[:topics]
    return [
        BrowseFilter(topic=facet.removeprefix("t:"), sort=sort, suspicious=too).url()
        for facet, sort, too in itertools.product(list(facets), sorts, suspicious)
    ]


def _sizes(port: int, paths: Sequence[str]) -> tuple[int, int]:
    """Return how large these pages are together, and how large the different cards on them."""
    size, found = 0, {}
    for path in paths:
        with urllib.request.urlopen(f"http://{HOST}:{port}{path}") as answer:
            body = answer.read().decode()
        size += len(body.encode())
        found |= {hash(card): len(card) for card in re.findall(CARD, body, re.DOTALL)}
    return size, sum(found.values())


def _outgrows(size: int, limit: int) -> bool:
    """Say whether nothing of this size is found again: each process meets its share of it."""
    return size > limit * PROCESSES


def _refuse_kept(size: int, limit: int) -> None:
    if not _outgrows(size, limit):
        raise LoadFailed(f"{size:,} bytes of pages fit into what is kept: more are needed.")


# --- L6: one client -------------------------------------------------------------------------------


def _latency(label: str, port: int, paths: Sequence[str], count: int = 400) -> Measurement:
    """Compare one client's answers with the same statement through a prepared psycopg cursor."""
    pages, statements = [], []
    query = ListQuery()
    asked = [listing._statement(query, cursor, PAGE_SIZE) for cursor in _windows(query)[:100]]
    for _round in range(4):
        pages.extend(latencies(port, paths, count // 4))
        statements.extend(_prepared(asked, count // 4))
    page, statement = statistics.median(pages) * 1000, statistics.median(statements) * 1000
    name = f"{label} JSON list page, one client on a kept connection"
    return share(name, round(page, 3), "ms", round(statement, 3), at_most=LATENCY_TIMES)


def _prepared(asked: Sequence[tuple[str, list[Any]]], count: int) -> Iterator[float]:
    turn = itertools.cycle(asked)
    with psycopg.connect(**libpq(), autocommit=True) as raw:
        for sql, params in itertools.islice(turn, len(asked)):
            raw.execute(sql, params, prepare=True).fetchall()
        for sql, params in itertools.islice(turn, count):
            started = time.perf_counter()
            raw.execute(sql, params, prepare=True).fetchall()
            yield time.perf_counter() - started


def libpq() -> dict[str, Any]:
    """Return how psycopg reaches the connected database without Django."""
    known = connection.get_connection_params()
    return {
        key: known[key] for key in ("dbname", "user", "password", "host", "port") if known.get(key)
    }

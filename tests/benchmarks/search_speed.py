"""Goals V1, V2 and P1: what a search costs among 200,000 skills, and our list beside a rival's.

Search is the product's own code. Only what queries mean is drawn, since the skills' directions are
drawn (`directions`); the model is measured by itself, and works beside every search of the server.
"""

from __future__ import annotations

import itertools
import random
import shutil
import statistics as middle
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from django.db import connection
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils.http import urlencode

from config.patience import for_seconds
from skills import embeddings, meaning
from skills.models import SkillListing
from skills.models.listing import SORT_COLUMNS
from skills.search import search
from tests.benchmarks import data, databases, devpi, directions
from tests.benchmarks.blocks import choose_facets, explain
from tests.benchmarks.loader import requests_per_second, requests_per_second_anew
from tests.benchmarks.measurement import Measurement, at_least, at_most, share, told
from tests.benchmarks.web import KEPT_TOPICS, first_pages, list_paths, serving
from tests.statements import asked

DATABASE: Final = f"{databases.PREFIX}_search_speed"
SKILLS: Final = 200_000
TOP: Final = 10
EXACT: Final = 20
NEAREST: Final = 100
PER_KIND: Final = 16
ROUNDS: Final = 3
NO_INDEX: Final = ("enable_indexscan = off",)

EXACT_SHARE, RECALL, BLOCKS_SHARE = 1 / 15, 0.98, 1 / 6
HYBRID_TIMES, P95_TIMES, STATEMENTS = 5, 10, 5
LEXICAL_SHARE, HYBRID_SHARE, PEER_TIMES = 1 / 5, 1 / 10, 3
TOKENS: Final = 200
TEXTS_A_SECOND: Final = 8


def measure(filled: str) -> Iterator[Measurement]:
    """Measure in a copy of the database `filled`, which `data.build` filled with skills."""
    databases.ensure(DATABASE, _fill, SKILLS, directions.STATEMENTS, template=filled)
    with databases.working_in(DATABASE), override_settings(EMBEDDINGS="local"):
        with directions.asked():
            yield from _nearest()
            yield from _searching(queries())
        yield from _model()
        yield from _serving(queries())
        yield from _beside_devpi()


def _fill() -> None:
    directions.fill()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


# --- What is asked --------------------------------------------------------------------------------


def queries() -> dict[str, list[str]]:
    """Return what people type, by kind: words of every frequency, names, and beginnings."""
    made = random.Random(11)
    words = data.vocabulary(random.Random(7))
    common, others = words[:20], words[100:-1]
    rows = SkillListing.objects.under("").order_by("skill")
    some = rows.filter(skill__in=made.sample(range(1, SKILLS), 4 * PER_KIND))
    names = list(some.values_list("display_name", "slug")[: 2 * PER_KIND])
    kinds: dict[str, Callable[[int], str]] = {
        "a common word": lambda n: common[n],
        "two common words": lambda _n: " ".join(made.sample(common, 2)),
        "a word": lambda _n: made.choice(others),
        "two words": lambda _n: " ".join(made.sample(others, 2)),
        "a common word and another": lambda n: f"{common[n]} {made.choice(others)}",
        "six words": lambda n: " ".join([*made.sample(common, 2), *made.sample(others, 4)]),
        "a topic": lambda n: f"topic-{(n + 1) * 97}",
        "a name": lambda n: names[n][0],
        "a mistyped name": lambda n: _mistyped(names[n + PER_KIND][0]),
        "a slug": lambda n: names[n][1],
        "a name begun": lambda n: names[n + PER_KIND][0][:5],
    }
    return {kind: [make(number) for number in range(PER_KIND)] for kind, make in kinds.items()}


def _mistyped(name: str) -> str:
    """Return the name with two letters in its middle changed over."""
    at = len(name) // 2
    return name[: at - 1] + name[at] + name[at - 1] + name[at + 1 :]


# --- V1: the index against reading all ------------------------------------------------------------


def _nearest() -> Iterator[Measurement]:
    asked = [f"direction {number}" for number in range(NEAREST)]
    for text in asked[:3]:
        _ask(text)
    walked, read, recalls = [], [], []
    for number, text in enumerate(asked):
        seconds, found = _timed(lambda text=text: _ask(text))
        walked.append(seconds)
        if number < EXACT:
            seconds, true = _timed(lambda text=text: _ask(text, *NO_INDEX))
            read.append(seconds)
            recalls.append(len(set(found[:TOP]) & set(true[:TOP])) / TOP)
    ours, exact = middle.median(walked) * 1000, middle.median(read) * 1000
    name = f"vector: nearest of {SKILLS:,}"
    yield share(f"{name}, time", round(ours, 2), "ms", round(exact, 1), at_most=EXACT_SHARE)
    yield at_least(f"{name}, recall@{TOP}", round(middle.mean(recalls), 3), "of them", RECALL)
    blocks = middle.median(_blocks(text) for text in asked[:EXACT])
    all_blocks = _blocks(asked[0], *NO_INDEX)
    yield share(f"{name}, blocks", blocks, "blocks", all_blocks, at_most=BLOCKS_SHARE)


def _ask(text: str, *settings: str) -> list[int]:
    with for_seconds("", *meaning.WALK_ON, *settings):
        return [match.skill_id for match in meaning.nearest(text)]


def _blocks(text: str, *settings: str) -> int:
    """Return the blocks that the product's own statement touches under these settings."""
    with for_seconds("", *meaning.WALK_ON, *settings):
        with CaptureQueriesContext(connection) as captured:
            meaning.nearest(text)
        return explain(captured[0]["sql"].replace("%", "%%"), []).blocks


# --- V2: searches against the vector query --------------------------------------------------------


def _searching(kinds: Mapping[str, Sequence[str]]) -> Iterator[Measurement]:
    """Search every text in turn with the vector query alone, several rounds.

    Whoever asks second finds the memory near the processor warm: each does so equally often.
    """
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    alone: list[float] = []
    for text in itertools.chain(*kinds.values()):
        search(text)
    for turn, kind in itertools.product(range(ROUNDS), kinds):
        for number, text in enumerate(kinds[kind], start=turn):
            both = [(times[kind], search), (alone, _ask)]
            for seconds, ask in both if number % 2 else reversed(both):
                seconds.append(_timed(lambda text=text, ask=ask: ask(text))[0])
    every = sorted(itertools.chain(*times.values()))
    ours, vector = middle.median(every) * 1000, middle.median(alone) * 1000
    p95 = middle.quantiles(every, n=20)[-1] * 1000
    for kind, seconds in times.items():
        figure = round(middle.median(seconds) * 1000, 2)
        yield told(f"hybrid search, {kind}", figure, "ms", round(vector, 2))
    name = "hybrid search, every kind"
    yield share(f"{name}: median", round(ours, 2), "ms", round(vector, 2), at_most=HYBRID_TIMES)
    yield share(f"{name}: p95", round(p95, 2), "ms", round(ours, 2), at_most=P95_TIMES)
    most = max(_statements(text) for text in itertools.chain(*kinds.values()))
    yield at_most("hybrid search: statements", most, "statements", STATEMENTS)


def _statements(text: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        search(text)
    return len(asked(captured))


# --- The model ------------------------------------------------------------------------------------


def _model() -> Iterator[Measurement]:
    """Let the model read texts of 200 tokens, by the processor's seconds of all its threads."""
    text = _text_of(TOKENS)
    embeddings.embed([text])
    texts = 2 * TEXTS_A_SECOND
    started = time.process_time()
    embeddings.embed([text] * texts)
    rate = texts / (time.process_time() - started)
    name = f"model: texts of {TOKENS} tokens"
    yield at_least(name, round(rate, 1), "a second and core", TEXTS_A_SECOND)
    asked = [_timed(lambda n=n: embeddings.embed([f"find flights to {n}"]))[0] for n in range(50)]
    yield told(
        "model: what a query of five words costs", round(middle.median(asked) * 1000, 2), "ms"
    )


def _text_of(tokens: int) -> str:
    """Return a text that the model reads as so many tokens, its two marks included."""
    read = embeddings._load().tokenizer
    words = itertools.cycle(["extract", "the", "tables", "of", "a", "document", "as", "text"])
    text = next(words)
    while len(read.encode(text).ids) < tokens:
        text += f" {next(words)}"
    return text


# --- Behind the server ----------------------------------------------------------------------------


def _serving(
    kinds: Mapping[str, Sequence[str]], *, rounds: int = 9, seconds: float = 2
) -> Iterator[Measurement]:
    """Ask for searches in turn with lists of the same form, without and with embeddings."""
    asked = list(itertools.chain(*zip(*kinds.values(), strict=True)))
    forms = {
        "JSON": (_api_lists(), [f"/api/v1/search?{urlencode({'q': text})}" for text in asked]),
        "HTML": (
            first_pages(KEPT_TOPICS, SORT_COLUMNS, (False, True)),
            [f"/skills/?{urlencode({'q': text})}" for text in asked],
        ),
    }
    for mode, setting, least in (
        ("lexical", "off", LEXICAL_SHARE),
        ("hybrid", "local", HYBRID_SHARE),
    ):
        told_to = {"EMBEDDINGS": setting, "BENCH_URLCONF": "tests.benchmarks.search_urls"}
        with serving(DATABASE, settings=told_to) as port:
            for form, (lists, searches) in forms.items():
                ours, theirs = _rates(port, searches, port, lists, rounds, seconds)
                name = f"{mode} search, {form}, against a list"
                yield share(name, ours, "requests/s", theirs, at_least=least)


def _api_lists() -> list[str]:
    return [path for _name, query in choose_facets() for path in list_paths(query)]


def _rates(
    port: int,
    paths: Sequence[str],
    other_port: int,
    other_paths: Sequence[str],
    rounds: int,
    seconds: float,
    ask: Callable[[int, Sequence[str], float], float] = requests_per_second,
) -> tuple[float, float]:
    """Return requests a second of both in the round in the middle of the ratios.

    Many short rounds: the server's two processes share eight connections out by chance, and one
    that has them all answers half as fast.
    """
    ask(port, paths, 1)
    ask(other_port, other_paths, 1)
    pairs = [
        (
            ask(port, paths, seconds),
            ask(other_port, other_paths, seconds / 2),
        )
        for _ in range(rounds)
    ]
    pairs.sort(key=lambda pair: pair[0] / pair[1])
    return pairs[len(pairs) // 2]


# --- P1: a rival ----------------------------------------------------------------------------------


def _beside_devpi(*, rounds: int = 9, seconds: float = 2) -> Iterator[Measurement]:
    """Ask our list of 200,000 skills in turn with devpi-server's of 1,000 packages.

    One page of each, over and over; then ours of every sort, category and depth. Without `wrk`,
    which understands their answers, each time by a connection of its own.
    """
    ask = requests_per_second if shutil.which("wrk") else requests_per_second_anew
    goals = {"list": PEER_TIMES, "lists of every kind": None}
    try:
        with devpi.serving() as their_port, serving(DATABASE) as port:
            pages = dict(zip(goals, (["/api/v1/skills"], _api_lists()), strict=True))
            rates = {
                name: _rates(port, paths, their_port, [devpi.LISTING], rounds, seconds, ask)
                for name, paths in pages.items()
            }
    except devpi.NotHere as absent:
        print(f"skipped: {absent}", file=sys.stderr)
        return
    for name, (ours, theirs) in rates.items():
        told_as = f"{name} of {SKILLS:,} skills against devpi-server's of {devpi.PACKAGES:,}"
        yield share(told_as, ours, "requests/s", theirs, at_least=goals[name])


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    found = work()
    return time.perf_counter() - started, found

"""`python -m tests.benchmarks`: a table for people, then one JSON object a line for programs.

Exit code 1 names the goals that were missed.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Final

import django

SIZES: Final = {"small": (10_000, 200_000), "full": (10_000, 200_000, 1_000_000)}


def main() -> int:
    """Run what was asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--name", choices=tuple(BENCHMARKS))
    parser.add_argument("--scale", choices=tuple(SIZES), default="small")
    asked = parser.parse_args()
    _set_up()

    from tests.benchmarks.measurement import json_line, table

    chosen = BENCHMARKS[asked.name] if asked.name else tuple(_ALL)
    found = []
    for part in chosen:
        _say(f"measuring: {part.__name__.strip('_')}")
        found.extend(part(asked.scale))
    print(table(found))
    print()
    for measurement in found:
        print(json_line(measurement))
    missed = [measurement for measurement in found if measurement.is_missed]
    for measurement in missed:
        _say(
            f"MISSED {measurement.name}: {measurement.value:g} {measurement.unit}, asked for"
            f" {measurement.goal}"
        )
    return bool(missed)


def _set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    warnings.filterwarnings("ignore", "No directory at")
    django.setup()

    from django.conf import settings

    from config import devdb

    if devdb.serves(settings.DATABASES["default"]):
        devdb.ensure_running()
    _say(f"measured with {_shared_buffers()} of shared buffers")


def _shared_buffers() -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW shared_buffers")
        return str(cursor.fetchone()[0])


def _blocks(scale: str) -> Iterator[object]:
    from tests.benchmarks import blocks

    for label in _sizes(scale):
        yield from blocks.measure(label)


def _web(scale: str) -> Iterator[object]:
    from tests.benchmarks import web

    for label in _sizes(scale):
        yield from web.measure(label)


def _sizes(scale: str) -> Iterator[str]:
    """Work in each size's database in turn, made first where it does not stand."""
    from tests.benchmarks import databases

    for size in SIZES[scale]:
        with databases.working_in(_database(size)):
            yield f"{size:,}:"


def _database(size: int) -> str:
    """Return the name of the database of so many skills, made first where it does not stand."""
    from tests.benchmarks import data, databases

    name = f"{databases.PREFIX}_{size}"
    _say(f"{size:,} skills (made once; later runs find them)")
    databases.ensure(name, functools.partial(data.build, size), size, data.STATEMENTS)
    return name


def _import(_scale: str) -> Iterator[object]:
    from tests.benchmarks import publish

    folders = publish.real_skills()
    if folders:
        yield from publish.measure(folders)
    else:
        _say(f"skipped: no archive of real skills at {publish.ARCHIVE}")


def _search(_scale: str) -> Iterator[object]:
    from tests.benchmarks import publish, search

    if publish.ARCHIVE.is_dir():
        yield from search.measure(publish.ARCHIVE)
    else:
        _say(f"skipped: no archive of real skills at {publish.ARCHIVE}")


def _search_speed(_scale: str) -> Iterator[object]:
    from tests.benchmarks import search_speed

    yield from search_speed.measure(_database(search_speed.SKILLS))


def _events(_scale: str) -> Iterator[object]:
    from tests.benchmarks import events

    yield from events.measure()


def _torture(_scale: str) -> Iterator[object]:
    from tests.benchmarks import torture

    yield from torture.measure()


def _boards(_scale: str) -> Iterator[object]:
    from tests.benchmarks import boards

    yield from boards.measure(_database(boards.SKILLS))


def _messages(_scale: str) -> Iterator[object]:
    from tests.benchmarks import messages

    yield from messages.measure()


def _summaries(_scale: str) -> Iterator[object]:
    from tests.benchmarks import summaries

    yield from summaries.measure()


def _scanner(_scale: str) -> Iterator[object]:
    from tests.benchmarks import scanner

    yield from scanner.measure()


def _clients(scale: str) -> Iterator[object]:
    if importlib.util.find_spec("tests.benchmarks.clients") is None:
        return
    from tests.benchmarks import clients

    yield from clients.run(scale)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


_ALL: Final[tuple[Callable[[str], Iterator[object]], ...]] = (
    _blocks,
    _web,
    _import,
    _search,
    _search_speed,
    _events,
    _torture,
    _boards,
    _messages,
    _summaries,
    _scanner,
    _clients,
)
BENCHMARKS: Final = {
    "lists": (_blocks, _web),
    "blocks": (_blocks,),
    "web": (_web,),
    "import": (_import,),
    "search": (_search,),
    "search-speed": (_search_speed,),
    "events": (_events, _torture),
    "fold": (_events,),
    "torture": (_torture,),
    "boards": (_boards,),
    "messages": (_messages,),
    "summaries": (_summaries,),
    "scanner": (_scanner,),
    "clients": (_clients,),
}

if __name__ == "__main__":
    sys.exit(main())

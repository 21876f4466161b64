"""Import an archive folder of published skills through the publishing service."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, connections, transaction
from tqdm import tqdm

from accounts.models import Namespace
from config.errors import DomainError
from config.text import clean_line
from skills.bundle import Bundle, read_folder
from skills.models import VersionSource
from skills.services import Publication, Submission, publish_versions

META_NAME = "_meta.json"
META_MAX_BYTES = 1024 * 1024
# Folders published by one transaction: enough to share its cost, few enough to hold open.
BATCH = 20


class MetaRefused(DomainError):
    code = "meta_invalid"


class Command(BaseCommand):
    help = (
        "Import every folder below DIR that holds a _meta.json: its latest version becomes a"
        " version here, its owner an unclaimed namespace. Safe to repeat; what stands is left."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dir", type=Path)
        parser.add_argument("--limit", type=int, help="stop after this many skills")
        parser.add_argument(
            "--processes", type=int, default=os.cpu_count() or 1, help="default: one per core"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        root: Path = options["dir"]
        if not root.is_dir():
            raise CommandError(f"{root} is no folder.")
        metas = sorted(root.rglob(META_NAME))[: options["limit"]]
        if not metas:
            raise CommandError(f"No {META_NAME} below {root}; is this an archive of skills?")
        counts = {"imported": 0, "unchanged": 0, "skipped": 0}
        started = time.monotonic()
        outcomes = import_all([meta.parent for meta in metas], options["processes"])
        for outcome in tqdm(
            outcomes, total=len(metas), unit="skill", disable=None, file=self.stderr
        ):
            counts[outcome.word] += 1
            if outcome.refusal:
                tqdm.write(outcome.refusal)
        rate = len(metas) / max(time.monotonic() - started, 0.001)
        told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        self.stdout.write(f"{told} ({rate:.0f} a second)")


class Outcome(NamedTuple):
    """What became of one folder: imported, unchanged or skipped, and then why."""

    word: str
    refusal: str = ""


def import_all(folders: Sequence[Path], processes: int) -> Iterator[Outcome]:
    """Import folders in several processes; yields one outcome a folder, in order.

    Inside a transaction there is one process: no other could see what this one has written.
    """
    batches = [folders[start : start + BATCH] for start in range(0, len(folders), BATCH)]
    if processes == 1 or connection.in_atomic_block:
        for batch in batches:
            yield from _outcomes(batch)
        return
    # A connection that crosses a fork would be read from both sides.
    connections.close_all()
    with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
        for outcomes in pool.map(_outcomes, batches):
            yield from outcomes


def _outcomes(folders: Sequence[Path]) -> list[Outcome]:
    """Import a batch; where one of it is refused, each on its own, so that the others stand."""
    try:
        return [_told(created) for created in import_batch(folders)]
    except (DomainError, OSError) as refusal:
        if len(folders) > 1:
            return [outcome for folder in folders for outcome in _outcomes([folder])]
        [folder] = folders
        return [Outcome("skipped", f"skipped {folder.parent.name}/{folder.name}: {refusal}")]


def _told(created: bool) -> Outcome:
    return Outcome("imported" if created else "unchanged")


def import_skill(folder: Path) -> bool:
    """Import one folder; False when the version already stands. Raises the service's refusals."""
    return import_batch([folder])[0]


@transaction.atomic
def import_batch(folders: Sequence[Path]) -> list[bool]:
    """Import folders, all or none; says of each whether its version is new.

    One transaction: a refused skill leaves no namespace behind.
    """
    read = [(read_meta(folder / META_NAME), read_folder(folder)) for folder in folders]
    namespaces = _namespaces({meta["owner"] for meta, _bundle in read})
    published = publish_versions(
        [
            Submission(namespaces[meta["owner"]], bundle, _publication(meta, bundle))
            for meta, bundle in read
        ]
    )
    return [one.created for one in published]


def _namespaces(handles: set[str]) -> dict[str, Namespace]:
    """Return the namespaces of these owners; new ones are unclaimed."""
    rows = Namespace.objects.filter(handle__in=handles)
    found = {namespace.handle: namespace for namespace in rows}
    if missing := sorted(handles - found.keys()):
        # Another process may be making the same one: it stands when this statement returns.
        Namespace.objects.bulk_create([Namespace(handle=h) for h in missing], ignore_conflicts=True)
        found |= {namespace.handle: namespace for namespace in rows.all()}
    return found


def _publication(meta: dict[str, Any], bundle: Bundle) -> Publication:
    return Publication(
        slug=meta["slug"],
        version=meta["version"],
        display_name=meta["displayName"],
        # Where the author declares none, we name none for them.
        license=bundle.metadata.license,
        source=VersionSource.IMPORT,
        published_at=meta["publishedAt"],
        keep_slug=True,
    )


def read_meta(path: Path) -> dict[str, Any]:
    """Read owner, slug, displayName, version and publishedAt. Raises `MetaRefused`."""
    # A link could lead out of the archive, and a pipe never ends.
    if path.is_symlink() or not path.is_file():
        raise MetaRefused(f"{META_NAME} is no plain file.")
    try:
        if path.stat().st_size > META_MAX_BYTES:
            raise MetaRefused(f"{META_NAME} is larger than {META_MAX_BYTES} bytes.")
        raw = json.loads(path.read_text(encoding="utf-8"))
        latest = raw["latest"]
        found = {
            "owner": clean_line(raw["owner"], 64).lower(),
            "slug": clean_line(raw["slug"], 120),
            "displayName": raw["displayName"],
            "version": latest["version"],
            "publishedAt": datetime.fromtimestamp(latest["publishedAt"] / 1000, UTC),
        }
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, RecursionError) as e:
        raise MetaRefused(f"{META_NAME} is not readable: {type(e).__name__} {e}") from e
    _refuse_unusable(found)
    return found


def _refuse_unusable(found: dict[str, Any]) -> None:
    for name in ("displayName", "version"):
        if not isinstance(found[name], str):
            raise MetaRefused(f"{name} in {META_NAME} is no text.", field=name)
    for name in ("owner", "slug"):
        # A browser takes `.` and `..` out of an address before it asks.
        if found[name] in {"", ".", ".."} or "/" in found[name]:
            raise MetaRefused(f"{META_NAME} names no usable {name}.", field=name)
    # Not moved to today, which would be another day at each import; where only the other clock
    # runs ahead, the next import takes it.
    if found["publishedAt"] > datetime.now(UTC):
        raise MetaRefused(f"publishedAt in {META_NAME} lies in the future.", field="publishedAt")

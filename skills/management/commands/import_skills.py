"""Import an archive folder of published skills through the publishing service."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from tqdm import tqdm

from accounts.models import Namespace
from config.errors import DomainError
from config.text import clean_line
from skills.bundle import read_folder
from skills.models import VersionSource
from skills.services import Publication, publish_version

META_NAME = "_meta.json"
META_MAX_BYTES = 1024 * 1024


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

    def handle(self, *_: Any, **options: Any) -> None:
        root: Path = options["dir"]
        if not root.is_dir():
            raise CommandError(f"{root} is no folder.")
        metas = sorted(root.rglob(META_NAME))[: options["limit"]]
        if not metas:
            raise CommandError(f"No {META_NAME} below {root}; is this an archive of skills?")
        counts = {"imported": 0, "unchanged": 0, "skipped": 0}
        started = time.monotonic()
        with tqdm(metas, unit="skill", disable=None, file=self.stderr) as bar:
            for meta in bar:
                outcome = self._import(meta)
                counts[outcome] += 1
        rate = len(metas) / max(time.monotonic() - started, 0.001)
        told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        self.stdout.write(f"{told} ({rate:.0f} a second)")

    def _import(self, meta: Path) -> str:
        try:
            published = import_skill(meta.parent)
        except (DomainError, OSError) as refusal:
            tqdm.write(f"skipped {meta.parent.parent.name}/{meta.parent.name}: {refusal}")
            return "skipped"
        return "imported" if published else "unchanged"


@transaction.atomic
def import_skill(folder: Path) -> bool:
    """Import one folder; False when the version already stands. Raises the service's refusals.

    One transaction: a refused skill leaves no namespace behind.
    """
    meta = read_meta(folder / META_NAME)
    bundle = read_folder(folder)
    namespace, _made = Namespace.objects.get_or_create(handle=meta["owner"])
    publication = Publication(
        slug=meta["slug"],
        version=meta["version"],
        display_name=meta["displayName"],
        source=VersionSource.IMPORT,
        published_at=meta["publishedAt"],
        keep_slug=True,
    )
    return publish_version(
        namespace=namespace, bundle=bundle, publication=publication, actor=None
    ).created


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
    for name in ("displayName", "version"):
        if not isinstance(found[name], str):
            raise MetaRefused(f"{name} in {META_NAME} is no text.", field=name)
    for name in ("owner", "slug"):
        if not found[name] or "/" in found[name]:
            raise MetaRefused(f"{META_NAME} names no usable {name}.", field=name)
    return found

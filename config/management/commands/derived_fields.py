"""Check denormalised fields against their rules, or rebuild them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from config.derived import REGISTRY, Derivation, refresh_all

SHOWN = 20


class Command(BaseCommand):
    help = (
        "check: name every denormalised field that differs from its rule, with ids; exit 1 if any"
        " does. refresh: re-evaluate every row, in batches, beside running writers."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["check", "refresh"])
        parser.add_argument(
            "field", nargs="?", help="app.Model.field, or app.Model for rows; default: all"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        chosen = [d for d in REGISTRY if options["field"] in (None, d.label)]
        if not chosen:
            names = "\n  ".join(d.label for d in REGISTRY)
            raise CommandError(f"There is no {options['field']}. Known:\n  {names}")
        (self._check if options["action"] == "check" else self._refresh)(chosen)

    def _check(self, chosen: list[Derivation]) -> None:
        drifted = 0
        for derivation in chosen:
            keys = derivation.drifted_keys()
            drifted += len(keys)
            shown = ", ".join(map(str, keys[:SHOWN])) + (", …" if len(keys) > SHOWN else "")
            told = f"{len(keys)} rows differ: {shown}" if keys else "right"
            self.stdout.write(f"{derivation.label}: {told}")
        if drifted:
            raise CommandError("Run `manage.py derived_fields refresh` to repair.", returncode=1)

    def _refresh(self, chosen: list[Derivation]) -> None:
        for derivation in chosen:
            with tqdm(
                total=derivation.rows().count(), desc=derivation.label, unit="row", disable=None
            ) as bar:
                done = refresh_all(derivation, bar.update)
            self.stdout.write(f"{derivation.label}: {done} rows re-evaluated")

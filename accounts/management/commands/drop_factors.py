"""Take the second factors of somebody away who lost them all."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.factors import drop_factors
from accounts.services import find_person
from config.errors import DomainError


class Command(BaseCommand):
    help = "Take the second factors of HANDLE away and sign them out; the password stays."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("handle")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            dropped = drop_factors(user=find_person(handle=options["handle"]))
        except DomainError as refusal:
            raise CommandError(refusal.message) from refusal
        print(f"Taken away: {dropped}. {options['handle']} is signed out everywhere.")

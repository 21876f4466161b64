"""Print a token for a person or a namespace, and nothing else."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import ProgrammingError, transaction

from accounts.models import Namespace, Role, User
from accounts.services import create_token, create_user
from config.errors import DomainError


class Command(BaseCommand):
    help = "Make an API token for HANDLE and print it; it cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("handle")
        parser.add_argument("--namespace", help="make a trk_ key of this namespace instead")
        parser.add_argument("--scopes", help="comma-separated; default: all the role allows")
        parser.add_argument("--role", choices=Role.values, help="with --create: the new role")
        parser.add_argument("--create", action="store_true", help="create the person if missing")

    @transaction.atomic
    def handle(self, *_: Any, **options: Any) -> None:
        try:
            user = self._person(options)
            namespace = None
            if options["namespace"]:
                namespace = Namespace.objects.get(handle=options["namespace"].lower())
            scopes = options["scopes"].split(",") if options["scopes"] else None
            _token, text = create_token(
                user=user, label="command line", scopes=scopes, namespace=namespace
            )
        except DomainError as refusal:
            raise CommandError(refusal.message) from refusal
        except ProgrammingError as error:
            raise CommandError(
                "The database has no tables yet; make them with `manage.py migrate`, or start the"
                " demo once with `make demo`. Is SKILLBOARD_DATA_DIR the one you mean?"
            ) from error
        except Namespace.DoesNotExist:
            raise CommandError(f"There is no namespace {options['namespace']}.") from None
        self.stdout.write(str(text))

    def _person(self, options: dict[str, Any]) -> User:
        handle = options["handle"].strip().lower()
        user = User.objects.filter(handle=handle).first()
        if user is None and options["create"]:
            return create_user(handle=handle, role=options["role"] or Role.USER)
        if user is None:
            raise CommandError(f"There is no {handle}; add --create to make that account.")
        if options["role"] and options["role"] != user.role:
            raise CommandError(f"{handle} is a {user.role}; --role is for accounts being made.")
        return user

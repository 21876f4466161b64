"""The people of the demo, and the organisation one of them belongs to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from accounts.models import MemberRole, Membership, Namespace, NamespaceKind, Role, User
from accounts.services import create_user


class DemoAccount(NamedTuple):
    """A person to sign in as: what they are here and what is worth trying as them."""

    handle: str
    display_name: str
    role: str
    part: str
    to_try: str


PASSWORD: Final = "skillboard-demo"  # noqa: S105 - Printed on purpose; works in the demo only.
ACCOUNTS: Final = (
    DemoAccount("vera", "Vera", Role.USER, "visitor", "browse, install, make a token"),
    DemoAccount("arthur", "Arthur", Role.USER, "author", "his skills, the deleted one too"),
    DemoAccount("mona", "Mona", Role.MODERATOR, "moderator", "see what is hidden, and why"),
    DemoAccount("milo", "Milo", Role.MODERATOR, "moderator", "the second pair of eyes"),
    DemoAccount("ada", "Ada", Role.ADMIN, "admin", "everything above"),
)
# Reports of accounts that are a week old count towards hiding a skill.
MEMBERS_FOR: Final = timedelta(days=90)
ORG_HANDLE: Final = "harborlight-tools"
ORG_NAME: Final = "Harborlight Tools"
ORG_OWNER: Final = "arthur"


class Command(BaseCommand):
    help = "Make the demo's accounts. Safe to repeat; who exists keeps password and role."

    def handle(self, *_: Any, **__: Any) -> None:
        if not settings.DEMO:
            raise CommandError("These accounts share a known password; start with `make demo`.")
        make_accounts()
        self.stdout.write(account_table())


@transaction.atomic
def make_accounts() -> None:
    """Create whoever is missing; writes nothing where all stand. Raises `handle_taken`."""
    standing = set(User.objects.values_list("handle", flat=True))
    since = timezone.now() - MEMBERS_FOR
    for account in ACCOUNTS:
        if account.handle not in standing:
            create_user(
                handle=account.handle,
                password=PASSWORD,
                role=account.role,
                display_name=account.display_name,
            )
            User.objects.filter(handle=account.handle).update(created_at=since)
    _make_org()


def _make_org() -> None:
    org = Namespace.objects.filter(handle=ORG_HANDLE).first() or Namespace(handle=ORG_HANDLE)
    if not org.is_claimed:
        org.kind = NamespaceKind.ORG
        org.display_name = ORG_NAME
        org.save()
    owner = User.objects.get(handle=ORG_OWNER)
    Membership.objects.get_or_create(namespace=org, user=owner, defaults={"role": MemberRole.OWNER})


def account_table() -> str:
    """Return the accounts as lines for a terminal, with the password they share."""
    head = ("account", "is", "to try")
    rows = [head, *((a.handle, a.part, a.to_try) for a in ACCOUNTS)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(head))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([*lines, f"The password of all is {PASSWORD}."])

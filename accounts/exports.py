"""One export of a person's data at a time: who writes one holds a lease and prolongs it.

A writer that dies leaves a lease that ends by itself. Nothing of an export is stored.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from datetime import timedelta
from time import monotonic
from typing import Final

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts import audit
from accounts.models import User
from accounts.services import lock_people, refuse_banned
from config.errors import DomainError

LEASE: Final = timedelta(seconds=60)
RENEW_SECONDS: Final = 10.0


class ExportUnderWay(DomainError):
    code = "export_under_way"
    retry_after = int(LEASE.total_seconds())

    def __init__(self) -> None:
        super().__init__(
            "An export of yours is under way. Wait for its end; one that broke off is over in a"
            " minute."
        )


class ExportEnded(Exception):
    """Somebody else has the lease by now, or the account was closed."""


@transaction.atomic
def start_export(*, user: User) -> uuid.UUID:
    """Take a person's lease; return its token for `leased`. Raises `ExportUnderWay`.

    Also raises `TokenRefused` for an account that was closed meanwhile.
    """
    (person,) = lock_people(user)
    refuse_banned(person)
    if person.export_until is not None and person.export_until > timezone.now():
        raise ExportUnderWay
    token = uuid.uuid4()
    User.objects.filter(pk=person.pk).update(export_token=token, export_until=Now() + LEASE)
    audit.record(actor=person, verb="user.export", thing=person)
    return token


def leased(pieces: Iterable[bytes], *, user: User, token: uuid.UUID) -> Iterator[bytes]:
    """Yield the pieces of an export while its lease is held, and give it up at the end.

    Raises `ExportEnded` where it was lost, so that what was sent is seen to be incomplete.
    """
    mine = User.objects.filter(pk=user.pk, export_token=token)
    renewed = monotonic()
    try:
        for piece in pieces:
            yield piece
            if monotonic() - renewed > RENEW_SECONDS:
                renewed = monotonic()
                if not mine.update(export_until=Now() + LEASE):
                    raise ExportEnded
    finally:
        mine.update(export_token=None, export_until=None)

"""Recording what happens to skills: downloads, stars, installs.

Each record is one statement that makes the mark and queues the event only if the mark is new, so
repeats are harmless however often a client retries. Nothing here fails the request it serves: an
event that cannot be recorded is logged, and the caller goes on.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Final, ParamSpec
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection
from django.utils import timezone

from config.errors import DomainError
from config.statements import statement
from skills.models import EventKind, StatEvent
from skills.models.stats import EARLIEST

logger = logging.getLogger(__name__)
P = ParamSpec("P")

INSTALL_UNSEEN: Final = timedelta(days=60)
"""After so long without a report an install is no longer current."""

CLOCK_SKEW: Final = timedelta(minutes=1)
MAX_ID: Final = 2**63 - 1


class EventRefused(DomainError):
    code = "event_invalid"


class SkillGone(DomainError):
    code = "skill_not_found"


def never_failing(record: Callable[P, bool]) -> Callable[P, bool]:
    """Log what the database refuses instead of raising it: counting never fails a request."""

    @wraps(record)
    def call(*args: P.args, **kwargs: P.kwargs) -> bool:
        try:
            return record(*args, **kwargs)
        except DatabaseError:
            logger.exception("%s was not recorded", record.__name__)
            return False

    return call


@never_failing
def record_download(*, skill_id: int, visitor: str) -> bool:
    """Count a download, once per skill, visitor and UTC day; say whether it counted.

    `visitor` is `user:<id>` or `ip:<address>`, of a trusted source only. It is stored as a keyed
    hash that differs every day.
    """
    now = timezone.now()
    return _run(
        "record_download",
        skill=skill_id,
        day=now.date(),
        visitor=_visitor_mark(visitor, now),
        now=now,
    )


def _visitor_mark(visitor: str, now: datetime) -> UUID:
    key = hashlib.blake2b(settings.SECRET_KEY.encode(), digest_size=32).digest()
    told = f"{now.date()}:{visitor}".encode()
    return UUID(bytes=hashlib.blake2b(told, key=key, digest_size=16).digest())


def star(*, skill_id: int, user_id: int) -> bool:
    """Put a person's star on a skill; False when it was there already. Durable when it returns.

    Raises `SkillGone` when the skill was deleted beside us.
    """
    try:
        return _run("star", skill=skill_id, user=user_id, now=timezone.now())
    except IntegrityError:
        raise SkillGone("Skill not found") from None


def unstar(*, skill_id: int, user_id: int) -> bool:
    """Take a person's star away; False when there was none. Durable when it returns."""
    return _run("unstar", skill=skill_id, user=user_id, now=timezone.now())


@never_failing
def record_installs(*, user_id: int, skill_ids: Iterable[int]) -> bool:
    """Note that a person's client has these skills installed; say whether any of it is news.

    Whatever is not in the list stays as it is: a client that does not name a skill has not removed
    it.
    """
    wanted = sorted(set(skill_ids))
    if not wanted:
        return False
    return _run("record_installs", user=user_id, skills=wanted, now=timezone.now())


def deactivate_installs(*, batch: int) -> int:
    """Give up to `batch` installs up that were not seen for 60 days; return how many."""
    now = timezone.now()
    told: dict[str, Any] = {"before": now - INSTALL_UNSEEN, "batch": batch, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(statement("skills/deactivate_installs"), told)
        return int(cursor.rowcount)


def clear_installs(*, user_id: int) -> bool:
    """Forget a person's installs because their account goes; say whether there were any."""
    return _run("clear_installs", user=user_id, now=timezone.now())


def _run(name: str, **told: Any) -> bool:
    """Run a recording statement; say whether it queued an event."""
    with connection.cursor() as cursor:
        cursor.execute(statement(f"skills/{name}"), told)
        return bool(cursor.rowcount)


def queue_events(events: Sequence[StatEvent]) -> None:
    """Queue events that carry a time of their own, such as those of an import; all or none.

    Raises `EventRefused` for an unknown kind, a delta no such event can have, an id that no skill
    can have, a time without a zone, before 2020 or in the future.
    """
    latest = timezone.now() + CLOCK_SKEW
    for event in events:
        if event.kind not in EventKind.values:
            raise EventRefused(f"There is no event kind {event.kind}.", field="kind")
        may_differ = event.kind == EventKind.INSTALL_CLEAR
        if event.delta not in ({0, -1} if may_differ else {0}):
            raise EventRefused("delta is 0; of install_clear it may be -1.", field="delta")
        if not isinstance(event.skill_id, int) or not 0 < event.skill_id <= MAX_ID:
            raise EventRefused("skill_id is the id of a skill.", field="skill_id")
        moment = event.occurred_at
        if not isinstance(moment, datetime) or timezone.is_naive(moment):
            raise EventRefused("occurred_at is a time with its zone.", field="occurred_at")
        if not EARLIEST <= moment <= latest:
            raise EventRefused("occurred_at lies between 2020 and now.", field="occurred_at")
    StatEvent.objects.bulk_create(events, batch_size=5_000)

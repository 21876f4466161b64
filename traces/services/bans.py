"""What a ban withholds: every trace a person shared, and every one in their own namespace.

`Trace.is_withheld` follows from who is banned by its rule (`traces/derived.py`). A ban and its end
refresh it in batches, under the lock of the person; whoever makes or moves a trace takes the same
lock (`hold_unbanned`), so that either the ban finds the trace, or the trace finds the ban.
"""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import User
from accounts.services import lock_people, refuse_banned
from config.derived import refresh
from traces.derived import IS_WITHHELD
from traces.models import Trace


def hold_unbanned(person: User) -> None:
    """Lock a person until the transaction ends, so that no ban comes in between.

    Raises `TokenRefused` for one who is banned by now.
    """
    refuse_banned(lock_people(person)[0])


def settle_batch(*, person: User, size: int) -> int:
    """Withhold the next traces of a person, or give them back; return how many, 0 at the end.

    The caller has locked the person, and what they are says what happens. Idempotent.
    """
    is_banned = person.banned_at is not None
    # Another's ban may withhold what this person's no longer does: the rule has the last word.
    stale = Trace.objects.filter(IS_WITHHELD.stale(), is_withheld=not is_banned)
    keys = _newest(stale.filter(created_by=person), size)
    if len(keys) < size:
        by_others = stale.filter(namespace__user=person).exclude(created_by=person)
        keys += _newest(by_others, size - len(keys))
    refresh(IS_WITHHELD, keys)
    return len(keys)


def _newest(rows: QuerySet[Trace], size: int) -> list[int]:
    return list(rows.order_by("-pk").values_list("pk", flat=True)[:size])

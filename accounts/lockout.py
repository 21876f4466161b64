"""How long a name stays locked at one address after too many wrong passwords."""

from __future__ import annotations

import math
from datetime import timedelta

from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.db.models import Max
from django.http import HttpRequest
from django.utils import timezone

from config.ratelimit import UNKNOWN_ADDRESS, client_address


def address_or_none(request: HttpRequest) -> str | None:
    """Return the address a lock is kept for; None where the server cannot tell one."""
    address = client_address(request)
    return None if address == UNKNOWN_ADDRESS else address


def seconds_locked(handle: str, address: str) -> int:
    """Return the seconds until this name may be tried again from this address; at least 1.

    One query. The lock ends a cool-off after the last failure that was counted.
    """
    attempts = AccessAttempt.objects.filter(username=handle, ip_address=address)
    last = attempts.aggregate(last=Max("attempt_time"))["last"]
    if last is None:
        return 1
    cool_off: timedelta = get_cool_off()
    left: timedelta = last + cool_off - timezone.now()
    return max(1, math.ceil(left.total_seconds()))

"""How long a name stays locked at one address after too many wrong passwords and codes."""

from __future__ import annotations

import math
from datetime import timedelta

from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.contrib.auth import user_login_failed
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


def is_locked(request: HttpRequest, handle: str) -> bool:
    """Say whether this name is locked at the address of the request, for codes as for passwords."""
    return not AxesProxyHandler.is_allowed(request, {"username": handle})


def count_failure(request: HttpRequest, handle: str) -> None:
    """Count a wrong code as a wrong password is; the one that locks is answered as locked."""
    user_login_failed.send(sender=__name__, credentials={"username": handle}, request=request)

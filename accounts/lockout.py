"""How often somebody may try to sign in, or to prove who they are: the rule of every way in.

1. An address has so many tries a minute (`RATE_LIMITS["login"]`), right or wrong: each password,
   code and passkey that is sent, each way to GitHub and each name that is chosen then. A page that
   is read is none; nor is coming back from GitHub, which was counted on the way there, unless it
   fails. Command lines have as many, counted for themselves (`accounts/session_api.py`).
2. `AXES_FAILURE_LIMIT` wrong ones, of whatever kind, lock the name at that address for a while;
   signing in forgets them (django-axes).
3. Codes are short, so an account takes only so many an hour, from wherever they come.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any, Final

from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth import user_login_failed
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.models import User
from config.formats import duration
from config.ratelimit import UNKNOWN_ADDRESS, Quota, client_address, take_exact
from config.site import too_many_requests

CODES_AN_HOUR: Final = 30
MINUTE: Final = 60
HOUR: Final = 3_600

# --- Tries --------------------------------------------------------------------------------------


def too_many_tries(request: HttpRequest) -> HttpResponse | None:
    """Count a try of this address; return the answer to one too many."""
    limit = settings.RATE_LIMITS["login"][0]
    return _refusal(request, take_exact("login", client_address(request), limit))


def too_many_proofs(request: HttpRequest, user: User) -> HttpResponse | None:
    """Count a try at a second factor; return the answer to one too many, or at a locked name."""
    refusal = too_many_tries(request)
    if refusal is None and "code" in request.POST:
        quota = take_exact("code", f"user:{user.pk}", CODES_AN_HOUR, seconds=HOUR)
        refusal = _refusal(request, quota)
    if refusal is None and not AxesProxyHandler.is_allowed(request, {"username": user.handle}):
        refusal = locked_out(request, credentials={"username": user.handle})
    return refusal


def _refusal(request: HttpRequest, quota: Quota) -> HttpResponse | None:
    return None if quota.allowed else too_many_requests(request, quota.reset_seconds)


# --- Failures -----------------------------------------------------------------------------------


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


def count_failure(request: HttpRequest, handle: str) -> None:
    """Count a wrong code as a wrong password is; the one that locks is answered as locked."""
    user_login_failed.send(sender=__name__, credentials={"username": handle}, request=request)


def locked_out(
    request: HttpRequest,
    _response: HttpResponse | None = None,
    credentials: dict[str, Any] | None = None,
) -> HttpResponse:
    """Answer an attempt at a locked name with the time to wait; django-axes calls it."""
    handle = (credentials or {}).get("username") or ""
    wait = seconds_locked(handle, client_address(request))
    # Whole minutes, rounded up: who waits as long as the page says must not be refused again.
    told = duration(wait if wait <= MINUTE else -(-wait // MINUTE) * MINUTE)
    response = render(request, "public/locked_out.html", {"wait": told}, status=429)
    response.headers["Retry-After"] = str(wait)
    return response

"""How often one caller may ask.

Reads: a token bucket in each web process, cheap and approximate (each process counts for itself,
so a caller may get at most `processes` times the limit). Writes, downloads and login: one exact
row per caller and minute in an UNLOGGED table, counted by a single statement in every process
together; raw SQL, because `ON CONFLICT … RETURNING` has no spelling in the ORM.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final

from django.conf import settings
from django.db import connection
from django.http import HttpRequest

WINDOW_SECONDS: Final = 60
_MAX_BUCKETS: Final = 50_000
UNKNOWN_ADDRESS: Final = "unknown"


@dataclass(frozen=True)
class Quota:
    """What is left for a caller after this request."""

    limit: int
    remaining: int
    reset_seconds: int
    allowed: bool


def client_address(request: HttpRequest) -> str:
    """Return the client's address: the right-most hop that is not one of our own proxies.

    With no proxy configured `X-Forwarded-For` is anybody's claim and ignored. IPv6 callers are
    counted by /64, the smallest network one customer gets.
    """
    address = request.META.get("REMOTE_ADDR", "")
    hops = settings.TRUSTED_PROXY_COUNT
    if hops:
        forwarded = request.headers.get("X-Forwarded-For", "").split(",")
        if len(forwarded) >= hops and forwarded[-hops].strip():
            address = forwarded[-hops].strip()
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return UNKNOWN_ADDRESS
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped:
        # A socket that takes both kinds shows IPv4 callers like this.
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 64), strict=False).network_address)


class _Buckets:
    """Token buckets by key, least recently used ones forgotten first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, limit: int) -> Quota:
        rate = limit / WINDOW_SECONDS
        now = time.monotonic()
        with self._lock:
            level, since = self._levels.pop(key, (float(limit), now))
            level = min(float(limit), level + (now - since) * rate)
            allowed = level >= 1
            level -= allowed
            self._levels[key] = (level, now)
            if len(self._levels) > _MAX_BUCKETS:
                self._levels.popitem(last=False)
        wait = (limit - level if allowed else 1 - level) / rate
        return Quota(limit, int(level), max(1, math.ceil(wait)), allowed)

    def clear(self) -> None:
        with self._lock:
            self._levels.clear()


_reads = _Buckets()


def forget_reads() -> None:
    """Empty this process's read buckets (tests)."""
    _reads.clear()


def take_read(key: str, limit: int) -> Quota:
    """Count one read of `key` against `limit` a minute, in this process."""
    return _reads.take(key, limit)


def take_exact(
    kind: str, key: str, limit: int, *, seconds: int = WINDOW_SECONDS, amount: int = 1
) -> Quota:
    """Count `amount` for `key` in the current window, exactly, across all processes.

    A window is a minute, or as many `seconds` as always go with this `kind`. One statement in a
    transaction of the caller's; refused requests count too.
    """
    now = time.time()
    window = int(now // seconds)
    hashed = hashlib.blake2b(f"{kind}:{key}".encode(), digest_size=16).digest()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO config_rate_limit AS r (key, window_number, hits) VALUES (%s, %s, %s)"
            " ON CONFLICT (key) DO UPDATE SET window_number = excluded.window_number,"
            " hits = CASE WHEN r.window_number = excluded.window_number THEN r.hits ELSE 0 END"
            " + excluded.hits"
            " RETURNING hits",
            [hashed, window, amount],
        )
        hits: int = cursor.fetchone()[0]
    reset = max(1, math.ceil((window + 1) * seconds - now))
    return Quota(limit, max(0, limit - hits), reset, hits <= limit)

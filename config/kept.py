"""What is kept in this process, and what caches may keep: for every app that writes pages."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """The latest values, at most `limit` of their sizes in all; safe between threads."""

    def __init__(self, limit: int) -> None:
        """Keep values whose sizes add up to at most `limit`."""
        self._limit = limit
        self._total = 0
        self._entries: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> Value | None:
        """Return what is kept under `key`."""
        with self._lock:
            found = self._entries.get(key)
            if found is None:
                return None
            self._entries.move_to_end(key)
            return found[0]

    def put(self, key: Hashable, value: Value, size: int) -> None:
        """Keep `value`; the least recently used ones go when it gets too much."""
        with self._lock:
            _value, old_size = self._entries.pop(key, (None, 0))
            self._total += size - old_size
            self._entries[key] = (value, size)
            while self._total > self._limit and self._entries:
                _key, (_gone, gone_size) = self._entries.popitem(last=False)
                self._total -= gone_size

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._total = 0


def has_session(request: HttpRequest) -> bool:
    """Say whether the visitor may be somebody: only then can a page differ by who looks."""
    return settings.SESSION_COOKIE_NAME in request.COOKIES


def hash_text(*parts: object) -> str:
    """Return a short text that differs whenever one of the parts or the build does."""
    told = repr((settings.VERSION, *parts)).encode("utf-8", "backslashreplace")
    return hashlib.blake2b(told, digest_size=12).hexdigest()


def set_caching(request: HttpRequest, response: HttpResponse, *, is_public: bool) -> HttpResponse:
    """Let caches keep a page for a minute, if no session can have shaped it."""
    patch_vary_headers(response, ("Cookie", "HX-Request", "HX-Request-Type"))
    shared = is_public and not has_session(request)
    response.headers["Cache-Control"] = "public, max-age=60" if shared else "private, no-cache"
    return response


def revalidated(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Answer 304 where a cache already has this very page; only for pages that caches may keep.

    The page is written all the same: what decides it lies in several tables, and asking them is
    nearly half of the work. What is saved is its way to the browser.
    """
    shared = response.headers["Cache-Control"].startswith("public")
    if not shared or response.status_code != 200:  # noqa: PLR2004
        return response
    etag = f'W/"{hash_text(response.content)}"'
    response.headers["ETag"] = etag
    return cast("HttpResponse", get_conditional_response(request, etag, None, response))

"""What every endpoint of the contract shares: who asks, how often, and errors people can read.

Errors are plain text, because the command line client prints the body as it is; the stable code
stands in the header `X-Error-Code`. The one JSON error the client understands is the list of
owners of an ambiguous name.
"""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Concatenate, Final, ParamSpec, Protocol, cast

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI

from config.errors import DomainError
from config.ratelimit import Quota, client_address, take_exact, take_read

P = ParamSpec("P")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
NOT_ALLOWED: Final = 405

# Every code that is not a plain "your request is wrong" (400).
STATUS_OF_CODE: Final = {
    "token_missing": 401,
    "token_invalid": 401,
    "token_revoked": 401,
    "token_expired": 401,
    "account_banned": 401,
    "account_deleted": 401,
    "scope_missing": 403,
    "second_factor_required": 403,
    "not_owner": 403,
    "own_skill": 403,
    "not_allowed": 403,
    "hidden": 403,
    "malicious": 403,
    "role_refused": 403,
    "ban_refused": 403,
    "skill_not_found": 404,
    "person_not_found": 404,
    "version_not_found": 404,
    "file_not_found": 404,
    "board_not_found": 404,
    "report_not_found": 404,
    "scan_not_found": 404,
    "item_not_found": 404,
    "run_not_found": 404,
    "trace_not_found": 404,
    "transfer_not_found": 404,
    "not_found": 404,
    "AMBIGUOUS_SKILL_SLUG": 409,
    "not_banned": 409,
    "handle_taken": 409,
    "too_many_namespaces": 409,
    # Not 429, which clients try again: these take minutes or days to pass.
    "too_many_reports": 409,
    "too_many_tickets": 409,
    "rescan_refused": 409,
    "summary_refused": 409,
    "scan_unfinished": 409,
    "claimed": 409,
    "decided": 409,
    "item_changed": 409,
    "request_key_used": 409,
    "version_exists": 409,
    "version_withdrawn": 409,
    "scan_upload_gone": 410,
    "deleted": 410,
    "removed": 410,
    "withdrawn": 410,
    "preview_too_large": 413,
    "body_too_large": 413,
    "upload_too_large": 413,
    "telemetry_too_large": 413,
    "preview_not_text": 415,
    "content_type_unsupported": 415,
    "rate_limited": 429,
    "search_too_slow": 503,
}


class TooManyRequests(DomainError):
    """The caller's share of this minute is used up; the answer's headers tell the time to wait."""

    code = "rate_limited"

    def __init__(self) -> None:
        super().__init__("Too many requests; wait a moment and try again.")


class Caller(Protocol):
    """What the rate limit wants to know of an actor."""

    @property
    def role(self) -> str: ...


def json_response(value: Any, status: int = 200) -> HttpResponse:
    """Answer with JSON; datetimes must already be numbers."""
    return HttpResponse(orjson.dumps(value), status=status, content_type="application/json")


def milliseconds(moment: datetime) -> int:
    """Return whole milliseconds since the Unix epoch, as every contract writes a time.

    Rounded as the database rounds, so that one moment is one number everywhere.
    """
    return (moment - _EPOCH + _MILLISECOND / 2) // _MILLISECOND


def error_response(refusal: DomainError) -> HttpResponse:
    """Turn a refusal into its plain-text answer."""
    status = STATUS_OF_CODE.get(refusal.code, 400)
    response = HttpResponse(
        refusal.message, status=status, content_type="text/plain; charset=utf-8"
    )
    response.headers["X-Error-Code"] = refusal.code
    return response


def take_quota(request: HttpRequest, kind: str, user: Any) -> Quota:
    """Charge this request to its caller: the person behind a token, else the address."""
    limits = settings.RATE_LIMITS[kind]
    if user is None:
        key, limit = f"ip:{client_address(request)}", limits[0]
    else:
        key, limit = f"user:{user.pk}", limits[2 if user.acting_role == "admin" else 1]
    return take_read(key, limit) if kind == "read" else take_exact(kind, key, limit)


def add_quota_headers(response: HttpResponseBase, quota: Quota) -> None:
    """Say what is left, in both spellings that clients read."""
    headers = response.headers
    limit, remaining, reset = str(quota.limit), str(quota.remaining), str(quota.reset_seconds)
    headers["RateLimit-Limit"] = headers["X-RateLimit-Limit"] = limit
    headers["RateLimit-Remaining"] = headers["X-RateLimit-Remaining"] = remaining
    headers["RateLimit-Reset"] = reset
    headers["X-RateLimit-Reset"] = str(int(time.time()) + quota.reset_seconds)


Identify = Callable[[HttpRequest], Any]
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def endpoint(
    kind: str, identify: Identify, on_refusal: Callable[[DomainError], HttpResponse]
) -> Callable[[View[P]], View[P]]:
    """Make a view an endpoint: `request.actor`, rate limit of `kind`, refusals as answers."""

    def wrap(view: View[P]) -> View[P]:
        @functools.wraps(view)
        def call(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            unknown: DomainError | None = None
            try:
                actor = identify(request)
            except DomainError as refusal:
                # A token that opens nothing is charged to its address, so that guessing costs.
                unknown, actor = refusal, None
            quota = take_quota(request, kind, actor and actor.user)
            response: HttpResponseBase
            if not quota.allowed:
                response = on_refusal(TooManyRequests())
                response.headers["Retry-After"] = str(quota.reset_seconds)
            elif unknown is not None:
                response = on_refusal(unknown)
            else:
                request.actor = actor  # type: ignore[attr-defined]
                try:
                    response = view(request, *args, **kwargs)
                except DomainError as refusal:
                    response = on_refusal(refusal)
                    if refusal.retry_after is not None:
                        response.headers["Retry-After"] = str(refusal.retry_after)
            add_quota_headers(response, quota)
            return response

        # Ninja would look the names in the annotations up in this module, not in the view's.
        call.__signature__ = inspect.signature(view, eval_str=True)  # type: ignore[attr-defined]
        return cast("View[P]", call)

    return wrap


class ContractAPI(NinjaAPI):
    """The calls as clients read them: HEAD wherever GET is, a refused method in plain text."""

    def _get_urls(self) -> list[URLResolver | URLPattern]:
        patterns = super()._get_urls()
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                pattern.callback = _readable(pattern.callback)
        return patterns


def _readable(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    @functools.wraps(view)
    def call(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        asked = request.method
        # The server sends no body for HEAD; everything else is the answer to GET.
        request.method = "GET" if asked == "HEAD" else asked
        try:
            response = view(request, *args, **kwargs)
        finally:
            request.method = asked
        if response.status_code == NOT_ALLOWED:
            return _not_allowed(response)
        return response

    return call


def _not_allowed(refused: HttpResponseBase) -> HttpResponse:
    methods = refused.headers["Allow"].split(", ")
    allowed = ", ".join(sorted({*methods, "HEAD"} if "GET" in methods else methods))
    response = HttpResponse(
        f"This call takes {allowed} only.",
        status=NOT_ALLOWED,
        content_type="text/plain; charset=utf-8",
    )
    response.headers["Allow"] = allowed
    response.headers["X-Error-Code"] = "method_not_allowed"
    return response

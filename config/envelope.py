"""The answers of the traces contract: `{"ok": true, "data": …}`, and refusals its client can read.

Codes of refusals are those of `DomainError`, in capitals as that client's other servers write them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, Final, ParamSpec

import orjson
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from config.api import NOT_ALLOWED, STATUS_OF_CODE, Identify, endpoint
from config.errors import DomainError

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
Answer = Callable[..., HttpResponseBase]
JSON: Final = "application/json"

# Codes of this contract alone; the others have the status they have everywhere.
STATUS_OF_TRACE_CODE: Final = {
    "session_required": 403,
    "login_denied": 403,
    "login_not_found": 404,
    "login_pending": 409,
    "login_used": 409,
    "too_many_invites": 409,
    "too_many_sessions": 409,
    "login_expired": 410,
    "not_member": 403,
    "not_organisation": 409,
    "admin_required": 403,
    "trace_not_found": 404,
    "namespace_not_found": 404,
    "invite_not_found": 404,
    "namespace_conflict": 409,
    "trace_exists": 409,
    "message_too_large": 413,
    "visibility_not_allowed": 422,
    "message_invalid": 422,
    "trace_invalid": 422,
    "trace_too_large": 422,
    "upload_limit_reached": 429,
}


def ok(data: dict[str, Any], status: int = 200) -> HttpResponse:
    """Answer with `data`; times in it are integers, milliseconds since the epoch."""
    body = orjson.dumps({"ok": True, "data": data})
    return HttpResponse(body, status=status, content_type=JSON)


def refused(refusal: DomainError) -> HttpResponse:
    """Turn a refusal into its answer; the client prints `message`, then `details` if there are."""
    statuses = STATUS_OF_CODE | STATUS_OF_TRACE_CODE
    status = statuses.get(refusal.code, 400)
    error: dict[str, Any] = {"code": refusal.code.upper(), "message": refusal.message}
    if refusal.field is not None:
        error["details"] = {"field": refusal.field}
    body = orjson.dumps({"ok": False, "error": error})
    response = HttpResponse(body, status=status, content_type=JSON)
    response.headers["X-Error-Code"] = refusal.code
    return response


def not_found(_request: HttpRequest, **_: object) -> HttpResponse:
    """Answer for an address below /v1/ that is no call."""
    return refused(DomainError("There is no such call here.", code="not_found"))


def call(kind: str, identify: Identify) -> Callable[[View[P]], View[P]]:
    """Make a view a call of the contract: `request.actor`, rate limit of `kind`, enveloped errors.

    Bearer tokens only, so no CSRF token is asked for.
    """
    made = endpoint(kind, identify, refused)

    def wrap(view: View[P]) -> View[P]:
        return csrf_exempt(made(view))

    return wrap


def by_method(**views: Answer) -> Answer:
    """Make one view of an address from the views of its methods; HEAD is answered as GET."""

    @csrf_exempt
    @functools.wraps(next(iter(views.values())))
    def choose(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        asked = "GET" if request.method == "HEAD" else request.method or ""
        view = views.get(asked)
        if view is None:
            return _not_allowed(sorted(views))
        return view(request, *args, **kwargs)

    choose.methods = frozenset(views)  # type: ignore[attr-defined]
    return choose


def _not_allowed(methods: list[str]) -> HttpResponse:
    named = ", ".join([*methods, "HEAD"] if "GET" in methods else methods)
    refusal = DomainError(f"This call takes {named} only.", code="method_not_allowed")
    response = refused(refusal)
    response.status_code = NOT_ALLOWED
    response.headers["Allow"] = named
    return response

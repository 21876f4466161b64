"""Small middleware without models: request ids and the refusal of text no table can store."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from config.text import has_unstorable

UTF8_NAMES: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})

_request_id: ContextVar[str] = ContextVar("request_id", default="")

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def current_request_id() -> str:
    """Return the id of the request being answered, "" outside one."""
    return _request_id.get()


def request_id(get_response: GetResponse) -> GetResponse:
    """Give each request an id of our own making; logs, error pages and audit rows carry it."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        token = _request_id.set(secrets.token_hex(8))
        try:
            response = get_response(request)
            response.headers["X-Request-Id"] = _request_id.get()
            return response
        finally:
            _request_id.reset(token)

    return middleware


class RequestIdFilter(logging.Filter):
    """Put the request id on every log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add `request_id`; never drops a record."""
        record.request_id = _request_id.get() or "-"
        return True


# What Django itself answers, or a handler of ours, without saying a code.
CODE_OF_STATUS: Final = {
    400: "request_invalid",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    500: "internal_error",
    503: "unavailable",
}


def name_refusals(get_response: GetResponse) -> GetResponse:
    """Give every refusal below /api/ a code in `X-Error-Code`, whoever refused."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if response.status_code >= 400 and request.path_info.startswith("/api/"):  # noqa: PLR2004
            code = CODE_OF_STATUS.get(response.status_code, "refused")
            response.headers.setdefault("X-Error-Code", code)
        return response

    return middleware


def _refusal(sentence: str, *, status: int, code: str) -> HttpResponse:
    response = HttpResponse(sentence, status=status, content_type="text/plain; charset=utf-8")
    response.headers["X-Error-Code"] = code
    return response


def refuse_unstorable(get_response: GetResponse) -> GetResponse:
    """Refuse what no table can store: NUL in an address, and bodies that are not UTF-8.

    Lone surrogates cannot stand in an address, which Django decodes with replacement; in a body
    they could, through a charset like `raw_unicode_escape`. Cookies are no part of what somebody
    asks: one that cannot be stored is none of ours, and is left out.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        query = request.META.get("QUERY_STRING", "")
        if "\0" in request.path_info or "%00" in query or "\0" in query:
            return _refusal(
                "The address contains a NUL character (%00); remove it and try again.",
                status=400,
                code="address_invalid",
            )
        charset = (request.content_params or {}).get("charset", "utf-8")
        if charset.lower() not in UTF8_NAMES:
            return _refusal("Send the body as UTF-8.", status=415, code="charset_invalid")
        if request.META.get("HTTP_COOKIE"):
            # Their values are unquoted when they are read: `\000` has become a NUL only here.
            for name in [n for n, value in request.COOKIES.items() if has_unstorable(n + value)]:
                del request.COOKIES[name]
        return get_response(request)

    return middleware

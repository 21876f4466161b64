"""The JSON object that a call sends, read piece by piece; every refusal names its field."""

from __future__ import annotations

import uuid
from typing import Any, Protocol

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest

from config.errors import DomainError
from config.formats import bytes_size
from config.text import refuse_unstorable


class BodyRefused(DomainError):
    code = "body_invalid"


class BodyTooLarge(DomainError):
    code = "body_too_large"


class Readable(Protocol):
    """A body that is read in pieces."""

    def read(self, size: int = ..., /) -> bytes: ...


def read_object(request: HttpRequest) -> dict[str, Any]:
    """Return the object in the body; none is the empty one. Raises the refusals."""
    try:
        body = request.body
    except RequestDataTooBig:
        most = bytes_size(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        raise BodyTooLarge(f"Send at most {most} at once.") from None
    return parse_object(body or b"{}")


def parse_object(text: bytes | str, field: str | None = None) -> dict[str, Any]:
    """Return the object in a body, or in this field of a form. Raises `BodyRefused`."""
    place = field or "The body"
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BodyRefused(f"{place} is no JSON.", field=field) from None
    if not isinstance(parsed, dict):
        raise BodyRefused(f"{place} is a JSON object.", field=field)
    return parsed


def text_of(body: dict[str, Any], name: str) -> str:
    """Return a text that can be stored; "" where it is absent or null. Raises the refusals."""
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BodyRefused(f"{name} is text.", field=name)
    return refuse_unstorable(value, field=name)


def flag_of(body: dict[str, Any], name: str) -> bool:
    """Return a true or false; false where it is absent or null. Raises `BodyRefused`."""
    value = body.get(name)
    if not isinstance(value, bool | None):
        raise BodyRefused(f"{name} is true or false.", field=name)
    return bool(value)


def number_of(body: dict[str, Any], name: str) -> int | None:
    """Return a whole number; None where it is absent or null. Raises `BodyRefused`."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int | None):
        raise BodyRefused(f"{name} is a whole number.", field=name)
    return value


def object_of(body: dict[str, Any], name: str) -> dict[str, Any]:
    """Return an object; the empty one where it is absent or null. Raises `BodyRefused`."""
    value = body.get(name)
    if not isinstance(value, dict | None):
        raise BodyRefused(f"{name} is an object.", field=name)
    return value or {}


def key_of(body: dict[str, Any], name: str) -> uuid.UUID | None:
    """Return a UUID; None where it is absent or null. Raises `BodyRefused`."""
    text = text_of(body, name)
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        raise BodyRefused(f"{name} is a UUID.", field=name) from None

"""Keyset pages, shared by HTML and JSON: signed cursors, row comparison, bounded counts."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson
from django.core.signing import BadSignature, Signer
from django.db import models

from config.errors import DomainError

PAGE_SIZE: Final = 25
MAX_PAGE_SIZE: Final = 200
_LIMIT: Final = re.compile(r"[1-9][0-9]{0,2}")


class CursorRefused(DomainError):
    code = "cursor_invalid"

    def __init__(self) -> None:
        super().__init__(
            "This cursor is not one of this list; start again without it.", field="cursor"
        )


class LimitRefused(DomainError):
    code = "limit_invalid"

    def __init__(self) -> None:
        super().__init__(f"limit is a whole number from 1 to {MAX_PAGE_SIZE}.", field="limit")


def parse_limit(text: str | None, default: int = PAGE_SIZE) -> int:
    """Read a page size from a query string. Raises `LimitRefused`."""
    if not text:
        return default
    if _LIMIT.fullmatch(text) is None or int(text) > MAX_PAGE_SIZE:
        raise LimitRefused
    return int(text)


def sign_cursor(listing: str, *key: Any) -> str:
    """Make an opaque cursor that stands behind the row with this sort key, in this list only.

    It never expires: the key says where the row stood, so it stays valid when rows come and go.
    """
    return Signer(salt=f"cursor:{listing}").sign_object(
        list(key), serializer=_OrjsonSerializer, compress=False
    )


def read_cursor(listing: str, text: str, *types: type) -> tuple[Any, ...]:
    """Take a cursor of this list apart. Raises `CursorRefused` for any other text.

    `types` are those of the key's parts, so that no cursor of another shape reaches the database.
    """
    if len(text) > 1_000:  # noqa: PLR2004
        raise CursorRefused
    try:
        key = Signer(salt=f"cursor:{listing}").unsign_object(text, serializer=_OrjsonSerializer)
    except (BadSignature, ValueError, UnicodeError):
        raise CursorRefused from None
    fits = isinstance(key, list) and len(key) == len(types)
    if not fits or not all(map(isinstance, key, types)):
        raise CursorRefused
    return tuple(key)


class _OrjsonSerializer:
    def dumps(self, obj: Any) -> bytes:
        return orjson.dumps(obj)

    def loads(self, data: bytes) -> Any:
        return orjson.loads(data)


class RowCompare(models.Func):
    """`(a, b) < (x, y)`: the one comparison an index on (a, b) answers at any depth.

    The usual spelling with OR walks through every row that shares the first value.
    """

    output_field = models.BooleanField()
    conditional = True

    def __init__(self, columns: list[str], operator: str, values: list[Any]) -> None:
        """Compare `columns` with `values` by `<`, `>`, `<=` or `>=`."""
        if operator not in {"<", ">", "<=", ">="}:
            raise ValueError(operator)
        super().__init__(*columns, *(models.Value(value) for value in values))
        half = len(columns)
        self.operator, self.half = operator, half

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:  # noqa: ARG002
        """Write both sides as SQL rows."""
        parts, params = [], []
        for expression in self.source_expressions:
            sql, found = compiler.compile(expression)
            parts.append(sql)
            params.extend(found)
        left, right = ", ".join(parts[: self.half]), ", ".join(parts[self.half :])
        return f"(({left}) {self.operator} ({right}))", params


class BoundedCount(models.Subquery):
    """How many rows a sliced queryset has: a count that never goes further than its slice."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS counted)"
    output_field = models.IntegerField()

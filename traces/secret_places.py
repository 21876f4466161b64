"""Secrets known by where they stand: passwords in URLs, cookies, `Authorization` headers."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final

from traces.secret_names import LOOKED_AT, looks_random

Found = tuple[int, int, bool]
"""Begin and end of what was looked at, and whether it is a secret."""

_USERINFO: Final = re.compile(
    r"//(?<=://)(?P<user>[^\s/?#@:\"'<>\\`\[\]{}|]*+)(?::(?P<password>[^\s/?#\"'<>\\`]*(?=@))|(?=@))"
)
_USERINFO_LOOSE: Final = re.compile(rb"//(?<=://)[^\s/?#@\"]*+@")
SHOWN: Final = (
    r"[$<{]|@\{|(?:%[A-Za-z_-]{1,60}%|\*{2,}|@\w{1,60}@|\[[\w .-]{1,60}\]|x{3,})$"
    r"|.{0,40}(?:\$\{|\{\{|\[REDACTED\]|\.\.\.|…)"
)
"""How what only shows where a password belongs begins; a password may begin with one sign of it."""

_NO_PASSWORD: Final = re.compile(
    rf"(?i)(?:{SHOWN}).*"
    r"|(?:your|my|the|db|some)?[-_]?(?:password|passwd|pass|pwd|pw|p|secret|token|key|api[-_]?key)"
    r"|changeme|x-oauth-basic|user|username"
)


def may_hold_password(raw: bytes) -> bool:
    return b":\\/" in raw or _USERINFO_LOOSE.search(raw) is not None


def is_no_password(password: str) -> bool:
    """Say whether what stands in the place of a password only shows that one belongs there."""
    return _NO_PASSWORD.fullmatch(password[:LOOKED_AT]) is not None


def url_passwords(text: str) -> Iterator[Found]:
    for found in _USERINFO.finditer(text):
        user, password = found["user"], found["password"]
        if password is None:
            # A user alone is a name; one that looks made by a machine is a token.
            yield *found.span("user"), looks_random(user[:LOOKED_AT])
        else:
            secret = password not in ("", user) and not is_no_password(password)
            yield *found.span("password"), secret


COOKIE: Final = (
    r"(?P<kept>\\{0,8}[\"']?[ \t]{0,4}:[ \t]{0,4}\\{0,8}[\"']?[A-Za-z0-9!#$%&*.^_|~+-]{1,100}=)"
    r"(?!\[REDACTED\])[^\s\"'\\;,<>(){}$][^\r\n\"'\\]{3,}+"
)
COOKIE_LOOSE: Final = rb"[\\\"']{0,20}(?:[ \t\r\n]|\\t|\\u0009)*+:"


BEARER: Final = (
    r"(?P<kept>[ \t]{1,4})(?=[A-Za-z0-9._~+/=-]{0,200}[0-9])[A-Za-z0-9._~+/-]{16,}+={0,2}"
)
BEARER_LOOSE: Final = rb"(?:[ \t]|\\t|\\u0009)+[A-Za-z0-9._~+/\\-]{16}"


_BASIC: Final = re.compile(r"asic(?<=[Bb]asic)[ \t]{1,4}(?P<pair>[A-Za-z0-9+/]{6,400}+={0,2})")
BASIC_LOOSE: Final = re.compile(rb"asic(?<=[Bb]asic)(?:[ \t]|\\t|\\u0009)+[A-Za-z0-9+/\\]{6}")


def basic_pairs(text: str) -> Iterator[Found]:
    return ((*found.span("pair"), _is_pair(found["pair"])) for found in _BASIC.finditer(text))


def _is_pair(encoded: str) -> bool:
    """Say whether this is base 64 of `name:password`; words behind “basic” are not."""
    bare = encoded.rstrip("=")
    try:
        pair = base64.b64decode(bare + "=" * (-len(bare) % 4))
    except (binascii.Error, ValueError):
        return False
    return b":" in pair and pair.decode("latin-1").isprintable()

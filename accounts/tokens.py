"""The shape of an API token: made, taken apart and compared here; no database.

`skb_` (a person's), `trk_` (a namespace's) or `sks_` (a command line's session), 8 characters to
look the row up by, `_`, 32 random bytes in base 62, and a 6-character checksum, so that a secret
scanner can tell a token from a look-alike offline:
`(skb|trk|sks)_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}`.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib
from dataclasses import dataclass
from typing import Final

ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
LOOKUP_LENGTH: Final = 8
SECRET_LENGTH: Final = 43  # base 62 digits of 32 bytes
CHECKSUM_LENGTH: Final = 6
_SHAPE: Final = re.compile(r"(skb|trk|sks)_([0-9A-Za-z]{8})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})")


@dataclass(frozen=True)
class TokenText:
    """A token as its holder sees it, taken apart."""

    prefix: str
    lookup_id: str
    secret: str

    def __str__(self) -> str:
        return f"{self._head()}{_base62(zlib.crc32(self._head().encode()), CHECKSUM_LENGTH)}"

    def _head(self) -> str:
        return f"{self.prefix}_{self.lookup_id}_{self.secret}"

    @property
    def secret_sha256(self) -> bytes:
        """Return what the database keeps; 256 random bits need no slow hash."""
        return hashlib.sha256(self.secret.encode()).digest()


def new_token(prefix: str) -> TokenText:
    """Make a token from the operating system's randomness."""
    lookup_id = "".join(secrets.choice(ALPHABET) for _ in range(LOOKUP_LENGTH))
    return TokenText(prefix, lookup_id, _base62(secrets.randbits(256), SECRET_LENGTH))


def new_code() -> str:
    """Make 256 random bits that are used once: the state of a login, the code of an invite."""
    return _base62(secrets.randbits(256), SECRET_LENGTH)


def parse_token(text: str) -> TokenText | None:
    """Take a token apart; None when it cannot be one (shape or checksum)."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        return None
    token = TokenText(match[1], match[2], match[3])
    return token if secrets.compare_digest(str(token), text) else None


def is_secret_of(offered: TokenText | None, known: bytes | None) -> bool:
    """Say whether this is the secret of a row; `known` is what the row keeps, None without one.

    A text that is no token and an id that nobody has cost the same comparison as a known one.
    """
    offered_hash = offered.secret_sha256 if offered else b""
    return secrets.compare_digest(offered_hash, bytes(32) if known is None else known)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))

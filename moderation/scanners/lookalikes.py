"""Names that pass for a popular one. The caller says which names are popular."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from typing import Final

# Shorter names are one letter apart by chance.
SHORTEST_NAME: Final = 5

_SEPARATORS: Final = re.compile(r"[\s._-]+")
_REPEATED: Final = re.compile(r"(.)\1+")
# What reads alike in most typefaces; Cyrillic and Greek letters that are drawn as Latin ones.
_ALIKE: Final = str.maketrans(
    {"0": "o", "1": "l", "3": "e", "5": "s", "$": "s", "@": "a"}
    | dict(zip("аеорсухіѕјԁɡαορν", "aeopcyxisjdgaopv", strict=True))  # noqa: RUF001
)


def skeleton(name: str) -> str:
    """Return what a hurried reader sees of a name: no separators, accents or doubled letters."""
    spread = unicodedata.normalize("NFKD", name.casefold())
    bare = "".join(c for c in spread if not unicodedata.combining(c)).translate(_ALIKE)
    joined = _SEPARATORS.sub("", bare).replace("rn", "m").replace("vv", "w")
    return _REPEATED.sub(r"\1", joined)


def resembles(name: str, popular: Collection[str]) -> str | None:
    """Return the popular name that this one passes for, or None; a popular name is itself."""
    if len(name) < SHORTEST_NAME or name in popular:
        return None
    seen = skeleton(name)
    for other in sorted(popular):
        if len(other) >= SHORTEST_NAME and _is_near(seen, skeleton(other)):
            return other
    return None


def _is_near(one: str, other: str) -> bool:
    """True for equal names and for those one slip apart: a letter more, less, else, or swapped."""
    if one == other:
        return True
    if abs(len(one) - len(other)) > 1 or min(len(one), len(other)) < SHORTEST_NAME:
        return False
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if start is None:
        return True
    a, b = one[start:], other[start:]
    swapped = a[:2] == b[1::-1] and a[2:] == b[2:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or swapped

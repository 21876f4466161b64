"""The hash by which a client recognises the version it has installed.

The client sorts paths as JavaScript's ``localeCompare`` does and cannot be changed, so the
order here is part of the contract: ``a.json`` stands before ``LICENSE``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

import icu

_NOT_FINGERPRINTED = frozenset(["skill-card.md", "_meta.json"])

PathAndHash = tuple[str, str]


def _new_collator() -> Any:
    collator = icu.Collator.createInstance(icu.Locale.getRoot())
    # JavaScript always compares canonically equivalent text as equal.
    collator.setAttribute(icu.UCollAttribute.NORMALIZATION_MODE, icu.UCollAttributeValue.ON)
    return collator


_COLLATOR = _new_collator()


def collation_key(path: str) -> tuple[Any, ...]:
    """Sorts as ``localeCompare`` does with English settings; equal only for equal paths.

    About 4 microseconds; a table of our own for ASCII was no faster.
    """
    return (_COLLATOR.getSortKey(path), path)


def fingerprint(files: Iterable[PathAndHash]) -> str:
    """The version fingerprint of (path, lower-case SHA-256 hex) pairs, as the CLI computes it.

    64 lower-case hex characters. Pairs with an empty path or hash are left out.
    """
    rows = [(path, digest) for path, digest in files if path and digest]
    return _hash_in_order(rows, collation_key)


def fingerprints(files: Iterable[PathAndHash]) -> frozenset[str]:
    """Every fingerprint some client may compute for these files: at most eight, usually two.

    Two sort orders (ICU root, and code points for clients whose locale differs), each with and
    without paths that have a dot folder or name, and with and without the two files that
    registries add. ``fingerprint(files)`` is always one of them.
    """
    everything = [(path, digest) for path, digest in files if path and digest]
    published = [row for row in everything if row[0].lower() not in _NOT_FINGERPRINTED]
    found = set()
    for rows in (everything, published):
        for kept in (rows, [row for row in rows if not _has_dot_part(row[0])]):
            # A version of which nothing is left must not match every other such version.
            if kept:
                found.add(fingerprint(kept))
                found.add(_hash_in_order(kept, str))
    return frozenset(found)


def _has_dot_part(path: str) -> bool:
    return path.startswith(".") or "/." in path


def _hash_in_order(rows: list[PathAndHash], key: Callable[[str], Any]) -> str:
    ordered = sorted(rows, key=lambda row: key(row[0]))
    listing = "\n".join(f"{path}:{digest}" for path, digest in ordered)
    return hashlib.sha256(listing.encode()).hexdigest()

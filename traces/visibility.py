"""Who may read a trace after an upload that names a visibility. Pure functions.

The client names one with every upload, whether its user chose it or not, so a choice made on the
page outlives it, and what a namespace does not allow is made more private or refused.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from accounts.models import TracePolicy, Visibility
from config.errors import DomainError
from traces.models import VisibilitySource

# From the most open to the most private.
LEVELS: Final = (Visibility.PUBLIC, Visibility.DIRECT, Visibility.PRIVATE)


class VisibilityRefused(DomainError):
    """The namespace does not allow this visibility, and does not want another in its place."""

    code = "visibility_not_allowed"


class Chosen(NamedTuple):
    """A visibility and who chose it."""

    visibility: str
    source: str


def is_more_open(visibility: str, other: str) -> bool:
    """Say whether the first lets more people read than the second."""
    return LEVELS.index(Visibility(visibility)) < LEVELS.index(Visibility(other))


def allow(asked: str, allowed: Collection[str], policy: str) -> str:
    """Return the visibility that a namespace grants to who asks for this one.

    Clamping takes the nearest more private level that is allowed, never a more open one. Raises
    `VisibilityRefused`.
    """
    if asked in allowed:
        return asked
    stricter = [level for level in LEVELS[LEVELS.index(Visibility(asked)) :] if level in allowed]
    if policy == TracePolicy.CLAMP and stricter:
        return stricter[0]
    named = ", ".join(level for level in LEVELS if level in allowed)
    raise VisibilityRefused(
        f"This namespace does not allow {asked} traces; allowed: {named}.", field="visibility"
    )


def after_upload(asked: str, stored: Chosen | None) -> Chosen:
    """Return what an upload makes of a trace; `stored` is None for a new one.

    A choice made on the page stays unless the client asks for something more private: what a
    client names may be its default, and nobody's wish.
    """
    if stored is None or stored.source != VisibilitySource.WEB:
        return Chosen(asked, VisibilitySource.CLIENT)
    if is_more_open(asked, stored.visibility):
        return stored
    return Chosen(asked, VisibilitySource.WEB)

"""Numbers of versions."""

from __future__ import annotations

import re
from typing import Final

_PLAIN: Final = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})")


def is_plain(version: str) -> bool:
    """Say whether a version is three numbers and nothing else."""
    return _PLAIN.fullmatch(version) is not None


def next_number(version: str) -> str:
    """Return the number behind a version, such as 1.4.10 behind 1.4.9; "" where it has none."""
    parts = _PLAIN.match(version)
    return f"{parts[1]}.{parts[2]}.{int(parts[3]) + 1}" if parts else ""

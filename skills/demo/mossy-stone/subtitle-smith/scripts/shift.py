"""Moves all cues of an SRT file. Usage: shift.py FILE MILLISECONDS; prints the new file."""

from __future__ import annotations

import re
import sys
from pathlib import Path

STAMP = re.compile(r"(\d\d):(\d\d):(\d\d),(\d\d\d)")


def shifted(stamp: re.Match[str], by_ms: int) -> str:
    """Return a time stamp moved by so many milliseconds."""
    hours, minutes, seconds, thousandths = map(int, stamp.groups())
    total = ((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths
    millis = max(0, total + by_ms)
    seconds, thousandths = divmod(millis, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02},{thousandths:03}"


subtitles = Path(sys.argv[1]).read_text(encoding="utf-8")
print(STAMP.sub(lambda stamp: shifted(stamp, int(sys.argv[2])), subtitles), end="")

"""The conversation of a trace as a model gets to read it: bounded, redacted, without wrappers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet
from django.db.models.functions import Left

from traces.derived import CONVERSATION
from traces.models import Message, Trace
from traces.redaction import redact_text

MAX_BYTES: Final = 24_000
"""All of a transcript, in UTF-8: so many tokens at most, whatever the alphabet."""
MAX_MESSAGE_CHARS: Final = 1_400
LOOKED_PAST: Final = 600
"""Read beyond the cut and redacted before it: half a secret looks like none."""
FIRST: Final = 20
LAST: Final = 40
LEFT_OUT: Final = "[… part of the session is left out …]"


@dataclass(frozen=True)
class Transcript:
    """What is sent of a trace, and how often something was taken out of it."""

    text: str
    redactions: int


def read_transcript(trace: Trace, *, max_bytes: int = MAX_BYTES) -> Transcript:
    """Return what people and the agent said: the beginning, and of the end what there is room for.

    Reads at most 60 messages however long the trace is, by two ranges of an index. What is stored
    was redacted by the rules of its day; here it goes through today's.
    """
    spoken = Message.objects.live(trace).of_kinds(CONVERSATION).exclude(text=None).exclude(text="")
    first = _read(spoken.order_by("position", "pk")[:FIRST])
    last = _read(spoken.order_by("-position", "-pk")[:LAST])[::-1]
    is_all = len(last) < LAST
    known = {pk for pk, _role, _text in first}
    redactions = 0
    lines: list[str] = []
    for _pk, role, text in [*first, *(row for row in last if row[0] not in known)]:
        clean, found = redact_text(text, "summary")
        redactions += sum(hit.times for hit in found)
        said = clean[:MAX_MESSAGE_CHARS].strip()
        lines.append(f"{'Person' if role == 'user' else 'Agent'}: {said}")
    return Transcript(_bounded(lines, len(first), max_bytes, is_all=is_all), redactions)


def _read(rows: QuerySet[Message]) -> list[tuple[int, str, str]]:
    start = Left("text", MAX_MESSAGE_CHARS + LOOKED_PAST)
    return list(rows.annotate(start=start).values_list("pk", "role", "start"))


def _bounded(lines: list[str], first: int, max_bytes: int, *, is_all: bool) -> str:
    """Join the lines within the bound: the beginning has half of it, the end what that leaves."""
    head = _taken(lines[:first], max_bytes // 2)
    used = sum(map(_size, head)) + len(LEFT_OUT.encode()) + 2
    tail = _taken(reversed(lines[len(head) :]), max_bytes - used)[::-1]
    is_whole = is_all and len(head) + len(tail) == len(lines)
    return "\n\n".join([*head, *([] if is_whole else [LEFT_OUT]), *tail])


def _taken(lines: Iterable[str], room: int) -> list[str]:
    taken = []
    for line in lines:
        room -= _size(line)
        if room < 0:
            break
        taken.append(line)
    return taken


def _size(line: str) -> int:
    return len(line.encode()) + 2

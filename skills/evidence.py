"""How much of a finding somebody may read: strangers least, owners enough to mend it, staff all.

Of what looks like malware only the class is told: a rule's name, a line or its words would tell
whoever wrote it what to change, and everybody else how to do it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from accounts.policy import Actor, Owned, Verb, can
from skills.scan_results import Evidence

SEVERE: Final = frozenset({"high", "critical"})
CLASSES_OF_A_LURE: Final = 2
"""So many classes with a high finding are malware together, as in the scanner's verdicts."""


class Reader(IntEnum):
    """Who reads, by how much they are told."""

    STRANGER = 0
    OWNER = 1
    STAFF = 2


class Told(NamedTuple):
    """A finding as this reader is told of it; "" and 0 for what they are not."""

    severity: str
    attack_class: str
    rule: str
    file: str
    line: int
    snippet: str

    @property
    def title(self) -> str:
        """Return the class in plain words."""
        return self.attack_class.replace("-", " ").replace("_", " ")

    @property
    def place(self) -> str:
        """Return file and line as people write them."""
        return f"{self.file}:{self.line}" if self.file and self.line else self.file


def reader_of(actor: Actor, skill: Owned) -> Reader:
    """Return what this actor is to what was found in a skill."""
    if actor.is_staff:
        return Reader.STAFF
    return Reader.OWNER if can(actor, Verb.DIAGNOSE, skill) else Reader.STRANGER


def told_to(reader: Reader, evidence: Sequence[Evidence]) -> list[Told]:
    """Return what this reader is told of the findings of one version, worst first as stored."""
    secret = _malware_severities(evidence)
    return [_told(found, reader, is_malware=found["severity"] in secret) for found in evidence]


def _malware_severities(evidence: Sequence[Evidence]) -> Collection[str]:
    """Return the severities that make malware of these findings; the verdict, without doubt.

    A critical one by itself, or high ones of two classes. That a rule may be unsure of it is left
    out, so that at worst an owner is told too little.
    """
    severe = {found["attack_class"] for found in evidence if found["severity"] in SEVERE}
    return SEVERE if len(severe) >= CLASSES_OF_A_LURE else {"critical"}


def _told(found: Evidence, reader: Reader, *, is_malware: bool) -> Told:
    may_read_place = reader > Reader.STRANGER or not is_malware
    may_read_words = reader == Reader.STAFF or (reader == Reader.OWNER and not is_malware)
    return Told(
        severity=found["severity"],
        attack_class=found["attack_class"],
        rule=found["rule"] if may_read_words else "",
        file=found["file"] if may_read_place else "",
        line=found["line"] if may_read_place else 0,
        snippet=found["snippet"] if may_read_words else "",
    )

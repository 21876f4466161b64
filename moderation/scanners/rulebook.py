"""The rules in `rules/*.yar`: found, checked and compiled once in a process.

A rule's `meta` is for people: what it is called, what the attack does, what to check. Patterns are
evidence and are reported with their line; a pattern marked `private` only narrows a condition.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import yara_x

from moderation.scanners.findings import Confidence, Severity

RULES_FOLDER: Final = Path(__file__).parent / "rules"
# An ordinary megabyte takes a sixth of a second; only a text made to be slow takes longer.
_SECONDS_PER_TEXT: Final = 2
_MORE_BYTES_PER_SECOND: Final = 1024 * 1024
# A file full of quotations must not push the real thing out of sight, so this is far above what
# a text holds; past it the file is a case for a moderator anyway.
_MATCHES_PER_PATTERN: Final = 1_000
_META: Final = ("id", "class", "severity", "confidence", "title", "attack", "check")


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule says about itself: plain sentences for the moderator and the author."""

    id: str
    attack_class: str
    severity: Severity
    confidence: Confidence
    title: str
    attack: str
    check: str


class Match(NamedTuple):
    """Where a rule's evidence stands, in bytes of what was scanned."""

    rule: Rule
    offset: int
    length: int


class TimeLimitReached(Exception):
    """A file took longer than the limit; what the rules would have said is not known."""


class RuleInvalid(Exception):
    """A rule file says something that cannot be used."""


@lru_cache(maxsize=1)
def rules_by_identifier() -> dict[str, Rule]:
    """Return every rule under its name in the rule files."""
    return {rule.identifier: _rule(rule) for rule in _compiled()}


def rules_version() -> str:
    """Return a short name of the rules and of the code that weighs them; equal for equal files."""
    digest = hashlib.sha256()
    for path in sorted([*RULES_FOLDER.glob("*.yar"), *RULES_FOLDER.parent.glob("*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def matches(content: bytes) -> Iterator[Match]:
    """Yield the evidence of all rules that hold. Raises `TimeLimitReached`."""
    known = rules_by_identifier()
    # A scanner belongs to the thread that made it; making one costs far less than a scan.
    scanner = yara_x.Scanner(_compiled())
    scanner.set_timeout(_SECONDS_PER_TEXT + len(content) // _MORE_BYTES_PER_SECOND)
    scanner.max_matches_per_pattern(_MATCHES_PER_PATTERN)
    try:
        results = scanner.scan(content)
    except yara_x.TimeoutError:
        raise TimeLimitReached from None
    for found in results.matching_rules:
        for pattern in found.patterns:
            for match in pattern.matches:
                yield Match(known[found.identifier], match.offset, match.length)


@lru_cache(maxsize=1)
def _compiled() -> yara_x.Rules:
    # A slow pattern is an error: no text may make a scan slow.
    compiler = yara_x.Compiler(error_on_slow_pattern=True, includes_enabled=False)
    for source in _sources():
        compiler.add_source(source)
    return compiler.build()


@lru_cache(maxsize=1)
def _sources() -> tuple[str, ...]:
    files = sorted(RULES_FOLDER.glob("*.yar"))
    if not files:
        raise RuleInvalid(f"There are no rule files in {RULES_FOLDER}.")
    return tuple(path.read_text(encoding="utf-8") for path in files)


def _rule(compiled: yara_x.Rule) -> Rule:
    meta = {key: str(value) for key, value in compiled.metadata}
    if missing := [key for key in _META if not meta.get(key)]:
        raise RuleInvalid(f"The rule {compiled.identifier} has no {', '.join(missing)}.")
    return Rule(
        id=meta["id"],
        attack_class=meta["class"],
        severity=Severity(meta["severity"]),
        confidence=Confidence(meta["confidence"]),
        title=meta["title"],
        attack=meta["attack"],
        check=meta["check"],
    )

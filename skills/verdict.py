"""The truth table: from stored moderation state to the one public word and the API's verdict.

Every page, list, API answer, feed and image asks here; nobody else reads a reason's text.
The columns are those of the table in docs/architecture.md, "One verdict".
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Protocol

SCAN_PENDING: Final = "scanner.static.pending"
SCAN_CLEAN: Final = "scanner.static.clean"
SCAN_SUSPICIOUS: Final = "scanner.static.suspicious"
SCAN_MALICIOUS: Final = "scanner.static.malicious"
QUALITY_HOLD: Final = "quality.low"
HIDDEN_BY_REPORTS: Final = "auto.reports"
APPROVED: Final = "manual.approved"
CAUTION: Final = "manual.caution"
HIDDEN_BY_STAFF: Final = "manual.hidden"
CHANGES_REQUESTED: Final = "manual.changes"
AUTHOR_BANNED: Final = "auto.ban"
REMOVED: Final = "manual.removed"

FLAG_SUSPICIOUS: Final = "flagged.suspicious"
FLAG_MALWARE: Final = "blocked.malware"

SUSPICIOUS_FLAGS: Final = frozenset({FLAG_SUSPICIOUS, FLAG_MALWARE})
"""Flags of which one is enough for a skill to count as suspicious."""

# A scanner that has no result yet, or none it can stand by.
_UNSCANNED: Final = ("pending", "running", "failed")

UNSCANNED_PATTERN: Final = f"^scanner[.].*({'|'.join(_UNSCANNED)})$"
"""Reasons that read "Not scanned" where nothing is suspicious, for queries: POSIX and Python."""


class Word(StrEnum):
    """The five words a visitor may read."""

    NOT_SCANNED = "Not scanned"
    CLEAN = "Clean"
    CAUTION = "Caution"
    UNDER_REVIEW = "Under review"
    REMOVED = "Removed"


class Moderated(Protocol):
    """What the table reads."""

    @property
    def moderation_status(self) -> str: ...
    @property
    def moderation_flags(self) -> list[str]: ...
    @property
    def moderation_reason(self) -> str: ...
    @property
    def is_suspicious(self) -> bool: ...


def word_of_active(reason: str, *, is_suspicious: bool) -> Word:
    """Return the word of a thing that is neither hidden nor removed."""
    if reason == CAUTION:
        return Word.CAUTION
    if is_suspicious:
        return Word.UNDER_REVIEW
    if reason.startswith("scanner.") and reason.endswith(_UNSCANNED):
        return Word.NOT_SCANNED
    return Word.CLEAN


def status_word(thing: Moderated) -> Word:
    """Return the one public word for a thing's state."""
    if thing.moderation_status == "removed":
        return Word.REMOVED
    if thing.moderation_status == "hidden":
        return Word.UNDER_REVIEW
    return word_of_active(thing.moderation_reason, is_suspicious=thing.is_suspicious)


def is_malware_blocked(thing: Moderated) -> bool:
    """Say whether clients must refuse it outright."""
    return FLAG_MALWARE in thing.moderation_flags


def api_verdict(thing: Moderated) -> str | None:
    """Return the contract's verdict word; None before a scan has one."""
    if is_malware_blocked(thing):
        return "malicious"
    if thing.is_suspicious:
        return "suspicious"
    unscanned = thing.moderation_reason.startswith("scanner.") and (
        thing.moderation_reason.endswith(_UNSCANNED)
    )
    return None if unscanned else "clean"


# What the owner reads beside the word, by what holds the skill; of scans by their end.
_TO_OWNER: Final = {
    REMOVED: "A moderator removed it.",
    AUTHOR_BANNED: "It is hidden because its owner is banned.",
    HIDDEN_BY_STAFF: "A moderator hid it; read the decision and publish a fixed version.",
    CHANGES_REQUESTED: "A moderator asks for changes; publish a fixed version.",
    HIDDEN_BY_REPORTS: "It is hidden until a moderator has looked at the reports on it.",
    QUALITY_HOLD: "It is held until a moderator has looked; say more about what it does.",
    CAUTION: "A moderator advises caution; it stays public.",
    APPROVED: "A moderator approved it.",
}
_SCAN_TO_OWNER: Final = {
    "pending": "Its latest version waits for its scan.",
    "running": "Its latest version is being scanned.",
    "failed": "The scan of its latest version failed and is tried again.",
    "clean": "The last scan found nothing above low.",
    "suspicious": "A scan found something that a moderator has yet to decide on.",
    "malicious": "A scan found what looks like malware; publish a fixed version.",
}


def explain_to_owner(thing: Moderated) -> str:
    """Return the one sentence that tells an owner why it stands so, and what to do."""
    reason = thing.moderation_reason
    told = _TO_OWNER.get(reason) or _SCAN_TO_OWNER.get(reason.rpartition(".")[2])
    return told or explain(thing)


def explain(thing: Moderated) -> str:
    """Return the one sentence that stands beside the word."""
    sentences = {
        Word.NOT_SCANNED: "No scan has finished for this version yet.",
        Word.CLEAN: "No finding above low in this version.",
        Word.CAUTION: "A moderator reviewed it and advises caution.",
        Word.UNDER_REVIEW: "It has findings that a moderator has yet to decide on.",
        Word.REMOVED: "It was removed by a moderator.",
    }
    return sentences[status_word(thing)]

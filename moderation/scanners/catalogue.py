"""Every rule by its id: those of the rule files, and those that only code can check."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from moderation.scanners.findings import Confidence, Finding, Severity
from moderation.scanners.rulebook import Rule, rules_by_identifier

_S = Severity
_C = Confidence

STRUCTURAL: Final = (
    Rule(
        "encoded.payload", "encoded-payload", _S.CRITICAL, _C.HIGH,
        "Encoded text hides a command or a program",
        "What plain text would show at once is written in base64, hexadecimal or URL escapes.",
        "Read the decoded text in the finding.",
    ),
    Rule(
        "hidden.tag-characters", "hidden-text", _S.CRITICAL, _C.HIGH,
        "A message is written in invisible tag characters",
        "A person sees nothing, a model reads every word.",
        "Read the file's page, where invisible characters are written out.",
    ),
    Rule(
        "hidden.variation-selectors", "hidden-text", _S.HIGH, _C.HIGH,
        "Data are hidden in a run of variation selectors",
        "Each selector stands for one byte that nobody sees.",
        "No writing system needs more than one in a row.",
    ),
    Rule(
        "hidden.zero-width-run", "hidden-text", _S.HIGH, _C.HIGH,
        "A run of zero-width characters hides data",
        "Two kinds of invisible characters spell a message in bits.",
        "No writing system needs so many in a row.",
    ),
    Rule(
        "hidden.broken-words", "hidden-text", _S.MEDIUM, _C.MEDIUM,
        "Words are broken by invisible characters",
        "A filter no longer finds the word, a model still reads it.",
        "Which words are broken? One or two come with pasted text and are of severity low.",
    ),
    Rule(
        "hidden.reordered-text", "hidden-text", _S.HIGH, _C.MEDIUM,
        "Direction marks show a line in another order than it is run",
        "A reviewer sees a comment where the compiler sees code.",
        "Does the line hold writing from right to left at all?",
    ),
    Rule(
        "file.program", "unexpected-file", _S.MEDIUM, _C.HIGH,
        "A compiled program lies among the texts",
        "Nobody can read what it does.",
        "Can the author publish the source, or name the vendor's package instead?",
    ),
    Rule(
        "file.disguised-program", "unexpected-file", _S.CRITICAL, _C.HIGH,
        "A program bears the name of a text or a picture",
        "It is meant to be taken for something harmless.",
        "Compare the file's first bytes with its name.",
    ),
    Rule(
        "file.archive", "unexpected-file", _S.LOW, _C.HIGH,
        "An archive lies among the files",
        "What is inside is not scanned.",
        "Ask the author to publish the files themselves.",
    ),
    Rule(
        "file.locked-archive", "unexpected-file", _S.HIGH, _C.HIGH,
        "An archive with a password lies among the files",
        "The password keeps scanners out, and the skill tells it to its reader.",
        "Is there an honest reason to lock a published file?",
    ),
    Rule(
        "front-matter.orders", "prompt-injection", _S.MEDIUM, _C.MEDIUM,
        "The description gives orders",
        "Agents read every description, of skills that nobody has chosen, too.",
        "Does it say what the skill does, or what the reader is to download or run?",
    ),
    Rule(
        "front-matter.refused", "unfinished", _S.LOW, _C.HIGH,
        "The front matter cannot be read",
        "What it declares is not known.",
        "It is larger or deeper than any real one.",
    ),
    Rule(
        "name.look-alike", "look-alike", _S.MEDIUM, _C.LOW,
        "The name can be taken for that of a popular skill",
        "People who mistype or misread a name install the wrong skill.",
        "Is it the same author, or a skill for something else?",
    ),
    Rule(
        "scan.unfinished", "unfinished", _S.MEDIUM, _C.HIGH,
        "A file was not examined to its end",
        "A text can be made so that reading it takes for ever.",
        "Look at the file by hand.",
    ),
)  # fmt: skip


@lru_cache(maxsize=1)
def rules() -> dict[str, Rule]:
    """Return every rule by the id that findings name."""
    found = {rule.id: rule for rule in (*rules_by_identifier().values(), *STRUCTURAL)}
    return dict(sorted(found.items()))


def rule_named(rule_id: str) -> Rule | None:
    """Return the rule; None for one of an older release."""
    return rules().get(rule_id)


def found(
    rule_id: str,
    path: str,
    snippet: str,
    *,
    line: int = 0,
    severity: Severity | None = None,
    confidence: Confidence | None = None,
) -> Finding:
    """Return a finding of this rule; severity and confidence are the rule's unless given."""
    rule = rules()[rule_id]
    return Finding(
        rule=rule.id,
        attack_class=rule.attack_class,
        severity=severity or rule.severity,
        confidence=confidence or rule.confidence,
        file=path,
        line=line,
        snippet=snippet,
    )

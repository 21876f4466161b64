"""Does this text perform an attack, or quote one to warn of it? Decided here and nowhere else.

A match is a quotation when one of these holds:

1. It leads to placeholders only: `example.com`, `localhost`, `attacker.com`, `YOUR_SERVER`.
2. It stands in a list of detection rules: a line of data or code that names a pattern or signature.
3. In prose, the text around forbids it ("never run"), or its heading or lead-in speaks of attacks.
   Not so where the text urges the reader to do it, soothes ("ignore the warning"), or explains an
   installation: a lure that calls itself a malware scanner is still a lure.
4. In a code block more is asked: "detects malware" above it is what every fake scanner says, so the
   heading or the line that introduces the block must speak of attackers or their doings.
5. In a script, only a comment that warns is a quotation: what a script runs, it runs.
6. It stands in a fixture or report of a skill that is about detection, and SKILL.md does not send
   the reader there.

A quotation is still a finding, of severity info, so that a moderator sees what was let pass.
"""

from __future__ import annotations

import re
from typing import Final

from moderation.scanners.texts import Text

# How far around a match the text counts: enough for a heading, a lead-in and its code block.
_LINES_BEFORE: Final = 4
_LINES_AFTER: Final = 2
_LINES_TO_HEADING: Final = 40
_LINES_TO_LIST_HEAD: Final = 12
_LINE_CHARACTERS: Final = 300

_PLACEHOLDER: Final = re.compile(
    r"\b(?:example\.(?:com|org|net)|localhost|127\.0\.0\.1|0\.0\.0\.0|(?:attacker|evil|malicious|"
    r"bad-?actor|your-?(?:server|host|domain|site|webhook))(?:-?\w+)?\.(?:com|net|org|io|tld))\b"
    r"|\bYOUR[_-][A-Z]|<your[ _-]|\bATTACKER[_-]",
    re.IGNORECASE,
)
_HOST: Final = re.compile(r"(?:https?://|/dev/tcp/)([^\s/\"'`<>)\]|]+)", re.IGNORECASE)

# The deeds and their doers.
_ATTACK: Final = re.compile(
    r"\b(?:attack(?:s|er|ers)?|phish(?:ing|ed)?|scams?|lures?|fraud\w*|"
    r"exploit(?:s|ed)?|red flags?|exfiltrat\w+|"
    r"injections?|jailbreaks?|social engineering|reverse shells?|adversar\w+|"
    r"angriffe?|angreifer\w*|betrüger\w*|attaques?|arnaques?|ataques?|attacchi)\b"
    r"|атак|мошен|攻击|攻撃|诈骗",
    re.IGNORECASE,
)
# What a warning says, and what anything that calls itself a scanner says.
_ALERT: Final = re.compile(
    r"\b(?:malicious|malware|backdoors?|detect(?:s|ed|ion|or|ing)?|threats?|dangerous|vulnerab\w+|"
    r"suspicious|credential (?:theft|harvest\w*)|flags?|flagged|blocks?|blocked|rejects?|rejected|"
    r"untrusted|schadsoftware|erkennt|malveillant\w*|malicios[oa]s?)\b|вредонос|恶意|警惕|悪意",
    re.IGNORECASE,
)
# "Do not run it before you have …" forbids nothing.
_NOT_UNLESS: Final = r"(?![^.\n]{0,60}\b(?:before|until|unless|without)\b)"
_FORBIDDING_TO_RUN: Final = re.compile(
    r"\b(?:never|do not|don't|must not|should not|refuse to)\b (?:\w+ ){0,3}"
    rf"(?:run|paste|execute|copy|pipe)\b{_NOT_UNLESS}"
    r"|\bniemals (?:\w+ ){0,3}(?:ausführen|einfügen|kopieren)|\bn\w+ jamais (?:exécut|coll)"
    r"|\bnunca (?:ejecut|pegu|execut|col)|никогда не (?:выполня|запуска|вставля)"
    r"|(?:切勿|不要|绝不)(?:执行|运行|粘贴)|絶対に(?:実行|貼り付け)",
    re.IGNORECASE,
)
_FORBIDDING: Final = re.compile(
    r"\b(?:never|do not|don't|must not|should not|refuse to)\b (?:\w+ ){0,3}"
    rf"(?:run|paste|execute|copy|pipe|follow|obey|enter|type|share|trust|answer)\b{_NOT_UNLESS}"
    # Not to ask at all is what an attack says; not to ask for these is what a warning says.
    r"|\b(?:never|do not|don't|must not|should not) ask (?:\w+ ){0,3}for (?:the |your |a )?"
    r"(?:seed|recovery|secret|private|backup|mnemonic|password)\b"
    r"|\b(?:niemals|jamais|nunca)\b|никогда|切勿|绝不|絶対に",
    re.IGNORECASE,
)
# Someone who wants it done. A negation before it takes it back: "never run this command".
_URGING: Final = re.compile(
    r"(?<!never )(?<!not )(?<!n't )\b(?:(?:run|execute|paste|copy|enter|type) (?:and \w+ )?"
    r"(?:this|these|the following|the command|it in|the above|your)|"
    r"(?:run|execute)(?: it)?(?::| `)|double[- ]click|"
    r"before (?:the first|using|starting|proceeding|continuing|running)|"
    r"(?:is|are) required|must (?:first )?(?:run|install|download|execute|paste)|"
    r"you (?:have|need) to (?:run|install|paste|enter)|(?:will not|won't) (?:work|function))",
    re.IGNORECASE,
)
_SOOTHING: Final = re.compile(
    r"false positive|(?:ignore|dismiss|accept|skip) (?:the|this|any|all) (?:\w+ )?"
    r"(?:warning|alert)|\b(?:is|are) (?:\w+ )?safe\b|\bofficial\b|\btrusted source|"
    r"(?:turn off|disable) (?:your|the|any) \w+",
    re.IGNORECASE,
)
_INSTALLING: Final = re.compile(
    r"\b(?:install(?:ation|ing)?|set-?up|prerequisites?|requirements?|getting started|"
    r"quick ?start|usage|"
    r"before you|voraussetzung\w*|einrichtung|instalaci\w+|prérequis|requisitos)\b"
    r"|установка|安装|設定",
    re.IGNORECASE,
)
_IN_QUOTES: Final = re.compile(r"\"[^\"]{0,300}\"|“[^”]{0,300}”|„[^“]{0,300}“|«[^»]{0,300}»")
_RULE_LIST: Final = re.compile(
    r"(?:pattern|regex|regexp|signature|indicator|detect|forbidden|blocklist|denylist|suspicious)\w*"
    r"[\"']?\s*(?:[:=(]|\{|\[)|re\.compile\(|\bgrep\b|\brg\b",
    re.IGNORECASE,
)
_COMMENT: Final = re.compile(r"\s*(?:#|//|--|\*|/\*|<!--|;|rem\b|\"\"\"|''')", re.IGNORECASE)
_HEADING: Final = re.compile(r"#{1,6} ")
# What leads over to an example: a colon, or words for one.
_INTRODUCING: Final = re.compile(r":\**\s*$|\b(?:example|instance|such as|looks? like)\b")
_FIXTURE_FOLDER: Final = re.compile(
    r"(?:^|/)(?:test-?|red-?team-?)?(?:fixtures?|tests?|samples?|rules|signatures|patterns|reports?|"
    r"corpus|payloads)/",
    re.IGNORECASE,
)
# Names that a text mentions without meaning this file.
_COMMON_NAMES: Final = frozenset({"skill.md", "readme.md", "package.json"})
_ABOUT_DETECTION: Final = re.compile(
    r"\b(?:security|scan(?:s|ner|ning)?|audit(?:s|or|ing)?|detect(?:s|ion|or)?|guard|malware|"
    r"injection|red[- ]team\w*)\b",
    re.IGNORECASE,
)


def is_about_detection(description: str) -> bool:
    """Say whether a skill's own description names finding attacks as its purpose."""
    return len(set(map(str.lower, _ABOUT_DETECTION.findall(description)))) > 1


def is_specimen(path: str, description: str, readme: str) -> bool:
    """Say whether a file is a specimen of a skill about detection (case 6 above)."""
    folder, _, name = path.rpartition("/")
    return (
        _FIXTURE_FOLDER.search(path) is not None
        and (name.lower() in _COMMON_NAMES or name not in readme)
        and f"{folder}/" not in readme
        and is_about_detection(description)
    )


def is_quoted(text: Text, line: int, column: int, matched: str) -> bool:
    """Say whether the match at this line (from 1) and column is a quotation; see the module."""
    if _leads_to_placeholders(matched):
        return True
    own = _window(text.lines[line - 1], column)
    if not text.is_prose:
        return _in_rule_list(text, line, own) or (_COMMENT.match(own) is not None and _warns(own))
    return _is_quoted_in_prose(text, line, own)


def _is_quoted_in_prose(text: Text, line: int, own: str) -> bool:
    lead, heading = _lead_in(text, line), _heading(text, line)
    before = "\n".join([*lead, own])
    # What a quotation urges its reader to do is not what this text urges.
    around = _IN_QUOTES.sub("", "\n".join([before, *_following(text, line)]))
    if _SOOTHING.search(around):
        return False
    if _FORBIDDING.search(own) and not _URGING.search(own):
        return True
    nearest = lead[-1] if lead else ""
    if _FORBIDDING_TO_RUN.search(nearest):
        return True
    if _URGING.search(around) or _INSTALLING.search(heading):
        return False
    if text.is_code(line):
        introduced = nearest if _INTRODUCING.search(nearest) else ""
        return _ATTACK.search(f"{heading}\n{introduced}") is not None
    return _warns(f"{heading}\n{before}")


def _warns(words: str) -> bool:
    return _ATTACK.search(words) is not None or _ALERT.search(words) is not None


def _leads_to_placeholders(matched: str) -> bool:
    hosts = _HOST.findall(matched)
    if hosts:
        return all(_PLACEHOLDER.search(host) for host in hosts)
    return _PLACEHOLDER.search(matched) is not None


def _in_rule_list(text: Text, line: int, own: str) -> bool:
    """True on a line that names a pattern, or in data or a literal list below such a line."""
    if _RULE_LIST.search(own):
        return True
    above = text.lines[max(0, line - 1 - _LINES_TO_LIST_HEAD) : line - 1]
    is_item = text.is_data or own.lstrip()[:1] in {'"', "'", "r", "("}
    return is_item and any(_RULE_LIST.search(_clipped(part)) for part in above)


def _lead_in(text: Text, line: int) -> list[str]:
    """The last few lines that say something: blank lines and the marks of code blocks do not."""
    found: list[str] = []
    for part in reversed(text.lines[max(0, line - 1 - 3 * _LINES_BEFORE) : line - 1]):
        if part.strip() and not part.lstrip().startswith(("```", "~~~")):
            found.append(_clipped(part))
        if len(found) == _LINES_BEFORE:
            break
    return found[::-1]


def _following(text: Text, line: int) -> list[str]:
    found: list[str] = []
    for part in text.lines[line : line + _LINES_AFTER]:
        if _HEADING.match(part):
            break
        found.append(_clipped(part))
    return found


def _heading(text: Text, line: int) -> str:
    for part in reversed(text.lines[max(0, line - 1 - _LINES_TO_HEADING) : line]):
        if _HEADING.match(part):
            return _clipped(part)
    return ""


def _window(line: str, column: int) -> str:
    return line[max(0, column - _LINE_CHARACTERS) : column + _LINE_CHARACTERS]


def _clipped(line: str) -> str:
    return line[:_LINE_CHARACTERS]

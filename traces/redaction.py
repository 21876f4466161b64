"""Takes secrets out of what a client uploads about a trace, before anything of it is stored.

The client redacts, too, but not the title, not JSON, not cookies or basic authentication, and other
clients need not at all. So every text is gone through again here: its secrets become `[REDACTED]`,
the word the client writes, and what is told of them (`Redaction`) holds no part of any.

What is known by its look stands in `secret_shapes`, by its name in `secret_names`, by its place in
`secret_places`, by the command it is given to in `secret_commands`, and what names a person in
`persons`: there is told why a home becomes `~` and why names of hosts stay.

How it stays fast and linear. Each rule has a literal to search for; one pass over the raw bytes
finds the literals of all (`may_hold_secret`), and only the rules whose literal is there, followed
by what the rule asks at the least, look at the texts. No pattern reads anything a second time but
to a fixed length. A text is gone through until nothing is found any more, so redacting twice is
redacting once; one that is not at rest after `PASSES` passes is hostile, and goes as a whole.

False hits cost as much as misses: a session is there to be read. What a rule cannot tell from code
(`token = get_token()`), from a placeholder (`<your-key>`) or from a hash stays.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import orjson
import yara_x

from traces import persons, secret_commands, secret_names, secret_places, secret_shapes
from traces.json_texts import KEY, clean_text, clean_value, place_of, rebuilt
from traces.secret_places import Found

__all__ = [
    "MARK",
    "VERSION",
    "Redaction",
    "clean_text",
    "clean_value",
    "may_hold_secret",
    "redact_text",
    "redact_value",
]

VERSION: Final = 2
"""Raised whenever a rule changes: it is part of the hash by which a message counts as unchanged."""

MARK: Final = "[REDACTED]"
PASSES: Final = 6
MOST_LOOKS: Final = 2_000
"""How many candidates of one text are looked at. Who sends more sends no conversation; from there
on the text goes as a whole, so that no text costs more than its search and so many looks."""

SHORTEST: Final = 6
"""No rule finds anything in a text that is shorter."""


@dataclass(frozen=True)
class Redaction:
    """What is told of a hit: the rule, the place, how often. Never the secret."""

    rule: str
    place: str
    times: int


Hits = Counter[str]


@dataclass(frozen=True)
class _Rule:
    """`find` finds secrets in a text, but only if `holds` is true of the raw JSON it came in.

    `literals` are what the search over all rules finds first; with none, `holds` is always asked.
    """

    id: str
    literals: tuple[str, ...]
    holds: Callable[[bytes], bool]
    find: Callable[[str], Iterable[Found]]
    names: bool = False
    """The literals are names of secrets, which a key of an object may be, too."""


def redact_text(text: str, place: str) -> tuple[str, list[Redaction]]:
    """Return the text without its secrets, and what was found. Redacting again changes nothing."""
    hits: Hits = Counter()
    redacted = _redact(text, _rules_for(_encoded(text)), hits)
    return redacted, _told(hits, place)


def redact_value(value: Any, place: str) -> tuple[Any, list[Redaction]]:
    """Return a JSON value without secrets in its strings and keys, and what was found.

    The same object comes back when nothing was. Of two keys that become equal by it the second
    gets a suffix, so no value is lost.
    """
    if isinstance(value, str):
        return redact_text(value, place)
    rules = _rules_for_value(value)
    if not rules:
        return value, []
    keywords = tuple(literal for rule in rules if rule.names for literal in rule.literals)
    found: list[Redaction] = []
    hits: Hits = Counter()

    def redacted(text: str, key: str | None, here: str, at: str | int) -> str:
        if key is not None and keywords and _is_secret_pair(key, text, keywords):
            found.append(Redaction("json.secret", place_of(here, at), 1))
            return MARK
        if len(text) < SHORTEST:
            return text
        result = _redact(text, rules, hits)
        if hits:
            # A key is told as it is stored, without its secret.
            found.extend(_told(hits, place_of(here, result if at == KEY else at)))
            hits.clear()
        return result

    return rebuilt(value, place, redacted), found


def may_hold_secret(raw: bytes) -> bool:
    """Say whether any rule may find something in this JSON; False means that none does."""
    return bool(_rules_for(raw))


def _told(hits: Hits, place: str) -> list[Redaction]:
    return [Redaction(rule, place, times) for rule, times in hits.items()]


def _redact(text: str, rules: tuple[_Rule, ...], hits: Hits) -> str:
    """Run the rules until they find nothing: a mark may be what another rule waits for."""
    for _ in range(PASSES):
        # What stands for a home is never part of another hit, so it calls for no further pass.
        before = text = _homes(text, hits)
        looks = MOST_LOOKS
        for rule in rules:
            if rule.literals and not any(map(text.__contains__, rule.literals)):
                continue
            text, looks = _without(text, rule, looks, hits)
        if text is before or text == before:
            return text
        rules = _rules_for(_encoded(text))
    hits["unsettled"] += 1
    return MARK


def _without(text: str, rule: _Rule, looks: int, hits: Hits) -> tuple[str, int]:
    """Return the text without what the rule finds in it, and how many looks are left."""
    pieces: list[str] = []
    done = 0
    for begin, end, secret in rule.find(text):
        looks -= 1
        if looks < 0:
            hits["overfull"] += 1
            return "".join([*pieces, text[done:begin], MARK]), 0
        if secret:
            hits[rule.id] += 1
            pieces += [text[done:begin], MARK]
            done = end
    return ("".join([*pieces, text[done:]]) if pieces else text), looks


# The search for literals over raw bytes.

_ESCAPED_PRINTABLE: Final = re.compile(rb"\\u00[2-7]")


def _rules_for_value(value: Any) -> tuple[_Rule, ...]:
    try:
        return _rules_for(orjson.dumps(value))
    except (orjson.JSONEncodeError, RecursionError):
        return _all_rules()  # Lone surrogates, large numbers, deep nesting: no reason to pass it.


def _rules_for(raw: bytes) -> tuple[_Rule, ...]:
    """Return the rules that may find something in a text, or in the texts of this JSON."""
    rules = _all_rules()
    present = set(_ALWAYS_ASKED)
    for matching in _scanner().scan(raw).matching_rules:
        if matching.identifier == "escaped":
            if _ESCAPED_PRINTABLE.search(raw):
                return rules
        else:
            present.add(int(matching.identifier[1:]))
    return tuple(rules[number] for number in sorted(present) if rules[number].holds(raw))


_scanners = threading.local()


def _scanner() -> yara_x.Scanner:
    # A scanner belongs to the thread that made it.
    scanner: yara_x.Scanner | None = getattr(_scanners, "scanner", None)
    if scanner is None:
        scanner = yara_x.Scanner(_compiled())
        scanner.max_matches_per_pattern(1)
        _scanners.scanner = scanner
    return scanner


@lru_cache(maxsize=1)
def _compiled() -> yara_x.Rules:
    compiler = yara_x.Compiler()
    compiler.add_source(_yara_rule("escaped", ("\\u00",)))
    for number, rule in enumerate(_all_rules()):
        if rule.literals:
            compiler.add_source(_yara_rule(f"r{number}", rule.literals))
    return compiler.build()


def _yara_rule(identifier: str, literals: tuple[str, ...]) -> str:
    strings = "\n".join(
        f"$s{number} = {{ {literal.encode().hex(' ')} }}" for number, literal in enumerate(literals)
    )
    return f"rule {identifier} {{ strings:\n{strings}\ncondition: any of them }}"


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


# Rules.


def _search(loose: re.Pattern[bytes]) -> Callable[[bytes], bool]:
    return lambda raw: loose.search(raw) is not None


def _key_blocks(text: str) -> Iterator[Found]:
    return ((begin, end, True) for begin, end in secret_shapes.key_blocks(text))


def _shape_rule(shape: secret_shapes.Shape, start: str) -> _Rule:
    pattern = shape.pattern(start)
    kept = "kept" if "kept" in pattern.groupindex else None

    def find(text: str) -> Iterator[Found]:
        for found in pattern.finditer(text):
            begin = found.end(kept) if kept else found.start()
            shown = text[found.start() + len(start) : found.end()]
            yield begin, found.end(), not secret_shapes.is_placeholder(shown)

    return _Rule(shape.rule, (start,), _search(shape.loose_pattern(start)), find)


def _name_rule(keyword: str) -> _Rule:
    form = secret_names.form(keyword)

    def find(text: str) -> Iterator[Found]:
        at = 0
        while (name := form.search(text, at)) is not None:
            begin, at, secret = secret_names.find_value(text, name, keyword)
            yield begin, at, secret

    loose = secret_names.loose_form(keyword)
    return _Rule("assignment.secret", (keyword,), _search(loose), find, names=True)


def _flag_rule(flag: str) -> _Rule:
    loose = re.compile(re.escape(flag).encode())
    return _Rule("flag.secret", (flag,), _search(loose), _behind(secret_names.flag_form(flag)))


def _behind(pattern: re.Pattern[str]) -> Callable[[str], Iterator[Found]]:
    """Return what finds all of a match behind its group `kept`."""
    return lambda text: ((found.end("kept"), found.end(), True) for found in pattern.finditer(text))


def _command_rule(literals: tuple[str, ...], find: secret_commands.Find) -> _Rule:
    return _Rule("command.password", literals, lambda _raw: True, find)


def _cookie_rule(word: str) -> _Rule:
    loose = re.compile(word.encode() + secret_places.COOKIE_LOOSE)
    find = _behind(re.compile(word + secret_places.COOKIE))
    return _Rule("cookie", (word,), _search(loose), find, names=True)


def _bearer_rule(word: str) -> _Rule:
    loose = re.compile(word.encode() + secret_places.BEARER_LOOSE)
    find = _behind(re.compile(word + secret_places.BEARER))
    return _Rule("authorization.bearer", (word,), _search(loose), find)


def _is_secret_pair(key: str, value: str, keywords: tuple[str, ...]) -> bool:
    if key.lower() in ("cookie", "set-cookie"):
        return "=" in value and value != MARK
    return secret_names.is_secret_pair(key, value, keywords)


def _emails(text: str) -> Iterator[Found]:
    for found in persons.EMAIL.finditer(text):
        local = persons.local_part(text, found.start())
        personal = persons.is_persons_address(local, found["domain"])
        yield found.start() - len(local), found.end(), personal


def _may_hold_home(raw: bytes) -> bool:
    return any(loose.search(raw) for loose in persons.HOME_LOOSE)


def _homes(text: str, hits: Hits) -> str:
    for literal, pattern, instead in persons.HOMES:
        if literal in text:
            text, times = pattern.subn(instead, text)
            if times:
                hits["home.path"] += times
    return text


@lru_cache(maxsize=1)
def _all_rules() -> tuple[_Rule, ...]:
    """Return the rules in the order in which they run: the surest first, persons last."""
    shapes = ((shape, start) for shape in secret_shapes.SHAPES for start in shape.starts)
    key_block = _search(secret_shapes.KEY_BLOCK_LOOSE)
    in_url, basic = secret_places.may_hold_password, _search(secret_places.BASIC_LOOSE)
    return (
        _Rule("pem.private-key", (secret_shapes.KEY_BLOCK_START,), key_block, _key_blocks),
        *(_shape_rule(shape, start) for shape, start in shapes),
        _Rule("url.credentials", ("://", ":\\/"), in_url, secret_places.url_passwords),
        *map(_cookie_rule, ("cookie", "Cookie", "COOKIE")),
        *map(_bearer_rule, ("Bearer", "bearer", "BEARER")),
        _Rule("authorization.basic", ("Basic", "basic"), basic, secret_places.basic_pairs),
        *map(_name_rule, secret_names.KEYWORDS),
        *map(_flag_rule, secret_names.FLAGS),
        *(_command_rule(*command) for command in secret_commands.COMMANDS),
        _Rule("email", (), persons.may_hold_address, _emails),
        # Each text begins with its homes; the rule only says that there are some.
        _Rule("home.path", persons.HOME_STARTS, _may_hold_home, lambda _text: ()),
    )


_ALWAYS_ASKED: Final = tuple(
    number for number, rule in enumerate(_all_rules()) if not rule.literals
)

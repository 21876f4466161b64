"""Secrets that are known by the name they are given: `DB_PASSWORD=…`, `"token": "…"`, `secret: …`.

What makes a value a secret depends on how it is written. Behind a name in capitals and `=` stands
nearly always a value, so nearly all of it goes. Elsewhere the same words are code (`token =
get_token()`, `password: string`), so a value must look like one: quoted, or of letters and digits.
A single plain word without quotes behind a small name stays; it cannot be told from a variable.

Names are known in small letters, capitals and with one capital, not in every mixture, so that the
search for them is one for plain words.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

LONGEST_NAME: Final = 64
LOOKED_AT: Final = 256
"""How much of a value is looked at to tell whether it is a secret."""

# How long a value must be to count: any; one with a digit; a word; a token; made by a machine.
SHORTEST: Final = 3
SHORT: Final = 4
LONG_WORD: Final = 6
TOKEN: Final = 8
RANDOM: Final = 16
LONG: Final = 20
PASSPHRASE_WORDS: Final = 3


class Strength(Enum):
    """How much a name says: a password always, a token often, a key now and then."""

    STRONG = "strong"
    TOKEN = "token"  # noqa: S105 - A kind of name, no secret.
    KEY = "key"
    WEAK = "weak"


class Style(Enum):
    """How name and value are written."""

    ENVIRONMENT = "environment"
    DATA = "data"  # Name and value quoted, or a pair of a JSON object.
    QUOTED = "quoted"
    BARE = "bare"


def _spellings(*words: str) -> tuple[str, ...]:
    return tuple(form for word in words for form in (word, word.upper(), word.capitalize()))


_STRENGTHS: Final = {
    **dict.fromkeys(_spellings("passw", "passphrase", "secret"), Strength.STRONG),
    **dict.fromkeys(("passWord", "_pwd", "_PWD", "Pwd"), Strength.STRONG),
    **dict.fromkeys(_spellings("token", "authorization"), Strength.TOKEN),
    **dict.fromkeys(_spellings("credential"), Strength.TOKEN),
    **dict.fromkeys(("_key", "_KEY", "_Key", "-key", "-KEY", "-Key"), Strength.KEY),
    **dict.fromkeys(("apikey", "apiKey", "ApiKey", "APIKey", "APIKEY"), Strength.TOKEN),
    **dict.fromkeys(("accessKey", "AccessKey", "authKey", "AuthKey"), Strength.TOKEN),
    **dict.fromkeys(("AccountKey", "accountKey", "signingKey", "encryptionKey"), Strength.TOKEN),
    **dict.fromkeys(_spellings("private"), Strength.WEAK),
}
KEYWORDS: Final = tuple(_STRENGTHS)

_SECRET_KEYS: Final = re.compile(
    r"(?i)(?:api|secret|access|private|auth|encryption|encrypt|signing|master|service|account|admin"
    r"|session|deploy|ssh|licen[cs]e|storage|shared|app|client|consumer|webhook|jwt|hmac|server)$"
)
# What a name ends in when it speaks of a secret without being one.
_ABOUT: Final = (
    "id name type kind count url uri path file filename dir len length limit ttl expiry expires "
    "expires_in expires_at expiresin expiresat age field header prefix suffix policy usage used "
    "version format env var min max size index regex pattern hint label placeholder error message "
    "title description desc status state budget cost price rate window mode required strength "
    "algorithm alg method endpoint provider source store manager arn ref hash_algorithm"
)
_ABOUT_END: Final = tuple(_ABOUT.split())

_FORM: Final = (
    r"[A-Za-z0-9_.-]{0,40}+(?P<close>\\{0,8}[\"'`])?\]?[ \t]{0,8}+"
    r"(?P<sep>:[ \t]?[&\w.\[\]|]{1,32}[ \t]?=(?=[ \t]?[\"'])|:=|=>|:(?!:)|=(?!=))"
    r"(?:\*\*)?(?P<space>[ \t]{0,8}+)"
)
_LOOSE_FORM: Final = rb"[A-Za-z0-9_.-]{0,40}+\\{0,20}+[\"'`]?\]?(?:[ \t\r\n]|\\t|\\u0009)*+[:=]"


# A log of a model's calls is full of them: `"total_tokens": 17`, `"token_count": 4`.
_NO_TOKENS: Final = "(?![sS]|iz)"
_NO_COUNT: Final = r"(?![0-9]{1,12}(?:[,;\s})\]]|\Z))"


def form(keyword: str) -> re.Pattern[str]:
    """Return what finds the keyword in a name, and all up to the value."""
    if keyword.lower() != "token":
        return re.compile(re.escape(keyword) + _FORM)
    return re.compile(keyword + _NO_TOKENS + _FORM + _NO_COUNT)


def loose_form(keyword: str) -> re.Pattern[bytes]:
    """Return what holds of raw JSON whenever a text, or a key in it, has the form."""
    more = _NO_TOKENS.encode() if keyword.lower() == "token" else b""
    return re.compile(re.escape(keyword).encode() + more + _LOOSE_FORM)


_FLAG_VALUE: Final = (
    r"(?P<kept>[ \t]{1,4}[\"']?)(?=[^\s\"'-]{0,64}[0-9])"
    r"[^\s\"'`\\$<>(){}\[\];&|-][^\s\"'`\\;&|]{5,}+"
)
FLAGS: Final = ("--password", "--passphrase", "--token", "--api-key", "--secret", "--auth-token",
                "--access-token", "--client-secret")  # fmt: skip


def flag_form(flag: str) -> re.Pattern[str]:
    """Return what finds the flag of a command with a secret behind it: `--token abc123`."""
    return re.compile(re.escape(flag) + _FLAG_VALUE)


_NAME_BEFORE: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
_OPENING: Final = re.compile(r"(?:[fbrFBR]{1,2}(?=[\"']))?(?P<slashes>\\{0,8})(?P<quote>[\"'`])")
_QUOTED: Final = {quote: re.compile(rf"(?:[^{quote}\s\\]|\\[^\s])*+") for quote in ('"', "'", "`")}
_QUOTED_AGAIN: Final = {quote: re.compile(rf"[^{quote}\s\\]*+") for quote in ('"', "'", "`")}
_QUOTED_WORDS: Final = {q: re.compile(rf"[^{q}\r\n\\]{{0,200}}+") for q in ('"', "'", "`")}
# Words in small letters or with a digit; a capital, a comma or a full stop belongs to a sentence.
_PASSPHRASE: Final = re.compile(
    r"[a-z0-9'_-]{1,32}(?: [a-z0-9'_-]{1,32}){1,23}|\S*[0-9]\S*(?: \S+)+"
)
_SENTENCE_WORDS: Final = (
    "a an and are as at be been but by can cannot could did do does else enter expected failed for "
    "from get given has have here how if in incorrect into invalid is it its least long match "
    "matches may more must my new no not of old on only or our please required set should so than "
    "that the their then they this to too type use used user using value was we were when which "
    "will with without word words would wrong you your"
)
_SENTENCE: Final = frozenset(_SENTENCE_WORDS.split())
_ENVIRONMENT: Final = re.compile(r"[^\s\"'`\\;&|]*+")
_BARE: Final = re.compile(r"[^\s\"'`\\,;&|<>(){}\[\]]*+")
_LONGEST_RETRY: Final = 256

_NO_SECRETS: Final = (
    "null none nil true false undefined string str text int integer number bool boolean any bytes "
    "bytearray optional required include omit same-origin auto default disabled enabled yes no on "
    "off empty unknown invalid missing void object bearer basic inherit read write always never "
    "secretstr float double char varchar uuid date array list dict map func function static "
    "final const let changeme change-me change_me todo tbd hidden masked sensitive removed "
    "stripped"
)
_WORDS: Final = frozenset(_NO_SECRETS.split())
_PLACEHOLDER: Final = re.compile(
    r"(?i)\[REDACTED\]|[<$%{@!]|#\{"
    r"|(?:your|my|the|some|a|an|test|fake|dummy|sample|example|insert|replace|enter)[-_ ]?"
    r"(?:own[-_ ]?)?(?:[a-z]{1,20}[-_ ]?)?(?:pass|secret|token|key|cred|here|auth)"
)
_SHOWS_THE_PLACE: Final = (
    "...", "…", "${", "{{", "xxxx", "***", "%s", "://", "example", "placeholder", "changeme",
    "change-me", "change_me", "redacted", "dummy",
)  # fmt: skip
_LETTERS: Final = re.compile(r"[A-Za-z_-]+[0-9]?")
_NAMES_OF_SECRETS: Final = (
    "pass",
    "secret",
    "token",
    "credential",
    "private",
    "key",
    "pwd",
    "auth",
)
_SAME: Final = re.compile(r"(.)\1*")
_CODE: Final = re.compile(r"[A-Za-z_][\w.?!]*(?:\(|\[)|[A-Za-z_]\w*(?:\??\.[A-Za-z_]\w*)+$|\w+\.$")
_PATH: Final = re.compile(r"(?:~|\.{1,2})?/[A-Za-z0-9_.-]+(?:/|$)|\./|~/|[A-Za-z]:[\\/]")
_PARTED: Final = re.compile(r"[:/.].*[:/.]|[ :]")
_PLAIN: Final = re.compile(r"[A-Za-z]+(?:[-_.:/ ][A-Za-z]+)*")
_HEX_ONLY: Final = re.compile(r"[0-9a-f-]+")
_KEY: Final = re.compile(r"[A-Za-z0-9_.-]+")
_UPPER_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]*")


def find_value(text: str, name: re.Match[str], keyword: str) -> tuple[int, int, bool]:
    """Return begin and end of the value behind the name, and whether it is a secret.

    Where it is none, the end says where the search goes on.
    """
    begin = name.end()
    start = name.start()
    before = text[max(0, start - LONGEST_NAME) : start]
    before = before[len(before.rstrip(_NAME_BEFORE)) :]
    whole = before + _name_part(name)
    tight = name["sep"] == "=" and not name["space"] and name["close"] is None
    opening = _OPENING.match(text, begin)
    if opening is not None:
        again = len(opening["slashes"]) > 0
        run = (_QUOTED_AGAIN if again else _QUOTED)[opening["quote"]]
        begin = opening.end()
        end = _end(run, text, begin)
        if text[end : end + 1] in (" ", "\t"):
            end, secret = _passphrase(text, begin, opening["quote"], whole, keyword)
            return begin, end if secret else _resume(begin, end), secret
        style = Style.DATA if name["close"] else Style.QUOTED
        if tight and _UPPER_NAME.fullmatch(whole):
            style = Style.ENVIRONMENT
    elif tight and _UPPER_NAME.fullmatch(whole):
        style = Style.ENVIRONMENT
        end = _end(_ENVIRONMENT, text, begin)
        last = text[max(begin, end - 8) : end]
        end -= len(last) - len(last.rstrip(",)]}"))
    else:
        style = Style.BARE
        end = _end(_BARE, text, begin)
        if text[end : end + 1] in tuple("([{<"):
            return begin, _resume(begin, end), False
    secret = is_secret(whole, keyword, text[begin : min(end, begin + LOOKED_AT)], style)
    return begin, end if secret else _resume(begin, end), secret


def _passphrase(text: str, begin: int, quote: str, name: str, keyword: str) -> tuple[int, bool]:
    """Return where some quoted words end, and whether they are a passphrase.

    Words of a sentence are none: forms and errors stand behind the same names.
    """
    end = _end(_QUOTED_WORDS[quote], text, begin)
    if text[end : end + 1] not in (quote, "\\") or _strength(name, keyword) is not Strength.STRONG:
        return end, False
    words = text[begin:end]
    if shows_no_secret(words) or _holds_any(words.lower(), _NAMES_OF_SECRETS):
        return end, False
    parts = words.split(" ")
    is_sentence = any(part.strip(".,!?:").lower() in _SENTENCE for part in parts)
    if is_sentence or _PASSPHRASE.fullmatch(words) is None:
        return end, False
    return end, _UPPER_NAME.fullmatch(name) is not None or len(parts) >= PASSPHRASE_WORDS


def shows_no_secret(value: str) -> bool:
    """Say whether a value only names a secret, or shows where one belongs."""
    return not _may_be_secret(value)


def _name_part(name: re.Match[str]) -> str:
    cut = name.start("close") if name["close"] else name.start("sep")
    return name.string[name.start() : cut].rstrip(" \t]")


def _end(run: re.Pattern[str], text: str, begin: int) -> int:
    found = run.match(text, begin)
    return begin if found is None else found.end()


def _resume(begin: int, end: int) -> int:
    """Look into a value that is no secret, but never twice into a long one."""
    return begin if end - begin <= _LONGEST_RETRY else end


def is_secret_pair(key: str, value: str, keywords: tuple[str, ...]) -> bool:
    """Say whether the value under this key of a JSON object is a secret by one of the keywords."""
    return any(
        keyword in key
        and len(key) <= LONGEST_NAME
        and _KEY.fullmatch(key) is not None
        and is_secret(key, keyword, value[:LOOKED_AT], Style.DATA)
        for keyword in keywords
    )


def is_secret(name: str, keyword: str, value: str, style: Style) -> bool:
    """Say whether the value given to a name with this keyword in it is a secret."""
    strength = _strength(name, keyword)
    if strength is None or not _may_be_secret(value):
        return False
    if style in (Style.ENVIRONMENT, Style.BARE, Style.QUOTED) and _is_code(value, style):
        return False
    if strength is Strength.STRONG:
        return _is_password(value, style)
    if strength is Strength.TOKEN:
        return _is_token(value, style)
    return looks_random(value) and not _HEX_ONLY.fullmatch(value) and not _PARTED.search(value)


def _strength(name: str, keyword: str) -> Strength | None:
    """Return how much the name says; None for one that only speaks about a secret."""
    strength = _STRENGTHS.get(keyword)
    if strength is None:
        return None
    before, _, after = name.rpartition(keyword)
    after = after.lower()
    if after.endswith(_ABOUT_END) or "public" in before.lower()[-12:]:
        return None
    if keyword.lower() == "token" and after.startswith(("s", "iz")):  # In keys of JSON objects.
        return None
    if strength is Strength.KEY and _SECRET_KEYS.search(before):
        return Strength.TOKEN
    if strength is Strength.WEAK and "key" in after:
        return Strength.TOKEN
    return strength


def _may_be_secret(value: str) -> bool:
    """Say no to what only names a secret, or shows where one belongs."""
    small = value.lower()
    return not (
        len(value) < SHORTEST
        or small in _WORDS
        or _PLACEHOLDER.match(value) is not None
        or (_LETTERS.fullmatch(value) is not None and _holds_any(small, _NAMES_OF_SECRETS))
        or _SAME.fullmatch(value) is not None
        or _holds_any(small, _SHOWS_THE_PLACE)
    )


def _holds_any(text: str, parts: tuple[str, ...]) -> bool:
    return any(map(text.__contains__, parts))


def _is_code(value: str, style: Style) -> bool:
    if _PATH.match(value):
        return True
    return style is not Style.QUOTED and _CODE.match(value) is not None


def _is_password(value: str, style: Style) -> bool:
    if style in (Style.ENVIRONMENT, Style.DATA):
        return True
    if style is Style.QUOTED:
        if _has_digit(value):
            return len(value) >= SHORT
        # One capitalised word is what a form shows beside a field.
        return len(value) >= LONG_WORD and not value.istitle()
    return len(value) >= LONG_WORD and _has_letter(value) and not _PLAIN.fullmatch(value)


def _is_token(value: str, style: Style) -> bool:
    if style is Style.BARE:
        return looks_random(value)
    if style is Style.ENVIRONMENT:
        if value.isdigit() or len(value) < LONG_WORD:
            return False
        return len(value) >= LONG or _PLAIN.fullmatch(value) is None
    return len(value) >= TOKEN and _has_digit(value) and _has_letter(value)


def looks_random(value: str) -> bool:
    """Say whether a value is long and mixed enough to be made by a machine."""
    return len(value) >= RANDOM and sum(map(str.isdigit, value)) > 1 and _has_letter(value)


def _has_digit(value: str) -> bool:
    return any(map(str.isdigit, value))


def _has_letter(value: str) -> bool:
    return any(map(str.isalpha, value))

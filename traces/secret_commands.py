"""Secrets known by the command they are given to: `curl -u alice:…`, `mysql -p…`, `sshpass -p …`.

An option alone says nothing: `sort -u a:b` is no password, and `-p8000:80` a port. So what counts
is the program in front of it, in the same command and no further away than `LONGEST_COMMAND`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

from traces.secret_names import LOOKED_AT, shows_no_secret
from traces.secret_places import SHOWN, Found, is_no_password

LONGEST_COMMAND: Final = 400

# What opens a quoted value; `'\''` opens one in a command that itself stands in quotes.
_OPENING: Final = r"\$?(?P<nested>'\\{1,8}'(?='))?(?P<slashes>\\{0,8})(?P<quote>[\"'])"
_OPENED: Final = re.compile(_OPENING)
# A string that ends here and is joined to what follows it: `"--password=" + password`.
# A password may begin with the same signs: they count before a call, a name or an end.
_JOINED: Final = re.compile(
    r"\s|\.[a-z_]{1,40}\(|\+[A-Za-z_][\w.]{0,100}+(?=\s{0,4}[+),;]|\s|$)"
    r"|[,+)\].;:}\\](?=[\s\"',;)\]}]|$)"
)
_CONCATENATED: Final = re.compile(r"\s{1,4}[+.%]\s")
# One word of a command: what is escaped belongs to it, and so does a quote inside of it.
_WORD: Final = r"(?:[^\s\"'`\\;&|<>]|\\{1,8}[^\s\\\"'`nrt]|\\{0,8}[\"'](?=\w))++"
_BARE: Final = re.compile(_WORD)
_LONGEST_RETRY: Final = 256

_BEGINS: Final = r"(?=[^\s`;&|<>])"
# `-u alice:…`, `-sSu alice:…`, `--user=alice:…`; the name stands in the quotes, too.
_USER: Final = re.compile(
    r"(?<![\w-])(?:-[A-Za-z]{0,8}u[ \t]{0,4}|--(?:proxy-)?user(?:=|[ \t]{1,4}))"
    r"(?:" + _OPENING + r"(?:(?!(?P=quote))[^:\\\r\n]|\\++(?!(?P=quote))){0,100}+"
    r"(?P<closed>(?P=slashes)(?P=quote))?"
    r"|(?:[^\s:\"'`\\;&|<>()]|\\{1,8}(?=\w)){0,100}+"
    r"):" + _BEGINS
)
_ATTACHED: Final = re.compile(r"(?<![\w-])-p" + _BEGINS)
_SSHPASS: Final = re.compile(r"sshpass[ \t]{1,4}(?:-v[ \t]{1,4})?-p[ \t]{0,4}" + _BEGINS)
_OPTION: Final = re.compile(
    r"(?<![\w-])--(?:[a-z]{1,12}-){0,2}(?:password|passwd|passphrase|pass)=" + _BEGINS
)

_COMMAND_ENDS: Final = re.compile(r"(?<!\\)[\r\n]|;\s|\s(?:&&|\|\|?)\s")
_PROGRAM_END: Final = r"(?:\.exe)?(?=\s)"
_BEFORE_PROGRAM: Final = r"(?<![\w.-])"
_PORTS: Final = re.compile(r"[0-9.]{1,15}(?::[0-9]{1,5}){1,2}(?:/[a-z]+)?")
_SHOWN: Final = re.compile(rf"(?i){SHOWN}")
_CALL: Final = re.compile(r"(?P<name>[A-Za-z_][\w.]{3,100}+)\([^()]*\)*")
_NAME_OF_VALUE: Final = re.compile(r"[A-Z][A-Z0-9_]*")

Find = Callable[[str], Iterator[Found]]
Span = tuple[int, int]


@cache
def _within(slashes: int, quote: str, *, nested: bool) -> re.Pattern[str]:
    """Return what runs from behind an opening quote to the one that closes it, or the line's end.

    A quote with more backslashes than the opening one is inside; a word may go on behind it.
    """
    inside = rf"[^{quote}\\\r\n]++|\\++(?!{quote})|\\{{{slashes + 1},}}{quote}"
    if quote == "'" and not nested:
        inside += r"|'(?:\\{1,8}'|\\{0,8}\"'\\{0,8}\")'"
    goes_on = rf"(?:\\{{{slashes}}}{quote}(?=\w){_WORD})?+"
    return re.compile(rf"(?:{inside})++{'' if nested else goes_on}")


def _quoted(text: str, opening: re.Match[str], begin: int) -> Span | None:
    run = _within(len(opening["slashes"]), opening["quote"], nested=opening["nested"] is not None)
    found = run.match(text, begin)
    return found.span() if found else None


def _value(text: str, at: int, ends: re.Pattern[str] = _CONCATENATED) -> Span | None:
    """Return where the value that begins here stands; None where there is none.

    `ends` is what says that a quote at its beginning closes the string that the option stands in.
    """
    opening = _OPENED.match(text, at)
    if opening is None:
        found = _BARE.match(text, at)
        return found.span() if found else None
    if ends.match(text, opening.end()):
        return None
    return _quoted(text, opening, opening.end())


def _behind_option(text: str, option: re.Match[str]) -> Span | None:
    return _value(text, option.end())


def _behind_name(text: str, option: re.Match[str]) -> Span | None:
    if option["quote"] is None or option["closed"] is not None:
        return _value(text, option.end(), _JOINED)
    return _quoted(text, option, option.end())


Place = Callable[[str, re.Match[str]], Span | None]


def _anywhere(
    option: re.Pattern[str],
    place: Place,
    is_none: Callable[[str], bool],
    program: re.Pattern[str] | None = None,
) -> Find:
    """Return what finds the values of an option, behind its program where one is named."""

    def find(text: str) -> Iterator[Found]:
        at = 0
        runs = _runs(text, program) if program else _always
        while (found := option.search(text, at)) is not None:
            at = found.end()
            if not runs(found.start()):
                yield at, at, False
            elif span := place(text, found):
                begin, end = span
                secret = not is_none(text[begin : min(end, begin + LOOKED_AT)])
                yield begin, end, secret
                # A value that is no secret is looked into, but never twice into a long one.
                at = begin if not secret and end - begin <= _LONGEST_RETRY else end

    return find


def _behind(
    program: str, option: re.Pattern[str], place: Place, is_none: Callable[[str], bool]
) -> Find:
    """Return what finds the values of an option of this program."""
    named = re.compile(_BEFORE_PROGRAM + program + _PROGRAM_END)
    return _anywhere(option, place, is_none, named)


def _always(_at: int) -> bool:
    return True


def _runs(text: str, program: re.Pattern[str]) -> Callable[[int], bool]:
    """Return what says whether the command at a place is the program's, asked from front to end."""
    programs = program.finditer(text)
    last, coming = -LONGEST_COMMAND, next(programs, None)

    def runs(at: int) -> bool:
        nonlocal last, coming
        while coming is not None and coming.end() <= at:
            last, coming = coming.end(), next(programs, None)
        return at - last < LONGEST_COMMAND and _COMMAND_ENDS.search(text, last, at) is None

    return runs


def _is_shown(value: str) -> bool:
    """Say whether a value only shows where a password belongs."""
    return _SHOWN.match(value) is not None


def _is_no_login(password: str) -> bool:
    return password.startswith("//") or is_no_password(password)


def _is_no_mysql(value: str) -> bool:
    return _is_shown(value) or _PORTS.fullmatch(value) is not None


def _is_no_option(value: str) -> bool:
    if call := _CALL.fullmatch(value):
        value = call["name"]
    named = _NAME_OF_VALUE.fullmatch(value) is not None and not any(map(str.isdigit, value))
    return named or _is_shown(value) or shows_no_secret(value)


_MYSQL: Final = r"(?:mysql(?:dump|admin|import|check|show|sh)?|mariadb(?:-[a-z]{4,8})?)"
COMMANDS: Final[tuple[tuple[tuple[str, ...], Find], ...]] = (
    (("curl",), _behind("curl", _USER, _behind_name, _is_no_login)),
    (("mysql", "mariadb"), _behind(_MYSQL, _ATTACHED, _behind_option, _is_no_mysql)),
    (("sshpass",), _anywhere(_SSHPASS, _behind_option, _is_shown)),
    (
        ("-password=", "-passwd=", "-passphrase=", "-pass="),
        _anywhere(_OPTION, _behind_option, _is_no_option),
    ),
)
"""Literals, of which one must be there, and what finds secrets then."""

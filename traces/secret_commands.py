"""Secrets known by the command they are given to: `curl -u alice:…`, `mysql -p…`, `sshpass -p …`.

An option alone says nothing: `sort -u a:b` is no password, and `-p8000:80` a port. So what counts
is the program in front of it, in the same command and no further away than `LONGEST_COMMAND`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from traces.secret_names import shows_no_secret
from traces.secret_places import Found, is_no_password

LONGEST_COMMAND: Final = 400

# A quoted value may hold spaces, another ends at one.
_VALUE: Final = (
    r"(?:\\{0,8}[\"'](?P<quoted>[^\"'\\\r\n]{1,200}+)|(?P<bare>[^\s\"'`\\;&|<>()]{1,200}+))"
)
# `-u alice:…`, `-sSu alice:…`, `--user=alice:…`; the name stands in the quotes, too.
_USER: Final = re.compile(
    r"(?<![\w-])(?:-[A-Za-z]{0,8}u[ \t]{0,4}|--(?:proxy-)?user(?:=|[ \t]{1,4}))"
    r"(?:\\{0,8}[\"'][^\s:\"'\\]{0,100}+:(?P<quoted>[^\"'\\\r\n]{1,200}+)"
    r"|[^\s:\"'`\\;&|<>()]{0,100}+:(?P<bare>[^\s\"'`\\;&|<>()]{1,200}+))"
)
_ATTACHED: Final = re.compile(r"(?<![\w-])-p" + _VALUE)
_SSHPASS: Final = re.compile(r"sshpass[ \t]{1,4}(?:-v[ \t]{1,4})?-p[ \t]{0,4}" + _VALUE)
_OPTION: Final = re.compile(
    r"(?<![\w-])--(?:[a-z]{1,12}-){0,2}(?:password|passwd|passphrase|pass)=" + _VALUE
)

_COMMAND_ENDS: Final = re.compile(r"(?<!\\)[\r\n]|;\s|\s(?:&&|\|\|?)\s")
_PROGRAM_END: Final = r"(?:\.exe)?(?=\s)"
_BEFORE_PROGRAM: Final = r"(?<![\w.-])"
_PORTS: Final = re.compile(r"[0-9.]{1,15}(?::[0-9]{1,5}){1,2}(?:/[a-z]+)?")
_SHOWN: Final = re.compile(r"(?i)[$<%{*@\[]|x{3,}|.{0,40}(?:\$\{|\{\{|\[REDACTED\]|\.\.\.|…)")
_NAME_OF_VALUE: Final = re.compile(r"[A-Z][A-Z0-9_]*")

Find = Callable[[str], Iterator[Found]]


def _behind(program: str, option: re.Pattern[str], is_none: Callable[[str], bool]) -> Find:
    """Return what finds the values of an option of this program."""
    named = re.compile(_BEFORE_PROGRAM + program + _PROGRAM_END)

    def find(text: str) -> Iterator[Found]:
        for found in option.finditer(text):
            begin, end = found.span("quoted" if found["quoted"] is not None else "bare")
            command = text[max(0, found.start() - LONGEST_COMMAND) : found.start()]
            runs = named.search(_COMMAND_ENDS.split(command)[-1]) is not None
            yield begin, end, runs and not is_none(text[begin:end])

    return find


def _anywhere(option: re.Pattern[str], is_none: Callable[[str], bool]) -> Find:
    def find(text: str) -> Iterator[Found]:
        for found in option.finditer(text):
            begin, end = found.span("quoted" if found["quoted"] is not None else "bare")
            yield begin, end, not is_none(text[begin:end])

    return find


def _is_shown(value: str) -> bool:
    """Say whether a value only shows where a password belongs."""
    return _SHOWN.match(value) is not None


def _is_no_login(password: str) -> bool:
    return password.startswith("//") or is_no_password(password)


def _is_no_mysql(value: str) -> bool:
    return _is_shown(value) or _PORTS.fullmatch(value) is not None


def _is_no_option(value: str) -> bool:
    named = _NAME_OF_VALUE.fullmatch(value) is not None and not any(map(str.isdigit, value))
    return named or _is_shown(value) or shows_no_secret(value)


_MYSQL: Final = r"(?:mysql(?:dump|admin|import|check|show|sh)?|mariadb(?:-[a-z]{4,8})?)"
COMMANDS: Final[tuple[tuple[tuple[str, ...], Find], ...]] = (
    (("curl",), _behind("curl", _USER, _is_no_login)),
    (("mysql", "mariadb"), _behind(_MYSQL, _ATTACHED, _is_no_mysql)),
    (("sshpass",), _anywhere(_SSHPASS, _is_shown)),
    (("-password=", "-passwd=", "-passphrase=", "-pass="), _anywhere(_OPTION, _is_no_option)),
)
"""Literals, of which one must be there, and what finds secrets then."""

"""What names a person in a session's texts: e-mail addresses, and the owner of a home folder.

An address goes, unless it is nobody's: made for examples (`example.com`, `.test`), sent from but
never read (`noreply`), or a login on a host (`git@`, `ubuntu@`) in a remote or an ssh command.

`/home/alice/app` becomes `~/app`, on every system: a path is on nearly every line of a session, so
it must stay one that can be read, and "the home folder" is what a reader needs to know of it. The
name is often a person's full name, and shared with nobody on purpose. Homes of no person
(`/home/runner`, `/Users/Shared`) stay. The name itself, elsewhere, cannot be told from a word.

Names of hosts and addresses in a network stay: an internal one cannot be told from a public one or
from a module (`db.staging`), and a session about servers could not be followed without them.
"""

from __future__ import annotations

import re
from typing import Final

_DOMAIN: Final = r"[A-Za-z0-9-]{1,63}+(?:\.[A-Za-z0-9-]{1,63}+)*+"
EMAIL: Final = re.compile(rf"@(?<=[A-Za-z0-9_%+-]@)(?P<domain>{_DOMAIN})")
EMAIL_LOOSE: Final = re.compile(rb"@(?P<domain>[A-Za-z0-9-]{1,63}+(?:\.[A-Za-z0-9-]{1,63}+)++)")
_LOCAL: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-"
LONGEST_LOCAL: Final = 64
MOST_LOOKS: Final = 1_000
"""How many addresses that are nobody's the search for one that counts passes over."""

_NOBODY_NAMES: Final = (
    "git hg svn root admin administrator ubuntu debian fedora centos ec2-user azureuser opc "
    "vagrant postgres mysql runner deploy user username you me someone name email foo bar test "
    "noreply no-reply donotreply do-not-reply mailer-daemon postmaster abuse localhost npm"
)
_NOBODY: Final = frozenset(_NOBODY_NAMES.split())
_NOBODYS_DOMAINS: Final = (
    "example.com", "example.org", "example.net", "noreply.github.com", "noreply.gitlab.com",
    "test.com", "email.com", "domain.com", "company.com", "yourdomain.com", "mail.test",
)  # fmt: skip
_TOP_LEVEL_NAMES: Final = (
    "com org net edu gov mil int info biz name pro dev app cloud tech online site xyz email studio "
    "agency company solutions software systems digital design world life live news blog shop store "
    "academy group global network services technology ventures capital consulting engineering "
    "health science space team tools works page one top club social media law bank berlin london "
    "coop museum mobi"
)
_TOP_LEVEL: Final = frozenset(_TOP_LEVEL_NAMES.split())
_FILE_ENDINGS: Final = "js ts rb go cs vb hs kt ex md py sh rs db so"
_NO_COUNTRIES: Final = frozenset(_FILE_ENDINGS.split())


def local_part(text: str, at: int) -> str:
    """Return what may be the part of an address before the `@`."""
    before = text[max(0, at - LONGEST_LOCAL) : at]
    return before[len(before.rstrip(_LOCAL)) :].lstrip(".%+-")


def is_persons_address(local: str, domain: str) -> bool:
    """Say whether an address is, as far as can be told, that of a person."""
    domain = domain.lower().rstrip("-")
    host, _, top = domain.rpartition(".")
    if not host or not local or local.lower() in _NOBODY:
        return False
    if top not in _TOP_LEVEL and (len(top) != 2 or not top.isalpha() or top in _NO_COUNTRIES):  # noqa: PLR2004
        return False
    return not domain.endswith(_NOBODYS_DOMAINS) and not local.lower().endswith(_REPLY_NEVER)


_REPLY_NEVER: Final = ("noreply", "no-reply", "donotreply")


def may_hold_address(raw: bytes) -> bool:
    """Say whether raw JSON may hold a person's address; False only where no text of it does."""
    if b"@" not in raw:
        return False
    for number, found in enumerate(EMAIL_LOOSE.finditer(raw)):
        if number == MOST_LOOKS:
            return True
        at = found.start()
        before = raw[max(0, at - LONGEST_LOCAL - 1) : at].decode("latin-1")
        local = local_part(before, len(before))
        # An escape right before (`\n`) lends the name a letter that is not its own.
        escaped = before[: len(before) - len(local)].endswith("\\") or len(local) >= LONGEST_LOCAL
        if is_persons_address("?" if escaped and local else local, found["domain"].decode()):
            return True
    return False


_NO_OWNERS: Final = (
    "user username ubuntu debian node runner app vscode codespace jovyan ec2-user vagrant pi git "
    "www www-data docker linuxbrew you me name yourname your-name guest coder gitpod circleci "
    "sandbox Shared Public Default"
).replace(" ", "|")
_OWNER: Final = rf"(?!(?:{_NO_OWNERS})(?![A-Za-z0-9._-]))[A-Za-z_][A-Za-z0-9._-]{{0,63}}+"
_SLUG_OWNER: Final = rf"(?!(?:{_NO_OWNERS})-)[A-Za-z_][A-Za-z0-9_]{{0,63}}+(?=-)"
_END: Final = r"(?=/|\\[nrt]|[\r\n]|\Z)"


def _edge(literal: str) -> str:
    return rf"(?:(?<![A-Za-z0-9_.~}}\])-]{literal})|(?<=\\[nrt]{literal}))"


_DRIVE: Final = r"(?:(?<=/mnt/[a-z]/Users/)|(?<=[A-Za-z]:/Users/))"
HOMES: Final = (
    ("/home/", re.compile(rf"/home/{_edge('/home/')}{_OWNER}{_END}"), "~"),
    ("/Users/", re.compile(rf"/Users/{_edge('/Users/')}(?<!:/Users/){_OWNER}{_END}"), "~"),
    ("/Users/", re.compile(rf"/Users/{_DRIVE}{_OWNER}{_END}"), "/Users/~"),
    ("\\Users\\", re.compile(rf"\\Users\\{_OWNER}(?=\\|[\r\n]|\Z)"), r"\\Users\\~"),
    ("\\Users\\\\", re.compile(rf"\\Users\\\\{_OWNER}(?=\\|[\r\n]|\Z)"), r"\\Users\\\\~"),
    ("-home-", re.compile(rf"-home-(?<=/-home-){_SLUG_OWNER}"), "-home-~"),
    ("-Users-", re.compile(rf"-Users-(?<=/-Users-){_SLUG_OWNER}"), "-Users-~"),
)  # fmt: skip
"""The literal, what finds a person's home by it, and what stands there instead."""

HOME_STARTS: Final = ("/home", "-home-", "Users")
HOME_LOOSE: Final = tuple(
    re.compile(rf"{start}[/\\-]{{1,16}}+(?!(?:{_NO_OWNERS})(?![A-Za-z0-9._-]))[A-Za-z_]".encode())
    for start in ("/home", "-home", "Users")
)

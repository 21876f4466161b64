"""What is stored about a person, as their export tells it: a file per kind of thing.

Each app declares its `Section`s in a module of this name; `moderation/personal_data.py` joins them.
A section reads by key, a page at a time, so it holds little however much there is. It tells
nothing of other people but what the person could read on the site.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db.models import QuerySet

from accounts.models import (
    ApiToken,
    AuditEvent,
    DeviceLogin,
    DeviceSession,
    Invite,
    Membership,
    Namespace,
    User,
)
from config.pagination import RowCompare

PAGE: Final = 200


@dataclass(frozen=True)
class Section:
    """A file of the export: its name without `.json`, and its rows.

    `covers` names the columns that lead to a person and whose rows are in it.
    """

    name: str
    rows: Callable[[User], Iterator[dict[str, Any]]]
    covers: tuple[str, ...] = ()

    def pieces(self, user: User) -> Iterator[bytes]:
        """Yield the file: a JSON array, a row in a line."""
        lead = b"[\n"
        for row in self.rows(user):
            yield lead + orjson.dumps(row, option=orjson.OPT_UTC_Z)
            lead = b",\n"
        yield b"\n]\n" if lead == b",\n" else b"[]\n"


def read_rows(
    rows: QuerySet[Any], columns: Mapping[str, str], *, key: tuple[str, ...] = ("pk",)
) -> Iterator[dict[str, Any]]:
    """Yield each row as these names say it, in the order of a `key` that an index holds."""
    names = list(dict.fromkeys([*key, *columns.values()]))
    page = rows.order_by(*key)
    while True:
        found = list(page.values(*names)[:PAGE])
        for row in found:
            yield {name: row[column] for name, column in columns.items()}
        if len(found) < PAGE:
            return
        last = [found[-1][column] for column in key]
        page = rows.order_by(*key).filter(RowCompare(list(key), ">", last))


def named(*columns: str, **others: str) -> dict[str, str]:
    """Return columns that the export calls by their own name, and `others` by a plainer one."""
    return {name: name for name in columns} | others


ACCOUNT: Final = named(
    "handle",
    "display_name",
    "email",
    "time_zone",
    "role",
    "created_at",
    "last_login",
    "banned_at",
    "ban_reason",
)
NAMESPACE: Final = named(
    "handle",
    "kind",
    "display_name",
    "trace_visibilities",
    "trace_policy",
    "ai_summary_enabled",
    "created_at",
)
TOKEN: Final = named(
    "lookup_id",
    "label",
    "scopes",
    "created_at",
    "last_used_at",
    "expires_at",
    "revoked_at",
    namespace="namespace__handle",
)
COMMAND_LINE: Final = named(
    "lookup_id",
    "device_id",
    "created_at",
    "last_used_at",
    "expires_at",
    "revoked_at",
    uploads_to="active_namespace__handle",
)
LOGIN: Final = named("device_id", "status", "created_at", "expires_at")
# Not what they open with: a secret in a file on somebody's disk is one no more.
FACTOR: Final = named("type", "created_at", "last_used_at")
SIGN_IN: Final = named(
    "provider",
    "uid",
    login="extra_data__login",
    first_used_at="date_joined",
    last_used_at="last_login",
)
MEMBERSHIP: Final = named("role", "created_at", namespace="namespace__handle")
INVITE: Final = named(
    "email",
    "max_uses",
    "uses",
    "created_at",
    "expires_at",
    "revoked_at",
    namespace="namespace__handle",
)
ACT: Final = named(
    "verb",
    "object_type",
    "object_id",
    "object_label",
    "before",
    "after",
    "reason",
    "created_at",
)


def _account(user: User) -> Iterator[dict[str, Any]]:
    return read_rows(User.objects.filter(pk=user.pk), ACCOUNT)


def _namespaces(user: User) -> Iterator[dict[str, Any]]:
    return read_rows(Namespace.objects.filter(user=user), NAMESPACE)


def _memberships(user: User) -> Iterator[dict[str, Any]]:
    return read_rows(Membership.objects.filter(user=user), MEMBERSHIP)


def _tokens(user: User) -> Iterator[dict[str, Any]]:
    return read_rows(ApiToken.objects.filter(user=user), TOKEN)


def _command_lines(user: User) -> Iterator[dict[str, Any]]:
    return read_rows(DeviceSession.objects.filter(user=user), COMMAND_LINE)


def _logins(user: User) -> Iterator[dict[str, Any]]:
    return read_rows(DeviceLogin.objects.filter(user=user), LOGIN)


def _factors(user: User) -> Iterator[dict[str, Any]]:
    return read_rows(Authenticator.objects.filter(user=user), FACTOR)


def _sign_ins(user: User) -> Iterator[dict[str, Any]]:
    return read_rows(SocialAccount.objects.filter(user=user), SIGN_IN)


def _invites(user: User) -> Iterator[dict[str, Any]]:
    return read_rows(Invite.objects.filter(created_by=user), INVITE)


def _acts(user: User) -> Iterator[dict[str, Any]]:
    return read_rows(AuditEvent.objects.filter(actor=user), ACT)


SECTIONS: Final = (
    Section("account", _account),
    Section("namespace", _namespaces, ("accounts.namespace.user",)),
    Section("memberships", _memberships, ("accounts.membership.user",)),
    Section("tokens", _tokens, ("accounts.apitoken.user",)),
    Section("factors", _factors, ("mfa.authenticator.user",)),
    Section("sign_ins", _sign_ins, ("socialaccount.socialaccount.user",)),
    Section("command_lines", _command_lines, ("accounts.devicesession.user",)),
    Section("logins", _logins, ("accounts.devicelogin.user",)),
    Section("invites", _invites, ("accounts.invite.created_by",)),
    Section("acts", _acts, ("accounts.auditevent.actor",)),
)

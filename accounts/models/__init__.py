"""Accounts: people, the namespaces that own things, tokens, logins, the audit trail."""

from accounts.models.audit import AuditEvent
from accounts.models.device import (
    DEVICE_ID_LENGTH,
    DeviceLogin,
    DeviceSession,
    LoginStatus,
)
from accounts.models.invite import INVITE_MAX_USES, Invite
from accounts.models.namespace import (
    MemberRole,
    Membership,
    Namespace,
    NamespaceKind,
    TracePolicy,
    Visibility,
    all_visibilities,
)
from accounts.models.person import HANDLE_LENGTH, Role, User
from accounts.models.token import ApiToken, Scope

__all__ = [
    "DEVICE_ID_LENGTH",
    "HANDLE_LENGTH",
    "INVITE_MAX_USES",
    "ApiToken",
    "AuditEvent",
    "DeviceLogin",
    "DeviceSession",
    "Invite",
    "LoginStatus",
    "MemberRole",
    "Membership",
    "Namespace",
    "NamespaceKind",
    "Role",
    "Scope",
    "TracePolicy",
    "User",
    "Visibility",
    "all_visibilities",
]

"""Accounts: people, the namespaces that own things, tokens, and the audit trail."""

from accounts.models.audit import AuditEvent
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
    "HANDLE_LENGTH",
    "ApiToken",
    "AuditEvent",
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

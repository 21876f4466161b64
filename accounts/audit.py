"""Writing the audit trail. The row and the act it tells of are one transaction, always."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.db import models

from accounts.models import AuditEvent, User
from config.middleware import current_request_id

# What goes with an account that is deleted, while audit rows stay: they tell that it changed.
PERSONAL: Final = {
    "accounts.user": frozenset({"display_name", "email", "time_zone"}),
    "accounts.namespace": frozenset({"display_name"}),
}
NOT_KEPT: Final = "not kept"


def event(
    *,
    actor: User | None,
    verb: str,
    thing: models.Model,
    label: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> AuditEvent:
    """Make an audit row that `record_all` appends.

    `actor` is None for the system itself (imports, jobs). Never pass secrets in `before`/`after`.
    Of personal columns in them only the name is kept. `label` names a thing whose derived columns
    are not computed yet.
    """
    return AuditEvent(
        actor=actor,
        actor_role=actor.role if actor else "",
        verb=verb,
        object_type=thing._meta.label_lower,
        object_id=thing.pk,
        object_label=(label or str(thing))[:200],
        before=_kept(thing, before),
        after=_kept(thing, after),
        reason=reason,
        request_id=current_request_id(),
    )


def _kept(thing: models.Model, told: dict[str, Any] | None) -> dict[str, Any]:
    personal = PERSONAL.get(thing._meta.label_lower, frozenset())
    return {name: NOT_KEPT if name in personal else value for name, value in (told or {}).items()}


def record_named(
    *,
    actor: User | None,
    verb: str,
    kind: str,
    name: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> AuditEvent:
    """Append one audit row about a thing that is no row of ours, such as a job or a setting."""
    return AuditEvent.objects.create(
        actor=actor,
        actor_role=actor.role if actor else "",
        verb=verb,
        object_type=kind,
        object_label=name[:200],
        before=before or {},
        after=after or {},
        reason=reason,
        request_id=current_request_id(),
    )


def record(**told: Any) -> AuditEvent:
    """Append one audit row (see `event`); call it inside the transaction of the act."""
    made = event(**told)
    made.save(force_insert=True)
    return made


def record_all(events: Iterable[AuditEvent]) -> None:
    """Append audit rows by one statement, inside the transaction of their acts."""
    AuditEvent.objects.bulk_create(events)

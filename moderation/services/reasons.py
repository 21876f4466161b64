"""Adding and changing the reasons that moderators pick from."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from accounts import audit
from accounts.models import User
from config.errors import DomainError
from config.text import refuse_unstorable
from moderation.models import ReasonTemplate


class ReasonExists(DomainError):
    code = "reason_exists"


def add_reason(*, actor: User, key: str, **said: Any) -> ReasonTemplate:
    """Add a reason template; it is offered at once. Taken out by editing: “not offered”.

    Raises `ReasonExists`, also where somebody added it at the same moment.
    """
    told = {
        name: refuse_unstorable(value, field=name) if isinstance(value, str) else value
        for name, value in {"key": key, **said}.items()
    }
    try:
        with transaction.atomic():
            row: ReasonTemplate = ReasonTemplate.objects.create(**told)
            audit.record(actor=actor, verb="reason.add", thing=row, after=told)
    except IntegrityError as error:
        raise ReasonExists("There is a reason of this key; edit that one.", field="key") from error
    return row


@transaction.atomic
def save_reason(*, template_id: int, actor: User, **said: Any) -> ReasonTemplate:
    """Change a reason template; nothing changed writes nothing. What was decided keeps its text."""
    row = ReasonTemplate.objects.select_for_update(no_key=True).get(pk=template_id)
    before = {name: getattr(row, name) for name in said}
    for name, value in said.items():
        text = refuse_unstorable(value, field=name) if isinstance(value, str) else value
        setattr(row, name, text)
    after = {name: getattr(row, name) for name in said}
    if before == after:
        return row
    row.save(update_fields=list(said))
    audit.record(actor=actor, verb="reason.save", thing=row, before=before, after=after)
    return row

"""Changing the reasons that moderators pick from."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import User
from config.text import refuse_unstorable
from moderation.models import ReasonTemplate


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

"""Items before a moderator, made as the product makes them: published, scanned, reported."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Any

from django.apps import apps
from django.utils import timezone

from accounts.models import User
from accounts.services import create_user
from moderation.models import Decision, ReasonTemplate, ReviewItem
from moderation.services.cases import Verdict
from moderation.services.decisions import decide
from moderation.services.reports import Reported, report_version
from skills.models import SkillVersion


def item_of(version: SkillVersion) -> ReviewItem:
    """The item of a version, as stored now."""
    return ReviewItem.objects.get(version=version, appeal__isnull=True)


def person(handle: str, *, days_old: int = 30, role: str = "user") -> User:
    """Somebody whose account is so many days old."""
    made = create_user(handle=handle, password=f"{handle}-keeps-a-secret", role=role)
    User.objects.filter(pk=made.pk).update(created_at=timezone.now() - timedelta(days=days_old))
    return made


def report(version: SkillVersion, reporter: User, text: str = "It reads my keys.") -> Reported:
    """Report a version as malicious."""
    return report_version(version=version, reporter=reporter, kind="malicious", text=text)


def decide_on(item: ReviewItem, actor: User, action: str, **said: Any) -> Decision:
    """Decide on an item with a reason."""
    revision = said.pop("revision", item.revision)
    said.setdefault("text", "Because of what stands in line 3.")
    verdict = Verdict(action, **said)
    return decide(item_id=item.pk, actor=actor, verdict=verdict, revision=revision)


def decision_on(version: SkillVersion, action: str, **columns: Any) -> Decision:
    """A row of the log and nothing else: enough where nobody asks what it changed."""
    columns.setdefault("skill_label", str(version.skill))
    return Decision.objects.create(
        action=action,
        skill=version.skill,
        version=version,
        version_label=version.version,
        **columns,
    )


def offer_reasons() -> None:
    """The reasons a desk starts with, where a test before this one has emptied all tables."""
    if not ReasonTemplate.objects.exists():
        import_module("moderation.migrations.0004_reason_templates").fill(apps, None)

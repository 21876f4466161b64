"""What a person reads before they delete their account: what goes, and what stays.

Everything is counted to a bound, by indexes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Now

from accounts.closing import own_spaces
from accounts.models import Membership, Namespace, User
from moderation.models import Appeal, Report
from skills.closing import TAKEN_BACK, standing_skills
from skills.models import (
    CommentReport,
    SkillComment,
    SkillInstall,
    SkillStar,
    SkillTransfer,
    TransferState,
)
from traces.services.closing import traces_of

COUNTED: Final = 10_000
SHOWN: Final = 100


@dataclass(frozen=True)
class Amount:
    """How many of something, what one and several are called, and whether there may be more."""

    count: int
    one: str
    many: str
    is_more: bool = False

    def __str__(self) -> str:
        more = " or more" if self.is_more else ""
        return f"{self.count:,}{more} {self.one if self.count == 1 else self.many}"


@dataclass(frozen=True)
class Leaving:
    """What an account holds, for the page that asks."""

    person: User

    @cached_property
    def spaces(self) -> list[int]:
        """Return the namespaces that go."""
        return own_spaces(self.person)

    @property
    def skills(self) -> Amount:
        """Return the skills that go off the site."""
        return _amount([standing_skills(self.spaces)], "skill", "skills")

    @cached_property
    def traces(self) -> Amount:
        """Return the traces that are deleted."""
        return _amount(traces_of(self.person, self.spaces), "trace", "traces")

    @property
    def messages(self) -> Amount:
        """Return the messages of those traces, of as many as were counted."""
        parts = [
            rows.values("message_count")[:COUNTED].aggregate(all=Sum("message_count"))["all"]
            for rows in traces_of(self.person, self.spaces)
        ]
        count = sum(part or 0 for part in parts)
        return Amount(count, "message", "messages", self.traces.is_more)

    @property
    def stars(self) -> Amount:
        """Return the stars that are taken back."""
        return _amount([SkillStar.objects.filter(user=self.person)], "star", "stars")

    @property
    def installs(self) -> Amount:
        """Return the installs that no longer count."""
        return _amount([SkillInstall.objects.filter(user=self.person)], "install", "installs")

    @property
    def tokens(self) -> Amount:
        """Return the tokens that open nothing any more."""
        return _amount([self.person.api_tokens.usable()], "token", "tokens")

    @property
    def command_lines(self) -> Amount:
        """Return the command lines that are signed out."""
        return _amount([self.person.device_sessions.usable()], "command line", "command lines")

    @property
    def comments(self) -> Amount:
        """Return the comments that stay, without a name."""
        rows = SkillComment.objects.filter(author=self.person).exclude(TAKEN_BACK)
        return _amount([rows], "comment", "comments")

    @property
    def reports(self) -> Amount:
        """Return the reports that stay with what they are about."""
        of_versions = Report.objects.filter(reporter=self.person)
        of_comments = CommentReport.objects.filter(reporter=self.person)
        return _amount([of_versions, of_comments], "report", "reports")

    @property
    def appeals(self) -> Amount:
        """Return the appeals that stay with their decisions."""
        return _amount([Appeal.objects.filter(author=self.person)], "appeal", "appeals")

    @cached_property
    def transfers(self) -> list[SkillTransfer]:
        """Return the offers that end, both ways."""
        mine = Q(from_namespace__in=self.spaces) | Q(to_namespace__in=self.spaces)
        rows = SkillTransfer.objects.filter(mine, state=TransferState.PENDING, expires_at__gt=Now())
        named = rows.select_related("skill", "from_namespace", "to_namespace")
        return list(named.order_by("-pk")[:SHOWN])

    @cached_property
    def alone(self) -> list[Namespace]:
        """Return the organisations that have nobody else: they go, too."""
        rows = Namespace.objects.filter(pk__in=self.spaces).exclude(user=self.person)
        return list(rows.order_by("handle"))

    @cached_property
    def left(self) -> list[Membership]:
        """Return the organisations that go on without this person."""
        rows = Membership.objects.filter(user=self.person).exclude(namespace__in=self.spaces)
        return list(rows.select_related("namespace").order_by("namespace__handle"))


def _amount(kinds: Sequence[QuerySet[Any]], one: str, many: str) -> Amount:
    counts = [rows.values("pk")[:COUNTED].count() for rows in kinds]
    return Amount(sum(counts), one, many, is_more=COUNTED in counts)

"""What the desk stores about a person, and all sections of an export: see accounts/personal_data.

Not told: who decided, what moderators noted, who reported. docs/privacy.md has the same list, and a
test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import accounts.personal_data
import skills.personal_data
import traces.personal_data
from accounts.closing import own_spaces
from accounts.models import User
from accounts.personal_data import Section, named, read_rows
from moderation.models import Action, Appeal, Decision, Notice, Report

REPORT: Final = named(
    "kind",
    "text",
    "file",
    "line",
    "status",
    "created_at",
    owner="skill__owner_handle",
    skill="skill__slug",
    version="version__version",
)
DECISION: Final = named(
    "action",
    "category",
    "text",
    "created_at",
    skill="skill_label",
    version="version_label",
)
APPEAL: Final = named(
    "text",
    "state",
    "answer",
    "created_at",
    "answered_at",
    skill="decision__skill_label",
    version="decision__version_label",
)
NOTICE: Final = named(
    "kind",
    "text",
    "created_at",
    "read_at",
    owner="skill__owner_handle",
    skill="skill__slug",
)


def _reports(user: User) -> Iterator[dict[str, Any]]:
    return read_rows(Report.objects.filter(reporter=user), REPORT, key=("status", "pk"))


def _decisions(user: User) -> Iterator[dict[str, Any]]:
    # What is only proposed is the moderators' own matter.
    told = Decision.objects.exclude(action=Action.PROPOSE_REMOVAL)
    rows = told.filter(skill__namespace__in=own_spaces(user))
    return read_rows(rows, DECISION, key=("skill_id", "pk"))


def _appeals(user: User) -> Iterator[dict[str, Any]]:
    return read_rows(Appeal.objects.filter(author=user), APPEAL)


def _notices(user: User) -> Iterator[dict[str, Any]]:
    rows = Notice.objects.filter(namespace__in=own_spaces(user))
    return read_rows(rows, NOTICE, key=("namespace_id", "pk"))


SECTIONS: Final = (
    *accounts.personal_data.SECTIONS,
    *skills.personal_data.SECTIONS,
    *traces.personal_data.SECTIONS,
    Section("reports", _reports, ("moderation.report.reporter",)),
    Section("decisions", _decisions),
    Section("appeals", _appeals, ("moderation.appeal.author",)),
    Section("notices", _notices),
)

STAFFS_OWN: Final = "what a person did as staff; their acts tell it, the rest is the desk's"
NOT_TOLD: Final = {
    "skills.skillhold.placed_by": STAFFS_OWN,
    "skills.skillcomment.decided_by": STAFFS_OWN,
    "skills.commentreport.decided_by": STAFFS_OWN,
    "skills.reservedslug.reserved_by": STAFFS_OWN,
    "skills.skillbadge.given_by": STAFFS_OWN,
    "moderation.report.triaged_by": STAFFS_OWN,
    "moderation.reviewitem.claimed_by": STAFFS_OWN,
    "moderation.itemnote.author": STAFFS_OWN,
    "moderation.decision.actor": STAFFS_OWN,
    "moderation.appeal.answered_by": STAFFS_OWN,
    "jobs.jobrun.asked_by": STAFFS_OWN,
    "admin.logentry.user": STAFFS_OWN,
    "account.emailaddress.user": "django-allauth's, and empty: no address is asked for",
}
"""Columns that lead to a person and are in no section, and why."""

"""Reporting a version, and what reports bring about."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import User
from accounts.policy import Actor
from config.derived import deferred
from config.errors import DomainError
from config.text import clean_line, refuse_unstorable
from moderation.models import (
    Action,
    ItemKind,
    NoticeKind,
    Report,
    ReportKind,
    ReportStatus,
    ReviewItem,
)
from moderation.querysets.report import HIDES_AT
from moderation.services import items
from moderation.services.cases import Verdict, record_automatic
from moderation.services.decisions import decide
from moderation.services.notices import tell_owner
from skills.models import HoldKind, Skill, SkillHold, SkillVersion
from skills.standing import settle

OPEN_MOST: Final = 20
"""Open reports of one person."""

TEXT_LIMIT: Final = 500
# What somebody adds to their open report.
ADDED_LIMIT: Final = 2000
HIDDEN_TEXT: Final = "A moderator confirmed a report on it."
"""What the author reads of a skill hidden on a report, unless the moderator says more."""


# What each kind is for, in a line.
MEANING: Final = {
    ReportKind.MALICIOUS: "It steals, destroys or deceives, or makes an agent do so.",
    ReportKind.MISLEADING: "It does something else than its name and description say.",
    ReportKind.UNDECLARED: "It wants keys, programs or network access that it does not name.",
    ReportKind.IMPERSONATION: "It passes for the skill of somebody else.",
    ReportKind.BROKEN: "It cannot work as it is described.",
    ReportKind.OTHER: "What the text says, and none of these.",
}


class ReportRefused(DomainError):
    code = "report_refused"


class TooManyReports(DomainError):
    code = "too_many_reports"

    def __init__(self) -> None:
        super().__init__(
            f"You have {OPEN_MOST} open reports; please wait until some of them are closed."
        )


class ReportMissing(DomainError):
    code = "report_not_found"


class Reported:
    """The report that stands, whether this call made it, and how many people reported."""

    def __init__(self, report: Report, *, created: bool, reporters: int) -> None:
        """Tell of `report`."""
        self.report = report
        self.created = created
        self.reporters = reporters


def report_version(
    *,
    version: SkillVersion,
    reporter: User,
    kind: str,
    text: str,
    file: str = "",
    line: int = 0,
) -> Reported:
    """Report a version; a second report on it adds to the first while that is open.

    The fourth distinct reporter whose account is old enough hides the skill until a moderator has
    looked. One transaction, under the locks of person and skill. Raises `ReportRefused`,
    `TooManyReports`.
    """
    said = _checked(kind, text, file, line)
    if refusal := own_refusal(version.skill, reporter):
        raise ReportRefused(refusal)
    with deferred():
        # Counted under the person's lock, so that two at once cannot pass the limit. People come
        # before skills, as in a ban.
        User.objects.select_for_update(no_key=True).get(pk=reporter.pk)
        skill = Skill.objects.select_for_update(no_key=True).get(pk=version.skill_id)
        mine = Report.objects.open().filter(reporter=reporter)
        standing = mine.filter(version=version).first()
        if standing is not None:
            if _add(standing, said):
                # Whoever reads the reports right now shall read this, too, before they decide.
                items.open_item(version=version, kind=ItemKind.REPORT)
            return Reported(standing, created=False, reporters=count_reporters(skill))
        if mine.count() >= OPEN_MOST:
            raise TooManyReports
        report = Report.objects.create(skill=skill, version=version, reporter=reporter, **said)
        version.skill = skill
        items.open_item(version=version, kind=ItemKind.REPORT)
        if Report.objects.counting().filter(skill=skill).count_people() >= HIDES_AT:
            _hide(skill, version)
        return Reported(report, created=True, reporters=count_reporters(skill))


def own_refusal(skill: Skill, reporter: User) -> str:
    """Return why this person does not report this skill: it is theirs; "" where it is not."""
    if skill.namespace_id in Actor(user=reporter).namespace_ids:
        return "This skill is yours; publish a new version or hide it instead."
    return ""


def may_report_more(reporter: User) -> bool:
    """Say whether this person may open another report; to those they have they may always add."""
    return bool(Report.objects.open().filter(reporter=reporter).count() < OPEN_MOST)


def _checked(kind: str, text: str, file: str, line: int) -> dict[str, Any]:
    if kind not in ReportKind.values:
        raise ReportRefused("Choose what is wrong with it.", field="kind")
    text = refuse_unstorable(text.strip(), field="text")
    if not text:
        raise ReportRefused("Say in a sentence what you found.", field="text")
    if len(text) > TEXT_LIMIT:
        raise ReportRefused(f"Keep it within {TEXT_LIMIT} characters.", field="text")
    return {
        "kind": kind,
        "text": text,
        "file": clean_line(file, 500),
        "line": line if 0 <= line <= 1_000_000 else 0,  # noqa: PLR2004
    }


def _add(report: Report, said: dict[str, Any]) -> bool:
    """Let a second report on the same version add to the first, once; False: nothing new."""
    text = f"{report.text}\n\n{said['text']}"[:ADDED_LIMIT]
    if said["text"] in report.text or text == report.text:
        return False
    report.text = text
    report.save(update_fields=["text"])
    return True


def count_reporters(skill: Skill) -> int:
    """Return how many people have an open report on the skill."""
    return int(Report.objects.open().filter(skill=skill).count_people())


def _hide(skill: Skill, version: SkillVersion) -> None:
    """Hide the skill until a moderator has looked, and tell its owner why."""
    _hold, is_new = SkillHold.objects.get_or_create(skill=skill, kind=HoldKind.REPORTS)
    if not is_new:
        return
    settle([skill.pk])
    item = ReviewItem.objects.get(version=version, appeal__isnull=True)
    decision = record_automatic(Action.HOLD_REPORTS, item, version, category="reports")
    tell_owner(NoticeKind.DECISION, decision)


# --- Triage ---------------------------------------------------------------------------------------


@transaction.atomic
def triage_report(*, report_id: int, actor: User, status: str, note: str = "") -> Report:
    """Close one report with a note, or open it again; what it is about stays undecided.

    Raises `ReportMissing`, `ReportRefused`, `OwnSkill`.
    """
    if status not in ReportStatus.values:
        raise ReportRefused("status is open, confirmed or dismissed.", field="status")
    note = clean_line(note, 500)
    if status != ReportStatus.OPEN and not note:
        raise ReportRefused("A report is closed with a note.", field="note")
    skill_id = Report.objects.filter(pk=report_id).values_list("skill", flat=True).first()
    if skill_id is None:
        raise ReportMissing("There is no such report.")
    Skill.objects.select_for_update(no_key=True).get(pk=skill_id)
    report: Report = (
        Report.objects.select_related("skill", "version__skill")
        .select_for_update(no_key=True, of=("self",))
        .get(pk=report_id)
    )
    if report.skill.namespace_id in Actor(user=actor).namespace_ids:
        raise items.OwnSkill
    if report.status == status:
        return report
    former = report.status
    if status == ReportStatus.OPEN:
        _refuse_second(report)
    report.status = status
    is_open = status == ReportStatus.OPEN
    report.triaged_by = None if is_open else actor
    report.triage_note = note
    report.triaged_at = None if is_open else timezone.now()
    report.save()
    audit.record(
        actor=actor,
        verb="report.triage",
        thing=report,
        before={"status": former},
        after={"status": status},
        reason=note,
    )
    if is_open:
        items.open_item(version=report.version, kind=ItemKind.REPORT)
    elif item := items.locked_item_of(report.version):
        items.refresh_item(item)
    return report


def hide_reported(*, report_id: int, actor: User, note: str, text: str = "") -> Report:
    """Confirm a report and hide its skill with it, by the door of every decision.

    One transaction: the decision closes every other open report on the version, too. Twice is
    once: where the report is confirmed and staff hide the skill, nothing is written. Raises
    `ReportMissing`, `ReportRefused`, and the refusals of `decide`.
    """
    note = clean_line(note, 500)
    if not note:
        raise ReportRefused("A report is closed with a note.", field="note")
    with deferred():
        skill_id = Report.objects.filter(pk=report_id).values_list("skill", flat=True).first()
        if skill_id is None:
            raise ReportMissing("There is no such report.")
        Skill.objects.select_for_update(no_key=True).get(pk=skill_id)
        report = Report.objects.get(pk=report_id)
        is_hidden = SkillHold.objects.filter(skill=skill_id, kind=HoldKind.HIDDEN).exists()
        if is_hidden and report.status == ReportStatus.CONFIRMED:
            return report
        item = ReviewItem.objects.get(version=report.version_id, appeal__isnull=True)
        verdict = Verdict(Action.HIDE, text=text or HIDDEN_TEXT, note=note)
        decide(item_id=item.pk, actor=actor, verdict=verdict)
        # Open, it is closed by now; closed before, it is confirmed here.
        return triage_report(
            report_id=report_id, actor=actor, status=ReportStatus.CONFIRMED, note=note
        )


def _refuse_second(report: Report) -> None:
    mine = Report.objects.open().filter(reporter=report.reporter_id, version=report.version_id)
    if mine.exists():
        raise ReportRefused("Its reporter has another open report on this version.")

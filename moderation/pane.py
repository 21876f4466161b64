"""Everything a moderator needs to decide on one item: eight statements, and bounded HTML."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any, Final

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Exists, IntegerField, OuterRef, Q, Value, When
from django.db.models.functions import Coalesce, Concat, JSONObject
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.models import Role, User
from config.charts import SPARK_POINTS, sparkline
from config.pagination import BoundedCount
from moderation.evidence_files import Difference, FoundPlace, read_difference, read_places
from moderation.models import (
    Action,
    Appeal,
    Decision,
    Finding,
    ItemKind,
    ItemNote,
    ItemState,
    Report,
    ReviewItem,
    Scan,
    ScannerName,
)
from moderation.querysets.report import HIDES_AT
from moderation.queue_forms import Typed
from moderation.reasons import Reason, reasons_for
from moderation.scanners import Severity
from moderation.services.cases import reporters_elsewhere
from moderation.services.items import (
    is_claimed_by,
    is_claimed_by_other,
    severity_at,
    speaks_for_owner,
)
from moderation.services.undo import may_undo
from moderation.templatetags.desk import COUNTED
from skills.addresses import version_url
from skills.models import HoldKind, ModerationStatus, Skill, SkillDailyStat, SkillHold, SkillVersion
from skills.shown import state_of
from skills.verdict import status_word

FINDINGS_SHOWN: Final = 12
REPORTS_SHOWN: Final = 6
EVENTS_SHOWN: Final = 8
"""Of each kind, in the timeline."""

TIMELINE_MOST: Final = 20
OTHERS_NAMED: Final = 3
"""Of the versions whose reports keep a skill hidden."""

CHOICES_SHOWN: Final = 20
TREND_DAYS: Final = SPARK_POINTS


@dataclass(frozen=True)
class Button:
    """A decision that this person may make."""

    action: str
    label: str
    key: str = ""
    tone: str = ""
    needs_reason: bool = True
    # Folded away on a phone.
    is_minor: bool = False


@dataclass(frozen=True)
class Event:
    """Something that happened to the version, for the timeline."""

    at: datetime
    kind: str
    what: str
    who: str
    said: str


@dataclass(frozen=True)
class Trend:
    """New installs of 30 days, with a mark for each version."""

    svg: SafeString
    total: int
    versions: int


@dataclass(frozen=True)
class Pane:
    """One item with all that is shown of it."""

    item: ReviewItem
    now: datetime
    question: str
    status_word: str
    urls: Mapping[str, str]
    findings: list[FoundPlace]
    has_more_findings: bool
    difference: Difference
    reports: list[Report]
    has_more_reports: bool
    events: list[Event]
    trend: Trend
    reasons: list[Reason]
    buttons: list[Button]
    # The items whose reports keep the skill hidden, whatever is decided here.
    held_by: list[dict[str, Any]]
    # Why this person has no buttons; "" where they do.
    refusal: str
    is_own: bool
    is_claimed_by_other: bool
    is_mine: bool
    may_undo: bool
    typed: Typed

    @property
    def notes(self) -> list[Event]:
        """Return the internal notes, newest first."""
        return [event for event in self.events if event.kind == "note"]

    @property
    def timeline(self) -> list[Event]:
        """Return the newest of what happened."""
        return self.events[:TIMELINE_MOST]

    @property
    def asks_why(self) -> bool:
        """Say whether letting it pass takes a reason."""
        return severity_at(self.item.severity) == Severity.CRITICAL

    @property
    def asks_slug(self) -> bool:
        """Say whether one of the buttons removes the skill."""
        return any(button.action == Action.REMOVE for button in self.buttons)

    @property
    def chosen_reason(self) -> str:
        """Return the reason that is ticked: the one sent and refused, else the one that fits."""
        known = {reason.key for reason in self.reasons}
        if self.typed.template in known:
            return self.typed.template
        return next((reason.key for reason in self.reasons if reason.is_best), "")

    @property
    def best_text(self) -> str:
        """Return the text of the reason that fits."""
        return next((reason.text for reason in self.reasons if reason.is_best), "")

    @property
    def main_buttons(self) -> list[Button]:
        """Return the buttons that are always seen."""
        return [button for button in self.buttons if not button.is_minor]

    @property
    def more_buttons(self) -> list[Button]:
        """Return the buttons that a phone folds away."""
        return [button for button in self.buttons if button.is_minor]

    @property
    def reason_buttons(self) -> list[Button]:
        """Return the buttons that take a reason."""
        return [button for button in self.buttons if button.needs_reason]


# --- The item -------------------------------------------------------------------------------------


def find_item(item_id: int, viewer: User) -> ReviewItem | None:
    """Return an item with its version, its owner's record, and whether it is the viewer's own.

    One statement. The big texts of the version stay in the database.
    """
    items = ReviewItem.objects.select_related(
        "claimed_by",
        "namespace",
        "version__skill",
        "decision__actor",
        "proposal__actor",
        "appeal__decision__actor",
        "appeal__author",
    ).defer("version__readme", "version__warnings")
    owned = Skill.objects.filter(namespace=OuterRef("namespace"))
    decided = Decision.objects.filter(
        skill__namespace=OuterRef("namespace"), actor__isnull=False
    ).order_by()
    waiting = ReviewItem.objects.open().filter(namespace=OuterRef("namespace"))
    found: ReviewItem | None = (
        items.annotate(
            author_skills=_bounded(owned),
            author_decisions=_bounded(decided),
            author_strikes=_bounded(decided.strikes()),
            author_open=_bounded(waiting.exclude(pk=OuterRef("pk"))),
            is_own=speaks_for_owner(viewer),
            reporters_elsewhere=reporters_elsewhere(),
            reported_elsewhere=_reported_elsewhere(),
        )
        .filter(pk=item_id)
        .first()
    )
    return found


def _reported_elsewhere() -> ArraySubquery:
    """Return the items about other versions whose reports hold the skill, with those versions."""
    held = SkillHold.objects.filter(skill=OuterRef("version__skill"), kind=HoldKind.REPORTS)
    counting = Report.objects.counting().filter(version=OuterRef("version"))
    others = ReviewItem.objects.filter(
        Exists(held),
        Exists(counting),
        version__skill=OuterRef("version__skill"),
        appeal__isnull=True,
    ).exclude(version=OuterRef("version"))
    told = JSONObject(item="pk", version="version__version")
    return ArraySubquery(others.order_by("pk").values(told=told)[:OTHERS_NAMED])


def _bounded(rows: Any) -> BoundedCount:
    return BoundedCount(rows.values("pk")[: COUNTED + 1])


def read_pane(
    item: ReviewItem,
    viewer: User,
    *,
    base: str = "",
    file: str = "",
    lists_all: bool = False,
    typed: Typed | None = None,
) -> Pane:
    """Read all that the pane shows of an item that `find_item` returned: seven statements.

    `base` names the version to compare with, `file` the one file whose changes are shown, and
    `lists_all` asks for the names of all files; `typed` is what was sent and refused.
    """
    version, now = item.version, timezone.now()
    older, choices = _older(version, base)
    difference = read_difference(older, version, choices, asked_path=file, lists_all=lists_all)
    found = _findings(version, older)
    places = read_places(found[:FINDINGS_SHOWN], difference)
    reports = _reports(version)
    claimed_by_other = is_claimed_by_other(item, viewer)
    is_own = item.is_own  # type: ignore[attr-defined]
    buttons, refusal = _offer(item, viewer, is_own=is_own)
    return Pane(
        item=item,
        now=now,
        question=_question(item),
        status_word=status_word(state_of(version)),
        urls=_urls(item),
        findings=places,
        has_more_findings=len(found) > FINDINGS_SHOWN,
        difference=difference.with_flags(places),
        reports=reports[:REPORTS_SHOWN],
        has_more_reports=len(reports) > REPORTS_SHOWN,
        events=_events(version, reports),
        trend=_trend(version, choices, now),
        reasons=reasons_for(item),
        buttons=[] if claimed_by_other else buttons,
        held_by=_held_by(item) if buttons else [],
        refusal=refusal,
        is_own=is_own,
        is_claimed_by_other=claimed_by_other,
        is_mine=is_claimed_by(item, viewer),
        may_undo=_may_undo(item, viewer, is_own=is_own),
        typed=typed or Typed(),
    )


def _held_by(item: ReviewItem) -> list[dict[str, Any]]:
    """Return other items that keep the skill hidden: enough people report those versions."""
    found: Any = item
    if found.reporters_elsewhere < HIDES_AT:
        return []
    others: list[dict[str, Any]] = found.reported_elsewhere
    return others


def _may_undo(item: ReviewItem, viewer: User, *, is_own: bool) -> bool:
    decision = item.decision
    if decision is None or item.state == ItemState.OPEN or is_own:
        return False
    return may_undo(decision, viewer)


def _urls(item: ReviewItem) -> dict[str, str]:
    skill, number = item.version.skill, item.version.version
    return {
        "version": version_url(skill.owner_handle, skill.slug, number),
    }


def _question(item: ReviewItem) -> str:
    """Return the one sentence that says what is being decided."""
    version = item.version
    name = f"{version.skill.slug} {version.version}"
    if item.kind == ItemKind.APPEAL and item.appeal is not None:
        what = item.appeal.decision.get_action_display().lower()
        return f"Does the decision on {name} stand: {what}?"
    if item.proposal is not None:
        return f"Is {version.skill.slug} to be removed, as proposed?"
    if item.state == ItemState.HELD:
        return f"What becomes of {name}, which is held?"
    if version.skill.moderation_status != ModerationStatus.ACTIVE or version.is_blocked:
        return f"May {name} become public?"
    return f"May {name} stay public?"


# --- What may be decided --------------------------------------------------------------------------

_BUTTONS: Final = {
    Action.APPROVE: Button(Action.APPROVE, "Approve", "a", "primary", needs_reason=False),
    Action.CAUTION: Button(Action.CAUTION, "Caution", "w", is_minor=True),
    Action.CHANGES: Button(Action.CHANGES, "Request changes", "q", is_minor=True),
    Action.HIDE_VERSION: Button(Action.HIDE_VERSION, "Hide version", "v", is_minor=True),
    Action.HIDE: Button(Action.HIDE, "Hide skill", "h"),
}
_REMOVE: Final = Button(Action.REMOVE, "Remove", "", "danger", is_minor=True)
_CONFIRM: Final = Button(Action.REMOVE, "Confirm removal", "", "danger")
_PROPOSE: Final = Button(Action.PROPOSE_REMOVAL, "Propose removal", is_minor=True)
_GRANT: Final = Button(Action.GRANT_APPEAL, "Grant appeal", "a", "primary")
_REJECT: Final = Button(Action.REJECT_APPEAL, "Reject appeal", "h")


def _offer(item: ReviewItem, viewer: User, *, is_own: bool) -> tuple[list[Button], str]:
    """Return the decisions this person may make, or why there are none.

    The same rules as those the service enforces; what a role lacks is absent.
    """
    if is_own:
        return [], "This skill is yours; another moderator decides on it."
    if item.state == ItemState.DONE:
        return [], ""
    is_admin = viewer.role == Role.ADMIN
    if item.kind == ItemKind.APPEAL and item.appeal is not None:
        return _offer_of_appeal(item.appeal, viewer, is_admin=is_admin)
    buttons = list(_BUTTONS.values())
    if item.version.skill.moderation_status == ModerationStatus.REMOVED and not is_admin:
        buttons = [b for b in buttons if b.action not in {Action.APPROVE, Action.CAUTION}]
    proposal = item.proposal
    if is_admin or (proposal is not None and proposal.actor_id != viewer.pk):
        buttons.append(_CONFIRM if proposal is not None else _REMOVE)
    elif proposal is None:
        buttons.append(_PROPOSE)
    return buttons, ""


def _offer_of_appeal(appeal: Appeal, viewer: User, *, is_admin: bool) -> tuple[list[Button], str]:
    if appeal.decision.actor_id == viewer.pk:
        return [], "You made this decision; somebody else answers the appeal against it."
    if appeal.decision.action == Action.REMOVE and not is_admin:
        return [_REJECT], ""
    return [_GRANT, _REJECT], ""


# --- Versions, findings, reports ------------------------------------------------------------------


def _older(version: SkillVersion, asked: str) -> tuple[SkillVersion | None, list[dict[str, str]]]:
    """Return the version to compare with, and those to choose from: one statement.

    The one asked for, else the last approved, else the last clean, else the one before.
    """
    others = SkillVersion.objects.filter(
        skill=version.skill_id, withdrawn_at__isnull=True, created_at__lte=version.created_at
    ).exclude(pk=version.pk)
    told = JSONObject(version="version", at="created_at", decision="decision", scan="scan_state")
    listed = (
        SkillVersion.objects.filter(
            skill=OuterRef("skill"),
            withdrawn_at__isnull=True,
            created_at__lte=Value(version.created_at),
        )
        .exclude(pk=version.pk)
        .order_by("-created_at", "-pk")
        .values(told=told)[:CHOICES_SHOWN]
    )
    place = Case(
        When(version=asked, then=0),
        When(decision="approved", then=1),
        When(scan_state="clean", decision="", then=2),
        default=3,
        output_field=IntegerField(),
    )
    found = (
        others.defer("readme", "warnings", "scan_evidence")
        .annotate(choices=ArraySubquery(listed))
        .order_by(place, "-created_at", "-pk")
        .first()
    )
    return found, list(found.choices) if found else []


def _findings(version: SkillVersion, older: SkillVersion | None) -> list[Finding]:
    """Return what each scanner's last scan with a result found, worst first: one statement."""
    finished = Scan.objects.finished().filter(version=version)
    last = [finished.of(name).values("pk")[:1] for name in ScannerName]
    before = Finding.objects.filter(
        scan__version=older, rule=OuterRef("rule"), file=OuterRef("file")
    )
    rows = Finding.objects.filter(reduce(operator.or_, (Q(scan=scan) for scan in last))).annotate(
        is_new=~Exists(before) if older else Value(False),
        severity_rank=_ranked("severity", [str(severity) for severity in Severity]),
        confidence_rank=_ranked("confidence", ["low", "medium", "high"]),
    )
    worst = rows.order_by("-severity_rank", "-confidence_rank", "file", "line", "pk")
    return list(worst[: FINDINGS_SHOWN + 1])


def _ranked(column: str, words: Sequence[str]) -> Case:
    places = [When(**{column: word, "then": n}) for n, word in enumerate(words)]
    return Case(*places, default=-1, output_field=IntegerField())


def _reports(version: SkillVersion) -> list[Report]:
    """Return the newest reports, each with how often its reporter was right: one statement."""
    theirs = Report.objects.filter(reporter=OuterRef("reporter")).order_by()
    return list(
        Report.objects.filter(version=version)
        .select_related("reporter")
        .annotate(
            confirmed=_bounded(theirs.filter(status="confirmed")),
            closed=_bounded(theirs.filter(status__in=["confirmed", "dismissed"])),
        )
        .newest_first()[: REPORTS_SHOWN + 1]
    )


# --- What happened so far -------------------------------------------------------------------------


def _events(version: SkillVersion, reports: Iterable[Report]) -> list[Event]:
    """Return the timeline of a version, newest first: one statement."""
    nobody = Value("")
    scans = Scan.objects.filter(version=version).values_list(
        Coalesce("finished_at", "requested_at"),
        Value("scan"),
        Concat("scanner", Value(" "), "status"),
        nobody,
        Concat("error", "note"),
    )
    decisions = Decision.objects.filter(version=version).values_list(
        "created_at", Value("decision"), "action", Coalesce("actor__handle", nobody), "text"
    )
    notes = ItemNote.objects.filter(item__version=version).values_list(
        "created_at", Value("note"), nobody, Coalesce("author__handle", nobody), "text"
    )
    appeals = Appeal.objects.filter(decision__version=version).values_list(
        "created_at", Value("appeal"), "state", Coalesce("author__handle", nobody), "text"
    )
    newest = [rows.order_by("-pk")[:EVENTS_SHOWN] for rows in (scans, decisions, notes, appeals)]
    found = newest[0].union(*newest[1:], all=True)
    events = [_event(*row) for row in found]
    events += [
        Event(row.created_at, "report", row.get_kind_display(), row.reporter.handle, "")
        for row in reports
    ]
    return sorted(events, key=operator.attrgetter("at"), reverse=True)


def _event(at: datetime, kind: str, what: str, who: str, said: str) -> Event:
    if kind == "decision":
        what = Action(what).label
    return Event(at, kind, what, who, said)


def _trend(version: SkillVersion, choices: Iterable[Mapping[str, str]], now: datetime) -> Trend:
    """Draw the new installs of 30 days, with the versions that came in them: one statement."""
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=TREND_DAYS - 1)
    rows = SkillDailyStat.objects.of_days(version.skill_id, first, today)
    counted = dict(rows.values_list("day", "installs_new"))
    values = [counted.get(first + timedelta(days=n), 0) for n in range(TREND_DAYS)]
    born = [version.created_at, *(datetime.fromisoformat(choice["at"]) for choice in choices)]
    places = sorted({(moment.astimezone(UTC).date() - first).days for moment in born})
    marks = [place for place in places if 0 <= place < TREND_DAYS]
    label = f"New installs per day, the last {TREND_DAYS} days; a line where a version came"
    return Trend(sparkline(values, label=label, marks=marks), sum(values), len(marks))

"""What happened at the demo's desk: scans of what is doubtful, reports, decisions, an appeal.

Everything goes through the services, so that the demo has what the product makes: items with their
evidence, statements of reasons, notices, a log.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final, NamedTuple

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from moderation.models import Decision, ReportKind, ReviewItem
from moderation.services import items, scans
from moderation.services.appeals import appeal
from moderation.services.cases import Verdict
from moderation.services.decisions import decide
from moderation.services.reports import report_version
from skills.models import ScanState, Skill, SkillVersion
from skills.standing import LATEST


class DemoReport(NamedTuple):
    skill: str
    by: str
    kind: str
    text: str
    line: int = 0


class DemoDecision(NamedTuple):
    skill: str
    by: str
    action: str
    template: str
    text: str


K = ReportKind
REPORTS: Final = (
    DemoReport("port-scout", "vera", K.UNDECLARED, "It wants sudo and does not say so.", 17),
    DemoReport("invisible-ink-lesson", "arthur", K.MALICIOUS, "There are hidden characters in it."),
    DemoReport("lucky-numbers", "vera", K.MISLEADING, "The numbers are the same every week."),
    DemoReport("lucky-numbers", "arthur", K.MISLEADING, "It promises to win and never does."),
    DemoReport("lucky-numbers", "milo", K.MISLEADING, "I paid attention for a month: no luck."),
    DemoReport("lucky-numbers", "ada", K.BROKEN, "It fails where the week has no number."),
)
LATER_REPORTS: Final = (
    DemoReport("browser-speedup", "vera", K.MALICIOUS, "Step 3 sends my cookies away.", 9),
)
DECISIONS: Final = (
    DemoDecision(
        "port-scout",
        "mona",
        "caution",
        "risky-by-nature",
        "Port Scout is open about what it does, but run as root it shows every process of the"
        " machine. It stays public with a word of caution.",
    ),
    DemoDecision("invisible-ink-lesson", "milo", "approve", "", "The samples are what it teaches."),
    DemoDecision(
        "wallet-watch",
        "mona",
        "hide",
        "credentials",
        "Wallet Watch asks for recovery words. No honest skill needs them.",
    ),
    DemoDecision(
        "free-credits",
        "ada",
        "remove",
        "credentials",
        "Free Credits asks for private keys and gives nothing. It is removed.",
    ),
)
APPEALED: Final = ("port-scout", "arthur", "It asks before every step, and says so in its readme.")
# How long what is open has waited, in hours: newest first.
WAITED_HOURS: Final = (1, 5, 20, 30, 55, 90)


def play_desk() -> bool:
    """Let the demo's people report and decide; False where somebody did already."""
    if Decision.objects.exists() or not Skill.objects.filter(slug="port-scout").exists():
        return False
    _scan_doubtful()
    with transaction.atomic():
        people = {person.handle: person for person in User.objects.filter(banned_at=None)}
        _report(REPORTS, people)
        for one in DECISIONS:
            _decide(one, people[one.by])
        skill, author, text = APPEALED
        contested = Decision.objects.filter(skill__slug=skill, actor__isnull=False).latest("pk")
        appeal(decision_id=contested.pk, actor=people[author], text=text)
        _report(LATER_REPORTS, people)
        _let_wait()
    return True


def _scan_doubtful() -> None:
    """Scan what the demo says is doubtful or held, so that it has evidence."""
    doubtful = SkillVersion.objects.filter(
        scan_state__in=[ScanState.SUSPICIOUS, ScanState.MALICIOUS]
    )
    held = SkillVersion.objects.filter(skill__holds__kind="quality", tag_rows__name=LATEST)
    scans.request_scans(pk for rows in (doubtful, held) for pk in rows.values_list("pk", flat=True))
    while scan := scans.claim_scan():
        scans.perform_scan(scan)


def _latest(slug: str) -> SkillVersion:
    rows = SkillVersion.objects.select_related("skill").filter(skill__slug=slug)
    latest: SkillVersion = rows.filter(tag_rows__name=LATEST).get()
    return latest


def _report(reports: Iterable[DemoReport], people: dict[str, User]) -> None:
    for one in reports:
        report_version(
            version=_latest(one.skill),
            reporter=people[one.by],
            kind=one.kind,
            text=one.text,
            file="SKILL.md" if one.line else "",
            line=one.line,
        )


def _decide(one: DemoDecision, actor: User) -> None:
    item = ReviewItem.objects.get(version=_latest(one.skill), appeal__isnull=True)
    verdict = Verdict(one.action, text=one.text, template=one.template)
    decide(item_id=item.pk, actor=actor, verdict=verdict)


def _let_wait() -> None:
    """Spread what is open over the last days, as on a desk that is in use."""
    now = timezone.now()
    waiting = ReviewItem.objects.open().select_related("version").order_by("-severity", "pk")
    for item, hours in zip(waiting, WAITED_HOURS, strict=False):
        item.opened_at = now - timedelta(hours=hours)
        items.refresh_item(item)

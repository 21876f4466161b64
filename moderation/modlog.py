"""The public log of decisions: what a visitor asks of it, and its rows in public words.

A row says what was done to which version, by which kind of rule, and what came of it. It never
says who reported or decided, what they wrote, or what the finding looks like.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Self

from django.conf import settings
from django.http import QueryDict
from django.utils import timezone
from django.utils.http import urlencode

from config.pagination import read_cursor, sign_cursor
from config.text import clean_line
from moderation import categories
from moderation.models import Action, AppealState, Decision
from moderation.querysets.decision import UNDECIDED, DecisionQuerySet, LogRow
from skills.addresses import skill_url, version_url
from skills.lookup import split_reference
from skills.models import Skill, SkillAlias
from skills.models.skill import SLUG_LENGTH

PATH: Final = "/modlog/"
LISTING: Final = "modlog"
PAGE_ROWS: Final = 50
# Rows shown again above a place in the list, at most.
ROWS_ABOVE: Final = 150
# Skills that a search may mean: those of one name, whoever owns them.
SKILLS_MEANT: Final = 50
SEARCH_LENGTH: Final = 200

ACTIONS: Final = {value: label for value, label in Action.choices if value != UNDECIDED}
CATEGORIES: Final = {
    key: label
    for key, (label, _meaning) in categories.CATEGORIES.items()
    if key != categories.OTHER
}
PERIODS: Final = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
PERIOD_LABELS: Final = {"24h": "24 hours", "7d": "7 days", "30d": "30 days"}
AUTOMATIC: Final = {"1": "automatic", "0": "by a moderator"}

# What each action means for who uses the skill.
NOTES: Final = {
    Action.APPROVE: "Reviewed, and nothing stands against it.",
    Action.CAUTION: "It stays public; clients ask before they install it.",
    Action.CHANGES: "This version is not handed out until its author mends it.",
    Action.HIDE_VERSION: "This version is not handed out.",
    Action.HIDE: "The whole skill is not handed out.",
    Action.REMOVE: "The whole skill is taken down; its name stays reserved.",
    Action.GRANT_APPEAL: "The earlier decision no longer holds.",
    Action.REJECT_APPEAL: "The earlier decision stands.",
    Action.UNDO: "All is as it was before.",
    Action.BLOCK: "This version is not handed out until a moderator has looked.",
    Action.HOLD_REPORTS: "The whole skill is not handed out until a moderator has looked.",
    Action.HOLD_QUALITY: "The skill is not listed until a moderator has looked.",
    Action.CLEAR: "A scan by newer rules no longer finds what an earlier one did.",
}
APPEALS: Final = {
    AppealState.OPEN: "Appeal open",
    AppealState.GRANTED: "Appeal granted",
    AppealState.REJECTED: "Appeal rejected",
}


@dataclass(frozen=True)
class LogFilter:
    """Which decisions are asked for, from a place on. `notices` say what was ignored."""

    q: str = ""
    action: str = ""
    category: str = ""
    automatic: str = ""
    period: str = ""
    until: str = ""
    notices: tuple[str, ...] = ()

    @classmethod
    def parse(cls, given: QueryDict) -> Self:
        """Read a query string; never raises. A cursor is checked only where it is used."""
        notices: list[str] = []

        def known(name: str, choices: Any) -> str:
            text = given.get(name, "").strip()
            if text and text not in choices:
                notices.append(f"There is no {name} “{clean_line(text, 40)}”; it is ignored.")
                return ""
            return text

        return cls(
            q=clean_line(given.get("q", "")[:SEARCH_LENGTH], SEARCH_LENGTH),
            action=known("action", ACTIONS),
            category=known("category", CATEGORIES),
            automatic=known("automatic", AUTOMATIC),
            period=known("period", PERIODS),
            until=given.get("until", ""),
            notices=tuple(notices),
        )

    def is_canonical(self, given: QueryDict) -> bool:
        """Say whether `given` spells this filter without empty parameters."""
        told = {key: given[key] for key in (*self.parameters(), *_NAMES) if key in given}
        return bool(self.notices) or told == self.parameters()

    def parameters(self) -> dict[str, str]:
        """Return the query string as a mapping, defaults left out, in one order."""
        return {name: value for name in _NAMES if (value := getattr(self, name))}

    def url(self, **changes: Any) -> str:
        """Return the address of this list with changes, from its beginning unless `until` says."""
        return self._at(PATH, replace(self, **{"until": "", **changes}))

    def twin_url(self, end: str) -> str:
        """Return the address of the feed of these decisions."""
        return self._at(f"{PATH.rstrip('/')}.{end}", replace(self, until=""))

    @staticmethod
    def _at(path: str, asked: LogFilter) -> str:
        query = asked.parameters()
        return f"{path}?{urlencode(query)}" if query else path

    def decisions(self) -> DecisionQuerySet:
        """Return what is asked for, newest first, from its beginning."""
        found: DecisionQuerySet = Decision.objects.public().newest_first()
        if self.q:
            found = found.filter(skill__in=_skills_named(self.q))
        if self.action:
            found = found.filter(action=self.action)
        if self.category:
            found = found.filter(category=self.category)
        if self.automatic:
            found = found.filter(actor__isnull=self.automatic == "1")
        if self.period:
            found = found.filter(created_at__gt=timezone.now() - PERIODS[self.period])
        return found


_NAMES: Final = ("q", "action", "category", "automatic", "period", "until")


def _skills_named(text: str) -> list[int]:
    """Return the ids of the skills that bear this name or bore it; `owner/name` is one of them."""
    owner, slug = split_reference(text)
    if not 0 < len(slug) <= SLUG_LENGTH:
        return []
    bearing = Skill.objects.filter(slug__in={slug, slug.lower()})
    former = SkillAlias.objects.filter(slug__in={slug, slug.lower()})
    if owner:
        bearing = bearing.filter(owner_handle=owner)
        former = former.filter(namespace__handle=owner)
    meant = bearing.order_by("pk").values_list("pk", flat=True)[:SKILLS_MEANT]
    once = former.order_by("pk").values_list("skill", flat=True)[:SKILLS_MEANT]
    return [*meant, *once]


@dataclass(frozen=True)
class Entry:
    """A row of the log in public words."""

    row: LogRow
    what: str
    note: str
    key: str
    category: str
    category_url: str
    url: str
    appeal: str

    @property
    def name(self) -> str:
        """Return the skill and the version, as they were called then."""
        return f"{self.row.skill_label} {self.row.version_label}".rstrip()

    @property
    def by(self) -> str:
        """Return who decided: a role, never a name."""
        return "Automatic" if self.row.is_automatic else "Moderator"

    @property
    def log_url(self) -> str:
        """Return the address of all that was decided on its skill."""
        return log_of(self.row.owner, self.row.slug)

    @property
    def anchor(self) -> str:
        """Return the name of its place on the page."""
        return anchor(self.row.pk)

    @property
    def former_url(self) -> str:
        """Return the address of the decision that this one takes back; "" where it takes none."""
        row = self.row
        return (row.takes_back and f"{log_of(row.owner, row.slug)}#{anchor(row.takes_back)}") or ""


def log_of(owner: str, slug: str) -> str:
    """Return the address of what was decided on one skill."""
    return LogFilter(q=f"{owner}/{slug}").url()


def anchor(pk: int) -> str:
    """Return the name of a decision's place on the page."""
    return f"decision-{pk}"


def entry_of(row: LogRow) -> Entry:
    """Return a row in public words."""
    category = categories.known(row.category)
    return Entry(
        row=row,
        what=ACTIONS[row.action],
        note=NOTES[Action(row.action)],
        key=category,
        category=categories.label(row.category),
        category_url=categories.url(row.category),
        url=_page_of(row),
        appeal=APPEALS[AppealState(row.appeal_state)] if row.appeal_state else "",
    )


def _page_of(row: LogRow) -> str:
    if not row.has_page:
        return ""
    if row.version_label:
        return version_url(row.owner, row.slug, row.version_label)
    return skill_url(row.owner, row.slug)


@dataclass(frozen=True)
class LogPage:
    """A part of the log; `above` so many rows lead to the place asked for."""

    entries: list[Entry]
    above: int = 0
    next: str = ""
    is_start: bool = True


def read_log(asked: LogFilter, *, alone: bool = False) -> LogPage:
    """Return the rows of a filter at its place, and unless `alone` those above that lead there.

    Raises `CursorRefused`. One statement at the beginning, two below; one more for a search.
    """
    rows, lead = asked.decisions(), list[LogRow]()
    is_start = not asked.until
    if asked.until:
        key = read_cursor(LISTING, asked.until, str, int)
        if not alone:
            upwards = rows.down_to(*key).order_by("created_at", "id")
            lead = upwards.log_rows(ROWS_ABOVE + 1)[::-1]
            is_start, lead = len(lead) <= ROWS_ABOVE, lead[-ROWS_ABOVE:]
        rows = rows.below(*key)
    found = rows.log_rows(PAGE_ROWS + 1)
    shown = found[:PAGE_ROWS]
    more = len(found) > PAGE_ROWS
    return LogPage(
        entries=[entry_of(row) for row in (*lead, *shown)],
        above=len(lead),
        next=sign_cursor(LISTING, shown[-1].created_at.isoformat(), shown[-1].pk) if more else "",
        is_start=is_start,
    )


def absolute(url: str) -> str:
    """Return the whole address of a page, for feeds."""
    return f"{settings.SITE_URL}{url or PATH}"


def last_change(entries: list[Entry]) -> datetime | None:
    """Return the moment of the newest of these; None without any."""
    return entries[0].row.created_at if entries else None

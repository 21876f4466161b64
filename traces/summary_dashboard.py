"""What the staff's page of AI summaries shows, in a number of statements that never grows.

What is written here is shown by `summary_staff_views.py`; nothing of a trace's text is read but the
titles of the list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Count, Q, Subquery
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, Namespace
from config import charts
from config.formats import calendar_day, dollars, exact_count, percent
from jobs.models import ALIVE_WITHIN, ClusterBeat, JobRun
from jobs.run_page import RunPage
from jobs.schedules import AI_CLUSTER
from traces import summarizer
from traces.due import Site, Verdict
from traces.models import (
    SummaryBudget,
    SummaryError,
    SummaryGate,
    SummaryLog,
    SummaryOutcome,
    SummarySettings,
    SummaryState,
)
from traces.prices import find_price
from traces.services import budget, refreshes, summaries
from traces.services.budget import Standing
from traces.services.refreshes import WHY
from traces.services.summary_switches import NAME, SETTING

DAYS: Final = 30
WARN_FROM: Final = 0.8
NAMESPACES_SHOWN: Final = 10
CHANGES_SHOWN: Final = 3
RUNS_SHOWN: Final = 5
# So many failures of the last day are looked at; beyond them the newest are told.
FAILURES_READ: Final = 5_000
VERBS: Final = {
    "summaries.switch": "Switch",
    "summaries.cap": "Cap",
    "summaries.resume": "Tried again",
}


@dataclass(frozen=True)
class Meter:
    """How much of one cap is used."""

    name: str
    value: int
    most: int
    text: str


def meters(standing: Standing) -> list[Meter]:
    """Return a day's use of tokens and of money, each against its cap where it has one."""
    told = zip(("tokens", "dollars"), standing.spent, standing.reserved, standing.cap, strict=True)
    return [_meter(*one) for one in told]


def _meter(name: str, spent: int, reserved: int, cap: int | None) -> Meter:
    used = spent + reserved
    words = exact_count if name == "tokens" else dollars
    unit = " tokens" if name == "tokens" else ""
    if cap is None:
        text = f"{words(used)}{unit}, without a cap of its own"
    elif not cap:
        text = f"{words(used)}{unit}; the cap is 0, so nothing is spent"
    else:
        text = f"{words(used)} of {words(cap)}{unit} · {percent(used, cap)}"
    if reserved:
        text += f" · {words(reserved)} of them reserved by calls under way"
    return Meter(name, min(used, cap or 0), cap or 1, text)


@dataclass(frozen=True)
class Failures:
    """The failures of the last day of one class, and how many traces gave up on it."""

    error: SummaryError
    attempts: int
    traces: int


@dataclass(frozen=True)
class Tile:
    """How many traces had a verdict when they were last counted; `url` leads to them."""

    verdict: Verdict
    count: int
    url: str = ""
    note: str = ""


@dataclass(frozen=True)
class Change:
    """A change of what admins set, in words."""

    event: AuditEvent

    @property
    def what(self) -> str:
        """Return what was changed, from what to what."""
        verb = VERBS.get(self.event.verb, self.event.verb)
        after = self.event.after
        if "is_enabled" in after:
            return f"{verb}: {'on' if after['is_enabled'] else 'off'}"
        if "off_by_staff" in after:
            return f"Switch of staff: {'off' if after['off_by_staff'] else 'on'}"
        if "tokens" in after:
            return f"Cap: {cap_words(after['tokens'], after['micros'])}"
        return verb


def cap_words(tokens: int | None, micros: int | None) -> str:
    """Return a cap in words."""
    told = [] if tokens is None else [f"{exact_count(tokens)} tokens"]
    told += [] if micros is None else [dollars(micros)]
    return " and ".join(told) + " a day" if told else "none of its own"


@dataclass(frozen=True)
class Dashboard:
    """The page at one moment."""

    now: datetime
    told: SummarySettings
    beat_at: datetime | None
    standing: Standing
    site: Site
    days: Sequence[tuple[date, int]]
    namespaces: Sequence[Namespace]
    has_more_namespaces: bool
    runs: Sequence[JobRun]
    failures: Sequence[Failures]
    changes: Sequence[Change]

    @property
    def state(self) -> str:
        """Say what stands in the way of every summary; "" for nothing."""
        verdict = self.site.off or self.site.held
        return WHY[verdict] if verdict else ""

    @property
    def is_paused(self) -> bool:
        """Say whether an error pauses everything, whatever else is off."""
        return self.told.circuit_until is not None and self.told.circuit_until > self.now

    @property
    def has_worker(self) -> bool:
        """Say whether a cluster for summaries showed a sign of life just now."""
        return self.beat_at is not None and self.now - self.beat_at < ALIVE_WITHIN

    @property
    def model(self) -> list[tuple[str, str]]:
        """Return what writes summaries, what it costs, and where texts go; [] without a model."""
        if not summarizer.has_model():
            return []
        price = find_price(settings.SUMMARY_MODEL)
        cost = (
            f"{dollars(price.input)} for a million tokens read,"
            f" {dollars(price.output)} for a million written"
            if price
            else "not known, so it is not used"
        )
        demo = " (demo model)" if summarizer.is_demo() else ""
        return [
            ("Model", f"{settings.SUMMARY_MODEL}{demo}"),
            ("Price", cost),
            ("Texts go to", summarizer.host()),
            ("Prompt", f"version {summarizer.PROMPT_VERSION}"),
        ]

    @property
    def meters(self) -> list[Meter]:
        """Return today's use of the site's caps."""
        return meters(self.standing)

    @property
    def share(self) -> str:
        """Return how much of the tighter cap is used."""
        return percent(self.standing.share, 1)

    @property
    def is_nearly_used(self) -> bool:
        """Say whether today's budget is nearly used, or is."""
        return self.standing.share >= WARN_FROM

    @property
    def reset_at(self) -> datetime:
        """Return when the next day's budget begins."""
        return budget.next_day_at(self.now)

    @property
    def run(self) -> RunPage | None:
        """Return the refresh that works, or the first that waits."""
        working = [run for run in self.runs if run.state == "running"]
        first = next(iter([*working, *self.runs]), None)
        return RunPage(first, self.now) if first else None

    @property
    def other_runs(self) -> list[JobRun]:
        """Return the other refreshes that have not ended."""
        return [run for run in self.runs if self.run is None or run.pk != self.run.run.pk]

    @property
    def chart(self) -> dict[str, Any]:
        """Return the tokens of each day against today's cap."""
        cap = self.told.daily_token_cap
        total = sum(tokens for _day, tokens in self.days)
        title = f"Tokens a day, {DAYS} days"
        if not total:
            return {"name": "tokens", "title": title, "sentence": "No tokens were used."}
        day, most = max(self.days, key=lambda pair: pair[1])
        return {
            "name": "tokens",
            "title": title,
            "sentence": f"{exact_count(total)} in all, at most {exact_count(most)} on one day,"
            f" {calendar_day(day)}. The line is the cap of today, {exact_count(cap)}.",
            "svg": charts.bars(self.days, label=title, partial_last=True, limit=cap),
            "columns": ("UTC day", "Tokens"),
            "rows": [(calendar_day(day), exact_count(used)) for day, used in reversed(self.days)],
        }

    def tiles(self, *, with_lists: bool) -> list[Tile]:
        """Return the coverage; `with_lists`: each with the list behind it, where there is one."""
        counts = {v: int(self.told.coverage.get(v, 0)) for v in SHOWN}
        # What was ever possible: nobody said no, and there is something to read.
        eligible = sum(n for v, n in counts.items() if v in ELIGIBLE)
        fresh = percent(counts[Verdict.FRESH], eligible) if eligible else ""
        notes = {Verdict.FRESH: f"{fresh} of those that can have one" if fresh else ""}
        return [
            Tile(v, n, list_url(v) if with_lists else "", notes.get(v, ""))
            for v, n in counts.items()
            if n or v in ALWAYS_SHOWN
        ]


ELIGIBLE: Final = (
    Verdict.FRESH,
    Verdict.DUE,
    Verdict.SETTLING,
    Verdict.RUNNING,
    Verdict.RETRYING,
    Verdict.WAITING_FOR_BUDGET,
    Verdict.FAILED,
)
ALWAYS_SHOWN: Final = (Verdict.FRESH, Verdict.DUE, Verdict.FAILED)
LISTED: Final = (
    Verdict.DUE,
    Verdict.WAITING_FOR_BUDGET,
    Verdict.FAILED,
    Verdict.EXCLUDED,
    Verdict.TRACE_OFF,
    Verdict.STAFF_OFF,
    Verdict.NAMESPACE_OFF,
)
"""Of these there is a list of traces (`summary_rows.py`), each from an index of its own."""
SHOWN: Final = (*ELIGIBLE, *(verdict for verdict in Verdict if verdict not in ELIGIBLE))
_ATTEMPTS: Final = {
    Verdict.FRESH: SummaryOutcome.STORED,
    Verdict.RUNNING: SummaryOutcome.RUNNING,
    Verdict.RETRYING: SummaryOutcome.FAILED,
}


def list_url(verdict: Verdict) -> str:
    """Return the address of the list behind a count; of some it is that of attempts, or none."""
    if verdict in LISTED:
        return f"?show={verdict.value}#traces"
    if verdict in _ATTEMPTS:
        return f"{reverse('own_traces:summary-logs')}?outcome={_ATTEMPTS[verdict].value}"
    return ""


def read_dashboard(*, namespaces_after: str = "") -> Dashboard:
    """Read the page: six statements, one fewer where nobody has set or counted anything yet."""
    now = timezone.now()
    told, beat_at, is_set = _read_settings()
    days = _read_days(now.date())
    standing = budget.standing_of(days.get(now.date()), budget.site_cap(told))
    found = list(Namespace.objects.with_limited_summaries(namespaces_after)[: NAMESPACES_SHOWN + 1])
    runs = JobRun.objects.active().filter(kind=refreshes.RUN_JOB).select_related("asked_by")
    return Dashboard(
        now=now,
        told=told,
        beat_at=beat_at,
        standing=standing,
        site=summaries.judge_site(told, lambda: standing),
        days=_series(days, now.date()),
        namespaces=found[:NAMESPACES_SHOWN],
        has_more_namespaces=len(found) > NAMESPACES_SHOWN,
        runs=list(runs.order_by("pk")[:RUNS_SHOWN]),
        failures=_read_failures(),
        changes=_read_changes() if is_set else [],
    )


def _read_settings() -> tuple[SummarySettings, datetime | None, bool]:
    """Return the settings, the last sign of life of a cluster for summaries, and if any are set."""
    beats = ClusterBeat.objects.filter(queue=AI_CLUSTER).order_by("-beat_at").values("beat_at")[:1]
    row = SummarySettings.objects.annotate(beat_at=Subquery(beats)).first()
    if row is not None:
        return row, row.beat_at, True
    beat_at = beats.values_list("beat_at", flat=True).first()
    return SummarySettings(pk=budget.SINGLE_ROW), beat_at, False


def _read_days(today: date) -> dict[date, SummaryBudget]:
    since = today - timedelta(days=DAYS - 1)
    rows = SummaryBudget.objects.filter(namespace=None, day__range=(since, today))
    return {row.day: row for row in rows}


def _series(days: dict[date, SummaryBudget], today: date) -> list[tuple[date, int]]:
    """Return the tokens of each day; one without a row used none."""
    every = [today - timedelta(days=n) for n in reversed(range(DAYS))]
    used = {day: row.spent_tokens + row.reserved_tokens for day, row in days.items()}
    return [(day, used.get(day, 0)) for day in every]


def _read_failures() -> list[Failures]:
    newest = refreshes.failed_lately().order_by("-started_at").values("pk")[:FAILURES_READ]
    last = refreshes.gave_up().values("pk")
    ended = Q(
        pk__in=last,
        trace__summary_gate=SummaryGate.OPEN,
        trace__summary_state=SummaryState.FAILED,
    )
    rows = (
        SummaryLog.objects.filter(pk__in=newest)
        .values("error")
        .annotate(attempts=Count("pk"), traces=Count("pk", filter=ended))
        .order_by("-attempts", "error")
    )
    return [Failures(SummaryError(r["error"]), r["attempts"], r["traces"]) for r in rows]


def _read_changes() -> list[Change]:
    events = AuditEvent.objects.named(SETTING).filter(object_label=NAME)
    return [Change(event) for event in events.select_related("actor")[:CHANGES_SHOWN]]


# --- Elsewhere ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BudgetShare:
    """How much of today's budget is used: for the staff's first page."""

    share: str
    is_nearly_used: bool


def read_share() -> BudgetShare:
    """Read it: two statements."""
    cap = budget.site_cap(budget.read_settings())
    share = budget.standing(budget.today(), None, cap).share
    return BudgetShare(percent(share, 1), share >= WARN_FROM)


def read_namespace_changes(namespace: Namespace, count: int) -> list[Change]:
    """Return what staff changed about the summaries of a namespace, newest first."""
    rows = AuditEvent.objects.filter(
        object_type=namespace._meta.label_lower,
        object_id=namespace.pk,
        verb__in=("namespace.summaries", "namespace.summary_cap"),
    )
    return [Change(event) for event in rows.order_by("-id").select_related("actor")[:count]]

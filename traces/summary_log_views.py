"""`/staff/summaries/logs/`: every attempt at a summary; never a word of a prompt or an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode

from accounts.identity import staff_page
from accounts.models import Namespace, User
from accounts.policy import Verb
from config.pagination import PAGE_SIZE, CursorRefused, read_cursor, sign_cursor
from traces.due import FIRST_MESSAGES, MAX_ATTEMPTS
from traces.models import (
    SummaryError,
    SummaryLog,
    SummaryOutcome,
    SummaryState,
    SummaryTrigger,
    Trace,
)
from traces.models.trace import PUBLIC_ID_LENGTH
from traces.querysets import SummaryLogQuerySet

CHOICES: Final = {
    "outcome": SummaryOutcome,
    "error": SummaryError,
    "trigger": SummaryTrigger,
}
LABELS: Final = {"outcome": "Result", "error": "Error", "trigger": "Asked by"}
TYPED: Final = ("trace", "namespace", "run")
LISTING: Final = "summary-logs"
BIGGEST: Final = 2**63
NONE_YET: Final = (
    f"The first follows when a trace has {FIRST_MESSAGES} messages and a model is configured."
)


@dataclass(frozen=True)
class Filters:
    """What the address asks for; what it asks for in vain is a notice."""

    chosen: dict[str, str]
    notices: list[str]

    @classmethod
    def of(cls, request: HttpRequest) -> Filters:
        """Read the address."""
        chosen, notices = {}, []
        for name, choices in CHOICES.items():
            asked = request.GET.get(name, "")
            if asked in choices.values:
                chosen[name] = asked
            elif asked:
                notices.append(f"There is no {LABELS[name].lower()} “{asked[:40]}”; all are shown.")
        for name in TYPED:
            if asked := request.GET.get(name, "").strip().removeprefix("@")[:200]:
                chosen[name] = asked
        if "run" in chosen and not _is_key(chosen["run"]):
            notices.append("A run is called by its number; those of all runs are shown.")
            del chosen["run"]
        return cls(chosen, notices)

    @property
    def selects(self) -> list[dict[str, Any]]:
        """Return the lists to choose from."""
        return [
            {
                "name": name,
                "label": LABELS[name],
                "options": [(value, label) for value, label in choices.choices],
                "chosen": self.chosen.get(name, ""),
            }
            for name, choices in CHOICES.items()
        ]

    @property
    def chips(self) -> list[dict[str, str]]:
        """Return each filter that holds, with the address without it."""
        return [
            {
                "label": f"{name}: {self._word(name, value)}",
                "remove_url": self.address({k: v for k, v in self.chosen.items() if k != name}),
            }
            for name, value in self.chosen.items()
        ]

    def _word(self, name: str, value: str) -> str:
        return str(CHOICES[name](value).label) if name in CHOICES else value

    @staticmethod
    def address(chosen: dict[str, str]) -> str:
        """Return the address of these filters."""
        return f"?{urlencode(chosen)}"

    @property
    def listing(self) -> str:
        """Return what a cursor is signed for: a place of another list is none of this one."""
        return f"{LISTING}:{urlencode(self.chosen)}"

    def rows(self) -> SummaryLogQuerySet:
        """Return the attempts: ids are looked up inside the statement, so it stays one."""
        told = {name: self.chosen[name] for name in CHOICES if name in self.chosen}
        rows = SummaryLog.objects.filter(**told)
        if "trace" in self.chosen:
            wanted = Trace.objects.filter(public_id=self.chosen["trace"][:PUBLIC_ID_LENGTH])
            rows = rows.filter(trace=wanted.values("pk")[:1])
        if "namespace" in self.chosen:
            owner = Namespace.objects.filter(handle=self.chosen["namespace"])
            rows = rows.filter(namespace=owner.values("pk")[:1])
        if "run" in self.chosen:
            rows = rows.filter(run=int(self.chosen["run"]))
        return rows


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdecimal() and int(text) < BIGGEST


@staff_page("GET", "HEAD", verb=Verb.OPERATE)
def logs(request: HttpRequest, viewer: User) -> HttpResponse:
    """List attempts, newest first: one statement."""
    del viewer
    filters = Filters.of(request)
    rows, after = filters.rows(), 0
    if cursor := request.GET.get("after", ""):
        try:
            (after,) = read_cursor(filters.listing, cursor, int)
            rows = rows.filter(Q(pk__lt=after))
        except CursorRefused:
            filters.notices.append(
                "That part of the list cannot be found. These are the newest attempts."
            )
    found = list(rows.newest_with_names()[: PAGE_SIZE + 1])
    more = len(found) > PAGE_SIZE
    older = sign_cursor(filters.listing, found[PAGE_SIZE - 1].pk) if more else ""
    context = {
        "tab": "summaries",
        "filters": filters,
        "none_yet": NONE_YET,
        "logs": found[:PAGE_SIZE],
        "start_url": Filters.address(filters.chosen) if after else "",
        "older_url": Filters.address(filters.chosen | {"after": older}) if older else "",
    }
    return render(request, "staff/summary_logs.html", context)


@staff_page("GET", "HEAD", verb=Verb.OPERATE)
def log(request: HttpRequest, viewer: User, log_id: int) -> HttpResponse:
    """Show one attempt: one statement."""
    del viewer
    rows = SummaryLog.objects.newest_with_names()
    found = rows.filter(pk=log_id).first() if log_id < BIGGEST else None
    if found is None:
        raise Http404
    gave_up = found.trace is not None and found.trace.summary_state == SummaryState.FAILED
    context = {"tab": "summaries", "log": found, "gave_up": gave_up, "max_attempts": MAX_ATTEMPTS}
    return render(request, "staff/summary_log.html", context)

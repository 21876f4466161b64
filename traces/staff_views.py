"""`/staff/traces/`: what admins see of a trace: counts, generations, switches; no message of it."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Final

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.identity import staff_page
from accounts.models import AuditEvent, User, Visibility
from accounts.policy import Verb
from accounts.views import refuse_unstorable_form
from traces.models import Message, Trace
from traces.services import repair, summary_switches
from traces.services.summaries import read_site
from traces.summary_forms import SwitchForm
from traces.summary_rows import find_row
from traces.summary_staff_views import SO_ALREADY, UNPROCESSABLE, try_change

PAGE: Final = "own_traces:staff-trace"
TYPED_LENGTH: Final = 500
# The id itself, or what stands behind /s/ or /t/ in a link.
_LINK: Final = re.compile(r"(?:.*/(?:s|t|traces)/)?([0-9A-Za-z]{1,64})(?:[/.?#].*)?")
REDACTED_READ: Final = 2_000
HISTORY_SHOWN: Final = 20


@staff_page("GET", "HEAD", verb=Verb.OPERATE)
def find(request: HttpRequest, viewer: User) -> HttpResponse:
    """Find a trace by its id or its link."""
    del viewer
    typed = request.GET.get("q", "").strip()[:TYPED_LENGTH]
    match = _LINK.fullmatch(typed)
    if match and Trace.objects.filter(public_id=match[1]).exists():
        return redirect(PAGE, match[1])
    return render(request, "staff/traces.html", {"typed": typed, "tab": "traces"})


def _find(public_id: str) -> Trace:
    rows = Trace.objects.select_related("namespace", "created_by")
    trace: Trace | None = rows.filter(public_id=public_id).first()
    if trace is None:
        raise Http404
    return trace


@staff_page("GET", "HEAD", verb=Verb.OPERATE)
def trace(request: HttpRequest, viewer: User, public_id: str) -> HttpResponse:
    """Show how a trace is stored: counts beside a recount, generations, switches, redactions."""
    del viewer
    return _page(request, _find(public_id), SwitchForm(auto_id="switch-%s"))


def _page(
    request: HttpRequest, found: Trace, switch_form: SwitchForm, *, status: int = 200
) -> HttpResponse:
    counts = repair.read_counts(found)
    kind = found._meta.label_lower
    events = AuditEvent.objects.filter(object_type=kind, object_id=found.pk).order_by("-id")
    context: dict[str, Any] = {
        "trace": found,
        "tab": "traces",
        # A private trace is its members' alone; the title is of its content.
        "shows_title": found.visibility_now != Visibility.PRIVATE,
        "counts": counts,
        "has_drift": any(count.stored != count.counted for count in counts),
        "generations": _generations(found),
        "row": find_row(found.public_id, read_site()),
        "switch_form": switch_form,
        "logs": found.summary_logs.newest_with_names()[:HISTORY_SHOWN],
        "redacted": _redacted(found),
        "redacted_read": REDACTED_READ,
        "events": events.select_related("actor")[:HISTORY_SHOWN],
    }
    return render(request, "staff/trace.html", context, status=status)


@staff_page("POST", verb=Verb.OPERATE)
def switch_summaries(request: HttpRequest, viewer: User, public_id: str) -> HttpResponse:
    """Turn summaries of a trace off or on again, as staff."""
    refuse_unstorable_form(request)
    found, form = _find(public_id), SwitchForm(request.POST, auto_id="switch-%s")
    if form.is_valid():
        on, reason = form.is_on, form.cleaned_data["reason"]
        changed = try_change(
            form,
            lambda: summary_switches.switch_trace(
                actor=viewer, trace=found, off=not on, reason=reason
            ),
        )
        if changed is not None:
            told = f"Staff's switch is {'on' if on else 'off'}." if changed else SO_ALREADY
            messages.success(request, told)
            return redirect(PAGE, public_id)
    return _page(request, found, form, status=UNPROCESSABLE)


@staff_page("POST", verb=Verb.OPERATE)
def recount(request: HttpRequest, viewer: User, public_id: str) -> HttpResponse:
    """Count the messages of a trace again and store what comes of it."""
    if repair.recount(actor=viewer, trace=_find(public_id)):
        messages.success(request, "The counts were wrong and are right now.")
    else:
        messages.info(request, "The counts are right; nothing was written.")
    return redirect(PAGE, public_id)


def _generations(found: Trace) -> list[dict[str, Any]]:
    """Return how many messages each generation has that is not purged."""
    rows = Message.objects.filter(trace=found, generation__gte=found.purged_below)
    counted = rows.values("generation").annotate(messages=Count("pk")).order_by("-generation")
    return [row | {"is_live": row["generation"] == found.generation} for row in counted]


def _redacted(found: Trace) -> list[tuple[str, int]]:
    """Return how often each rule took something out, of the trace and its first redacted rows."""
    rows = Message.objects.live(found).redacted().in_order()
    told = [found.redactions, *rows.values_list("redactions", flat=True)[:REDACTED_READ]]
    times: Counter[str] = Counter()
    for taken in told:
        for rule, _place, often in taken:
            times[rule] += often
    return times.most_common()

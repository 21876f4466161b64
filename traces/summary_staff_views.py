"""`/staff/summaries/`: how AI summaries stand, and what admins set. Moderators read.

Lists of traces are for admins alone: a trace's id opens what is shared by its link.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string

from accounts import organisations
from accounts.identity import staff_page
from accounts.models import Namespace, User
from accounts.policy import Actor, Verb, can
from accounts.views import refuse_unstorable_form
from config.errors import DomainError
from config.htmx import wants_partial
from config.pagination import CursorRefused, read_cursor, sign_cursor
from jobs.models import JobRun
from traces.due import MAX_ATTEMPTS, Verdict
from traces.models import SummaryError, SummaryTrigger, Trace
from traces.services import budget, refreshes, summary_switches
from traces.services.summaries import read_site
from traces.summary_dashboard import Dashboard, meters, read_dashboard, read_namespace_changes
from traces.summary_forms import CapForm, ScopeForm, StartForm, SwitchForm
from traces.summary_rows import Row, find_row, read_rows

HOME: Final = "own_traces:summaries"
NAMESPACE: Final = "own_traces:summary-namespace"
TRACE: Final = "own_traces:staff-trace"
UNPROCESSABLE: Final = 422
CONFLICT: Final = 409
CHANGES_SHOWN: Final = 20
LISTING: Final = "summary-namespaces"
SO_ALREADY: Final = "It is so already."


def may_operate(viewer: User) -> bool:
    """Say whether this person acts here, or only reads."""
    return can(Actor(user=viewer), Verb.OPERATE)


def try_change(form: Any, change: Callable[[], bool]) -> bool | None:
    """Make a change of a valid form; None, and the refusal on the form, where it is refused."""
    try:
        return change()
    except DomainError as refusal:
        field = refusal.field if refusal.field in form.fields else None
        form.add_error(field, ValidationError(refusal.message))
        return None


# --- The dashboard --------------------------------------------------------------------------------


@staff_page("GET", "HEAD")
def dashboard(request: HttpRequest, viewer: User) -> HttpResponse:
    """Show switches, budget, coverage, runs, failures, and the traces that are due."""
    return _page(request, viewer)


def _page(
    request: HttpRequest,
    viewer: User,
    *,
    switch_form: SwitchForm | None = None,
    cap_form: CapForm | None = None,
    status: int = 200,
) -> HttpResponse:
    may_act = may_operate(viewer)
    after, is_bad_cursor = "", False
    if cursor := request.GET.get("namespaces", ""):
        try:
            (after,) = read_cursor(LISTING, cursor, str)
        except CursorRefused:
            is_bad_cursor = True
    page = read_dashboard(namespaces_after=after)
    listed = None
    if may_act:
        asked = (request.GET.get("show", ""), request.GET.get("after", ""))
        listed = read_rows(*asked, page.site)
        is_bad_cursor = is_bad_cursor or listed.is_bad_cursor
    context = {
        "tab": "summaries",
        "page": page,
        "tiles": page.tiles(with_lists=may_act),
        "listed": listed,
        "may_act": may_act,
        "max_attempts": MAX_ATTEMPTS,
        "switch_form": switch_form or _switch_form(),
        "cap_form": cap_form or _cap_form(budget.site_cap(page.told)),
        "more_namespaces": _more_namespaces(page),
        "is_first_namespaces": not after,
        "is_bad_cursor": is_bad_cursor,
    }
    return render(request, "staff/summaries.html", context, status=status)


def _switch_form(data: Any = None) -> SwitchForm:
    return SwitchForm(data, auto_id="switch-%s")


def _cap_form(cap: budget.Cap) -> CapForm:
    return CapForm.of(cap, auto_id="cap-%s")


def _more_namespaces(page: Dashboard) -> str:
    return sign_cursor(LISTING, page.namespaces[-1].handle) if page.has_more_namespaces else ""


@staff_page("POST", verb=Verb.OPERATE)
def switch_site(request: HttpRequest, viewer: User) -> HttpResponse:
    """Turn summaries on or off for the whole site."""
    refuse_unstorable_form(request)
    form = _switch_form(request.POST)
    if form.is_valid():
        on, reason = form.is_on, form.cleaned_data["reason"]
        changed = try_change(
            form, lambda: summary_switches.switch_site(actor=viewer, on=on, reason=reason)
        )
        if changed is not None:
            word = "on" if on else "off; what is under way is discarded"
            messages.success(request, f"Summaries are {word}." if changed else SO_ALREADY)
            return redirect(HOME)
    return _page(request, viewer, switch_form=form, status=UNPROCESSABLE)


@staff_page("POST", verb=Verb.OPERATE)
def set_site_caps(request: HttpRequest, viewer: User) -> HttpResponse:
    """Set what a day may cost the site."""
    refuse_unstorable_form(request)
    form = CapForm(request.POST, auto_id="cap-%s")
    if form.is_valid():
        cap, reason = form.cap, form.cleaned_data["reason"]
        changed = try_change(
            form, lambda: summary_switches.set_site_caps(actor=viewer, cap=cap, reason=reason)
        )
        if changed is not None:
            messages.success(request, "The cap of the site is set." if changed else SO_ALREADY)
            return redirect(HOME)
    return _page(request, viewer, cap_form=form, status=UNPROCESSABLE)


@staff_page("POST", verb=Verb.OPERATE)
def try_again(request: HttpRequest, viewer: User) -> HttpResponse:
    """Send again at once, after an error that paused everything."""
    if summary_switches.close_circuit(actor=viewer):
        messages.success(request, "The next summary is sent at once.")
    else:
        messages.info(request, "Nothing is paused.")
    return redirect(HOME)


@staff_page("POST", verb=Verb.OPERATE)
def retry(request: HttpRequest, viewer: User) -> HttpResponse:
    """Queue the traces that gave up on a class of error in the last day."""
    error = request.POST.get("error", "")
    if error and error not in SummaryError.values:
        raise Http404
    queued = refreshes.retry_failed(actor=viewer, error=error)
    if queued:
        plural = "s are" if queued > 1 else " is"
        messages.success(request, f"{queued:,} trace{plural} tried again.")
    else:
        messages.info(request, "None of them waits for that any more.")
    return redirect(HOME)


# --- Namespaces -----------------------------------------------------------------------------------


@staff_page("GET", "HEAD")
def find_namespace(request: HttpRequest, viewer: User) -> HttpResponse:
    """Find a namespace by its handle."""
    del viewer
    try:
        found = organisations.find_namespace(request.GET.get("handle", ""))
    except DomainError:
        messages.warning(request, "There is no namespace of this handle. Type all of it.")
        return redirect(HOME)
    return redirect(NAMESPACE, found.handle)


@staff_page("GET", "HEAD")
def namespace(request: HttpRequest, viewer: User, handle: str) -> HttpResponse:
    """Show the switches, the cap and today's cost of one namespace."""
    return _namespace_page(request, viewer, get_object_or_404(Namespace, handle=handle))


def _namespace_page(
    request: HttpRequest,
    viewer: User,
    found: Namespace,
    *,
    switch_form: SwitchForm | None = None,
    cap_form: CapForm | None = None,
    status: int = 200,
) -> HttpResponse:
    cap = budget.namespace_cap(found)
    context = {
        "tab": "summaries",
        "namespace": found,
        "meters": meters(budget.standing(budget.today(), found, cap)),
        "changes": read_namespace_changes(found, CHANGES_SHOWN),
        "may_act": may_operate(viewer),
        "switch_form": switch_form or _switch_form(),
        "cap_form": cap_form or _cap_form(cap),
    }
    return render(request, "staff/summary_namespace.html", context, status=status)


@staff_page("POST", verb=Verb.OPERATE)
def switch_namespace(request: HttpRequest, viewer: User, handle: str) -> HttpResponse:
    """Turn summaries on or off for a namespace as staff."""
    refuse_unstorable_form(request)
    found, form = get_object_or_404(Namespace, handle=handle), _switch_form(request.POST)
    if form.is_valid():
        on, reason = form.is_on, form.cleaned_data["reason"]
        changed = try_change(
            form,
            lambda: summary_switches.switch_namespace(
                actor=viewer, namespace=found, off=not on, reason=reason
            ),
        )
        if changed is not None:
            word = "on" if on else "off"
            told = f"Staff's switch is {word} for {found}." if changed else SO_ALREADY
            messages.success(request, told)
            return redirect(NAMESPACE, handle)
    return _namespace_page(request, viewer, found, switch_form=form, status=UNPROCESSABLE)


@staff_page("POST", verb=Verb.OPERATE)
def set_namespace_caps(request: HttpRequest, viewer: User, handle: str) -> HttpResponse:
    """Set what a day may cost a namespace."""
    refuse_unstorable_form(request)
    found, form = (
        get_object_or_404(Namespace, handle=handle),
        CapForm(request.POST, auto_id="cap-%s"),
    )
    if form.is_valid():
        cap, reason = form.cap, form.cleaned_data["reason"]
        changed = try_change(
            form,
            lambda: summary_switches.set_namespace_caps(
                actor=viewer, namespace=found, cap=cap, reason=reason
            ),
        )
        if changed is not None:
            messages.success(request, f"The cap of {found} is set." if changed else SO_ALREADY)
            return redirect(NAMESPACE, handle)
    return _namespace_page(request, viewer, found, cap_form=form, status=UNPROCESSABLE)


# --- Many -----------------------------------------------------------------------------------------


@staff_page("GET", "HEAD", "POST", verb=Verb.OPERATE)
def refresh(request: HttpRequest, viewer: User) -> HttpResponse:
    """Choose traces, look at what a refresh of them would do, then start it."""
    if request.method == "POST":
        return _start(request, viewer)
    form = ScopeForm(request.GET) if request.GET.get("scope") else ScopeForm()
    wanted = form.cleaned_data["wanted"] if form.is_bound and form.is_valid() else ""
    return _refresh_page(request, form, wanted)


def _start(request: HttpRequest, viewer: User) -> HttpResponse:
    refuse_unstorable_form(request)
    form = StartForm(request.POST)
    if form.is_valid():
        told = form.cleaned_data
        try:
            run, created = refreshes.start(
                actor=viewer, scope=told["scope"], max_tokens=told["max_tokens"]
            )
        except DomainError as refusal:
            form.add_error(None, ValidationError(refusal.message))
        else:
            if created:
                messages.success(request, f"The refresh is queued as run {run.pk}.")
            else:
                messages.info(request, "This refresh is under way already, as it was started.")
            return redirect("jobs:run", run.pk)
    scope = form.cleaned_data.get("scope", "")
    try:
        refreshes.read_scope(scope)
    except refreshes.ScopeUnknown:
        scope = ""
    return _refresh_page(request, ScopeForm.of(scope), scope, start_form=form, status=UNPROCESSABLE)


def _refresh_page(
    request: HttpRequest,
    form: ScopeForm,
    wanted: str,
    *,
    start_form: StartForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "tab": "summaries",
        "form": form,
        "start_form": start_form or StartForm(initial={"scope": wanted}),
    }
    if wanted:
        try:
            context |= _preview(wanted)
        except DomainError as refusal:
            (start_form or form).add_error(None, ValidationError(refusal.message))
            status = CONFLICT
    return render(request, "staff/summary_refresh.html", context, status=status)


def _preview(wanted: str) -> dict[str, Any]:
    """Return what a refresh would do, and what of today's budget is left for it.

    Raises `ScopeUnknown`, `RefreshRefused`.
    """
    preview, cap = refreshes.preview(wanted), budget.site_cap(budget.read_settings())
    left = budget.standing(budget.today(), None, cap).left
    order = list(Verdict)
    others = sorted(preview.others.items(), key=lambda told: order.index(Verdict(told[0])))
    active = JobRun.objects.active().filter(kind=refreshes.RUN_JOB, scope=wanted)
    return {
        "preview": preview,
        "others": [(count, OTHERS[Verdict(verdict)]) for verdict, count in others],
        "left": left,
        "is_over": preview.tokens > left.tokens or preview.micros > left.micros,
        "off": next((refreshes.WHY[v] for v in SITE_WIDE if v in preview.others), ""),
        "active": active.first(),
    }


SITE_WIDE: Final = (Verdict.SITE_OFF, Verdict.NO_MODEL, Verdict.UNPRICED)
OTHERS: Final = {
    Verdict.UNPUBLISHED: "taken back",
    Verdict.WITHHELD: "withheld by a ban",
    Verdict.EXCLUDED: "kept from every AI by their authors",
    Verdict.PRIVATE: "for members only",
    Verdict.TRACE_OFF: "turned off by their authors",
    Verdict.STAFF_OFF: "turned off by staff",
    Verdict.NAMESPACE_OFF: "of namespaces with summaries off",
    Verdict.SITE_OFF: "while summaries are off for the site",
    Verdict.NO_MODEL: "while no model is configured",
    Verdict.UNPRICED: "while no price is known for the model",
    Verdict.TOO_SHORT: "too short",
    Verdict.FRESH: "with nothing new",
    Verdict.RUNNING: "being written just now",
    Verdict.SETTLING: "with something new, and not of this scope",
}
"""What a preview says of the traces that are left alone. The others are never asked about here."""


# --- One ------------------------------------------------------------------------------------------


@staff_page("GET", "HEAD", "POST", verb=Verb.OPERATE)
def trace_summary(request: HttpRequest, viewer: User, public_id: str) -> HttpResponse:
    """Show how the summary of a trace stands, for a page that looks on; a POST asks for a new one.

    `as=row`: as a row of the list.
    """
    told, tone, status = "", "", 200
    if request.method == "POST":
        told, tone, status = _ask(viewer, public_id)
    if not wants_partial(request):
        if told:
            messages.add_message(request, messages.ERROR if tone else messages.SUCCESS, told)
        return redirect(TRACE, public_id)
    row = _row(public_id)
    is_row = request.GET.get("as") == "row"
    template = "staff/_summary_row.html" if is_row else "staff/_trace_summary.html"
    context = {"row": row, "may_act": True, "is_answer": True}
    response = render(request, template, context, status=status)
    if told:
        response.write(
            render_to_string("components/_toast.html", {"message": told, "tone": tone}, request)
        )
    return response


def _row(public_id: str) -> Row:
    row = find_row(public_id, read_site())
    if row is None:
        raise Http404
    return row


def _ask(viewer: User, public_id: str) -> tuple[str, str, int]:
    """Ask for a summary; return what to say, its tone, and the status."""
    found = Trace.objects.filter(public_id=public_id).first()
    if found is None:
        raise Http404
    try:
        verdict = refreshes.ask(trace=found, actor=viewer, trigger=SummaryTrigger.STAFF)
    except DomainError as refusal:
        return refusal.message, "error", CONFLICT
    if verdict == Verdict.DUE:
        return "A summary is asked for.", "", 200
    return refreshes.WHY[verdict], "", 200

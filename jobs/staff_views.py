"""The staff's pages of jobs and of the database: moderators read them, admins act."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.identity import staff_page
from accounts.models import User
from accounts.policy import Actor, Verb, can
from accounts.views import refuse_unstorable_form
from config.errors import DomainError
from config.htmx import wants_partial
from config.pagination import PAGE_SIZE, CursorRefused, read_cursor, sign_cursor
from jobs import services, statements
from jobs.forms import RebuildForm
from jobs.models import JobRun
from jobs.overview import read_room
from jobs.run_page import RunPage, announcement
from jobs.schedules import BY_NAME, DRY_RUN, Job

CONFLICT: Final = 409


# --- Jobs ----------------------------------------------------------------------------------------


@staff_page("GET", "HEAD")
def jobs(request: HttpRequest, viewer: User) -> HttpResponse:
    """Show how every job stands."""
    return _jobs_page(request, viewer, RebuildForm())


def _jobs_page(
    request: HttpRequest, viewer: User, form: RebuildForm, *, status: int = 200
) -> HttpResponse:
    template = "staff/_job_rows.html" if wants_partial(request) else "staff/jobs.html"
    context = {"room": read_room(), "form": form, "may_act": _may_act(viewer), "tab": "jobs"}
    return render(request, template, context, status=status)


def _may_act(viewer: User) -> bool:
    return can(Actor(user=viewer), Verb.OPERATE)


def _find_job(name: str) -> Job:
    if name not in BY_NAME:
        raise Http404
    return BY_NAME[name]


@staff_page("GET", "HEAD")
def history(request: HttpRequest, viewer: User, name: str) -> HttpResponse:
    """List the runs of one job, newest first."""
    job = _find_job(name)
    listing = f"runs:{name}"
    rows = JobRun.objects.of_kind(name).newest_first().select_related("asked_by").defer("cursor")
    is_bad_cursor = False
    if after := request.GET.get("after", ""):
        try:
            rows = rows.older_than(*read_cursor(listing, after, int))
        except CursorRefused:
            is_bad_cursor = True
    found = list(rows[: PAGE_SIZE + 1])
    context = {
        "job": job,
        "runs": [RunPage(run, timezone.now()) for run in found[:PAGE_SIZE]],
        "is_first_page": not after or is_bad_cursor,
        "is_bad_cursor": is_bad_cursor,
        "older": sign_cursor(listing, found[PAGE_SIZE - 1].pk) if len(found) > PAGE_SIZE else None,
        "may_act": _may_act(viewer),
        "tab": "jobs",
    }
    return render(request, "staff/history.html", context)


@staff_page("POST", verb=Verb.OPERATE)
def start(request: HttpRequest, viewer: User, name: str, *, is_dry: bool = False) -> HttpResponse:
    """Run a job now, or let it count what it would do; the run under way when there is one."""
    job = _find_job(name)
    if job.is_scoped:  # Runs for something, which the form on the page asks for.
        return redirect("jobs:jobs")
    if is_dry and not job.has_dry_run:
        raise Http404
    started = services.start_run(kind=name, scope=DRY_RUN if is_dry else "", actor=viewer)
    return _started(request, viewer, job, started)


@staff_page("POST", verb=Verb.OPERATE)
def rebuild(request: HttpRequest, viewer: User) -> HttpResponse:
    """Start to rebuild one denormalised field."""
    refuse_unstorable_form(request)
    form = RebuildForm(request.POST)
    if not form.is_valid():
        return _jobs_page(request, viewer, form, status=422)
    label = form.cleaned_data["field"]
    started = services.start_run(kind="refresh_derived", scope=label, actor=viewer)
    return _started(request, viewer, BY_NAME["refresh_derived"], started)


def _started(
    request: HttpRequest, viewer: User, job: Job, started: services.Started
) -> HttpResponse:
    """Tell that a run is queued; without a script its own page shows how it goes."""
    run, created = started
    told = f"{job.title}: " + (
        f"queued as run {run.pk}." if created else f"already under way as run {run.pk}."
    )
    if wants_partial(request):
        return _with_toast(request, _jobs_page(request, viewer, RebuildForm()), told)
    messages.success(request, told) if created else messages.info(request, told)
    return redirect("jobs:run", run.pk)


@staff_page("POST", verb=Verb.OPERATE)
def set_schedule(request: HttpRequest, viewer: User, name: str, *, paused: bool) -> HttpResponse:
    """Pause or resume the schedule of a job."""
    job = _find_job(name)
    changed = services.pause_schedule(name=name, paused=paused, actor=viewer)
    word = "paused" if paused else "resumed"
    told = f"{job.title}: schedule {word}." if changed else f"{job.title}: nothing to change."
    if wants_partial(request):
        return _with_toast(request, _jobs_page(request, viewer, RebuildForm()), told)
    messages.success(request, told)
    return redirect("jobs:jobs")


def _with_toast(
    request: HttpRequest, response: HttpResponse, told: str, tone: str = ""
) -> HttpResponse:
    """Add a sentence about what was done to a region; htmx puts it into its own place."""
    toast = {"message": told, "tone": tone}
    response.write(render_to_string("components/_toast.html", toast, request))
    return response


# --- One run -------------------------------------------------------------------------------------


@staff_page("GET", "HEAD")
def run(request: HttpRequest, viewer: User, run_id: int) -> HttpResponse:
    """Show one run, live while it runs."""
    found = get_object_or_404(JobRun.objects.select_related("asked_by"), pk=run_id)
    if not wants_partial(request):
        return _run_page(request, viewer, found)
    page = RunPage(found, timezone.now())
    sentence, told = announcement(page, request.GET.get("told", ""))
    return _run_page(request, viewer, found, page=page, sentence=sentence, told=told)


def _run_page(
    request: HttpRequest,
    viewer: User,
    found: JobRun,
    *,
    status: int = 200,
    page: RunPage | None = None,
    **context: Any,
) -> HttpResponse:
    page = page or RunPage(found, timezone.now())
    template = "staff/_run.html" if wants_partial(request) else "staff/run.html"
    context = {"told": page.quarters} | context | {"page": page, "tab": "jobs"}
    return render(request, template, context | {"may_act": _may_act(viewer)}, status=status)


@staff_page("POST", verb=Verb.OPERATE)
def pause(request: HttpRequest, viewer: User, run_id: int) -> HttpResponse:
    """Let a run stop after its batch."""
    return _act(request, viewer, run_id, services.pause_run, "It stops after its batch.")


@staff_page("POST", verb=Verb.OPERATE)
def resume(request: HttpRequest, viewer: User, run_id: int) -> HttpResponse:
    """Let a paused run go on."""
    return _act(request, viewer, run_id, services.resume_run, "It goes on where it stopped.")


@staff_page("GET", "HEAD", "POST", verb=Verb.OPERATE)
def cancel(request: HttpRequest, viewer: User, run_id: int) -> HttpResponse:
    """Ask, then end a run after its batch."""
    if request.method == "POST":
        told = "It ends after its batch; what is done stays."
        return _act(request, viewer, run_id, services.cancel_run, told)
    page = RunPage(get_object_or_404(JobRun, pk=run_id), timezone.now())
    return render(request, "staff/run_cancel.html", {"page": page, "tab": "jobs"})


def _act(request: HttpRequest, viewer: User, run_id: int, service: Any, told: str) -> HttpResponse:
    """Do something to a run and say so; a run that has ended stays as it is."""
    found = get_object_or_404(JobRun.objects.select_related("asked_by"), pk=run_id)
    tone, status = "", 200
    try:
        service(run=found, actor=viewer)
    except DomainError as refusal:
        told, tone, status = refusal.message, "error", CONFLICT
    found.refresh_from_db()
    if wants_partial(request):
        return _with_toast(request, _run_page(request, viewer, found, status=status), told, tone)
    messages.warning(request, told) if tone else messages.success(request, told)
    return redirect("jobs:run", run_id)


# --- The database --------------------------------------------------------------------------------


@staff_page("GET", "HEAD")
def database(request: HttpRequest, viewer: User) -> HttpResponse:
    """Show what every statement costs, dearest first."""
    asked = request.GET.get("sort", "")
    order = asked if asked in statements.ORDERS else "blocks"
    orders = [(key, label) for key, (label, _column) in statements.ORDERS.items()]
    context: dict[str, Any] = {"tab": "database", "order": order, "orders": orders}
    context["may_act"] = _may_act(viewer)
    if asked and asked != order:
        context["notices"] = [f"There is no order “{asked[:40]}”; these are sorted by blocks."]
    try:
        context["costs"] = statements.read_costs(order)
        context["whole"] = _whole(request.GET.get("statement", ""))
    except statements.StatementsUnreadable as refusal:
        context["refusal"] = refusal.message
    return render(request, "staff/database.html", context)


def _whole(queryid: str) -> str:
    """Return the text of the statement that the address names; "" for none."""
    try:
        wanted = int(queryid)
    except ValueError:
        return ""
    return statements.read_whole(wanted) if -(2**63) <= wanted < 2**63 else ""


@staff_page("GET", "HEAD", "POST", verb=Verb.OPERATE)
def reset(request: HttpRequest, viewer: User) -> HttpResponse:
    """Ask, then begin to measure anew."""
    if request.method != "POST":
        return render(request, "staff/database_reset.html", {"tab": "database"})
    try:
        statements.reset_costs(actor=viewer)
    except statements.StatementsUnreadable as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, "Measured anew from now on.")
    return redirect("jobs:database")

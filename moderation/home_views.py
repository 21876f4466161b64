"""The first page of staff: what needs somebody now."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.identity import staff_page
from accounts.models import User
from config.formats import percent
from jobs.overview import Room, read_room
from moderation.home_page import read_desk
from traces.services.refreshes import RUN_JOB
from traces.summary_dashboard import BudgetShare, read_share


@staff_page("GET", "HEAD")
def home(request: HttpRequest, viewer: User) -> HttpResponse:
    """Show what waits at the desk, in the job room, and what the viewer decided last."""
    room, share = read_room(), read_share()
    context = {
        "room": room,
        "desk": read_desk(viewer),
        "summaries": share,
        "summary_note": _summary_note(room, share),
        "tab": "home",
    }
    return render(request, "staff/home.html", context)


def _summary_note(room: Room, share: BudgetShare) -> str:
    """Say how far a refresh of summaries is, and whether the budget runs out."""
    runs = [run for run in room.active if run.kind == RUN_JOB]
    told = [f"run {run.pk}: {percent(run.done, run.total or 0)}" for run in runs]
    return ", ".join(["nearly used", *told] if share.is_nearly_used else told)

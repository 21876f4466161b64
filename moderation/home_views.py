"""The first page of staff: what needs somebody now."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.identity import staff_page
from accounts.models import User
from jobs.overview import read_room
from moderation.home_page import read_desk


@staff_page("GET", "HEAD")
def home(request: HttpRequest, viewer: User) -> HttpResponse:
    """Show what waits at the desk, in the job room, and what the viewer decided last."""
    context = {"room": read_room(), "desk": read_desk(viewer), "tab": "home"}
    return render(request, "staff/home.html", context)

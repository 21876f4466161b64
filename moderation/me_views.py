"""`/me/`: how a person's skills stand, what they were told, and what waits for their answer."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.identity import page_actor, signed_in
from accounts.models import User
from config.pagination import CursorRefused, read_cursor, sign_cursor
from moderation.models import Decision, Notice, Report
from moderation.report_views import OUTCOMES
from moderation.services.appeals import APPEAL_DAYS, APPEALABLE, appeal_until
from moderation.services.notices import mark_read
from skills.addresses import my_skill_url, report_url
from skills.forms import CURSOR_NOTICE
from skills.models import Skill
from skills.shown import told_to_owner

SKILLS_SHOWN: Final = 25
NOTICES_SHOWN: Final = 25
AWAITING_SHOWN: Final = 25
REPORTS_SHOWN: Final = 10
# Notices that one request marks as read, at most.
READ_AT_ONCE: Final = 100


@never_cache
@require_safe
@signed_in
def home(request: HttpRequest, viewer: User) -> HttpResponse:
    """Show a person's skills, notices, decisions to answer, and reports."""
    mine = page_actor(request).namespace_ids
    notices: list[str] = []
    context = {
        "awaiting": _awaiting(mine),
        "appeal_days": APPEAL_DAYS,
        "reports": _reports(viewer),
        "notices": notices,
        **_notices(request, viewer, mine, notices),
        **_skills(request, viewer, mine, notices),
    }
    return render(request, "me/home.html", context)


def _skills(
    request: HttpRequest, viewer: User, mine: Collection[int], notices: list[str]
) -> dict[str, Any]:
    """Return all of a person's skills by name, also those that nobody else sees."""
    listing = f"my-skills:{viewer.pk}"
    rows = Skill.objects.filter(namespace__in=mine).order_by("-id")
    if after := request.GET.get("skills", ""):
        try:
            rows = rows.filter(pk__lt=read_cursor(listing, after, int)[0])
        except CursorRefused:
            notices.append(CURSOR_NOTICE)
    found = list(rows[: SKILLS_SHOWN + 1])
    more = len(found) > SKILLS_SHOWN
    return {
        "skills": [
            {
                "skill": skill,
                "url": my_skill_url(skill.owner_handle, skill.slug),
                "word": skill.status_word,
                "why": told_to_owner(skill),
            }
            for skill in found[:SKILLS_SHOWN]
        ],
        "more_skills": more and urlencode({"skills": sign_cursor(listing, found[-2].pk)}),
    }


def _notices(
    request: HttpRequest, viewer: User, mine: Collection[int], notices: list[str]
) -> dict[str, Any]:
    """Return the notices nobody has read, then the read ones, each newest first."""
    listing = f"notices:{viewer.pk}"
    rows = Notice.objects.to(mine).select_related("skill")
    read = rows.read()
    unread = list(rows.unread()[:NOTICES_SHOWN])
    if before := request.GET.get("notices", ""):
        try:
            read = read.older_than(*read_cursor(listing, before, int))
            unread = []
        except CursorRefused:
            notices.append(CURSOR_NOTICE)
    found = list(read[: NOTICES_SHOWN + 1])
    more = len(found) > NOTICES_SHOWN
    return {
        "unread": [_line(notice) for notice in unread],
        "read": [_line(notice) for notice in found[:NOTICES_SHOWN]],
        "more_notices": more and urlencode({"notices": sign_cursor(listing, found[-2].pk)}),
    }


def _line(notice: Notice) -> dict[str, Any]:
    skill = notice.skill
    return {
        "notice": notice,
        "skill_url": my_skill_url(skill.owner_handle, skill.slug),
        "decision_id": notice.decision_id,
    }


def _awaiting(mine: Collection[int]) -> list[dict[str, Any]]:
    since = timezone.now() - timedelta(days=APPEAL_DAYS)
    rows = Decision.objects.awaiting(mine, APPEALABLE, since)
    columns = ("pk", "action", "skill_label", "version_label", "created_at")
    return [
        {"decision": decision, "until": appeal_until(decision)}
        for decision in rows.only(*columns)[:AWAITING_SHOWN]
    ]


def _reports(viewer: User) -> list[dict[str, Any]]:
    """Return what a person reported last, with what came of it."""
    rows = Report.objects.filter(reporter=viewer).newest_first().select_related("skill")
    return [
        {
            "report": report,
            "url": report_url(report.skill.owner_handle, report.skill.slug),
            "outcome": OUTCOMES[report.status],
        }
        for report in rows[:REPORTS_SHOWN]
    ]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def read_notices(request: HttpRequest, viewer: User) -> HttpResponse:
    """Mark the notices named by `notice`, or the one named by `only`, as read; a GET leads back."""
    del viewer
    if request.method == "POST":
        asked = request.POST.getlist("only") or request.POST.getlist("notice")
        named = [int(key) for key in asked[:READ_AT_ONCE] if _is_key(key)]
        count = mark_read(namespace_ids=page_actor(request).namespace_ids, notice_ids=named)
        told = "1 notice" if count == 1 else f"{count} notices"
        messages.success(request, f"Marked {told} as read.")
    return redirect("moderation:me")


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19  # noqa: PLR2004

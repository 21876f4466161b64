"""Reporting a skill, and what came of one's reports."""

from __future__ import annotations

from typing import Any, Final, cast

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.identity import page_actor
from accounts.models import User
from accounts.views import refuse_unstorable_form
from config.api import take_quota
from config.errors import DomainError
from config.site import too_many_requests
from moderation.models import Report, ReportStatus
from moderation.public_forms import ReportForm
from moderation.querysets.report import HIDES_AT
from moderation.services import reports
from skills.addresses import skill_url, version_url
from skills.models import Skill, SkillVersion
from skills.shown import with_skill

VERSIONS_OFFERED: Final = 50
REPORTS_SHOWN: Final = 20

# What came of a report, in the words that its reporter reads.
OUTCOMES: Final = {
    ReportStatus.OPEN: "A moderator has yet to look at it.",
    ReportStatus.CONFIRMED: "A moderator agreed and acted on it.",
    ReportStatus.DISMISSED: "A moderator looked and found no reason to act.",
}


@require_http_methods(["GET", "HEAD", "POST"])
@with_skill
def report(request: HttpRequest, skill: Skill) -> HttpResponse:
    """Show the form with one's own reports on the skill, or take a report."""
    viewer = page_actor(request).user
    if viewer is None:
        return cast("HttpResponse", redirect_to_login(request.get_full_path()))
    offered = _versions(skill, request.GET.get("version", ""))
    if request.method != "POST":
        asked = request.GET.get("version", "")
        chosen = asked if asked in offered else _latest(skill, offered)
        form = ReportForm(initial={"version": chosen}, versions=offered)
        return _page(request, viewer, skill, form)
    refuse_unstorable_form(request)
    quota = take_quota(request, "write", viewer)
    if not quota.allowed:
        return too_many_requests(request, quota.reset_seconds)
    form = ReportForm(request.POST, versions=offered)
    made = _make(form, skill, viewer)
    if made is None:
        return _page(request, viewer, skill, form, status=422)
    if made.created:
        messages.success(request, "Reported. A moderator will look at it; see below what happens.")
    else:
        messages.success(request, "Added to your open report on this version.")
    return redirect(request.path)


def _versions(skill: Skill, asked: str) -> list[str]:
    """Return the numbers of the newest versions, and the one asked for."""
    rows = skill.versions.newest_first().filter(withdrawn_at__isnull=True)
    numbers = list(rows.values_list("version", flat=True)[:VERSIONS_OFFERED])
    if asked and asked not in numbers:
        numbers += rows.filter(version=asked[:100]).values_list("version", flat=True)
    return numbers


def _latest(skill: Skill, offered: list[str]) -> str:
    latest: str = (skill.latest_version_summary or {}).get("version", "")
    return latest or next(iter(offered), "")


def _make(form: ReportForm, skill: Skill, viewer: User) -> reports.Reported | None:
    """Make the report a form asks for; None leaves the reasons on the form."""
    if not form.is_valid():
        return None
    said = form.cleaned_data
    version: SkillVersion | None = skill.versions.filter(
        version=said["version"], withdrawn_at__isnull=True
    ).first()
    if version is None:
        form.add_error("version", "Choose one of its versions.")
        return None
    file, line = said["place"]
    try:
        return reports.report_version(
            version=version,
            reporter=viewer,
            kind=said["kind"],
            text=said["text"],
            file=file,
            line=line,
        )
    except DomainError as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        return None


def _page(
    request: HttpRequest, viewer: User, skill: Skill, form: ReportForm, *, status: int = 200
) -> HttpResponse:
    mine = Report.objects.filter(skill=skill, reporter=viewer).newest_first()
    rows = mine.select_related("version").defer("version__readme", "version__metadata")
    context: dict[str, Any] = {
        "skill": skill,
        "form": form,
        "refusal": reports.own_refusal(skill, viewer),
        "is_full": not reports.may_report_more(viewer),
        "most": reports.OPEN_MOST,
        "hides_at": HIDES_AT,
        "skill_url": skill_url(skill.owner_handle, skill.slug),
        "mine": [_row(skill, found) for found in rows[:REPORTS_SHOWN]],
    }
    return render(request, "public/report.html", context, status=status)


def _row(skill: Skill, found: Report) -> dict[str, Any]:
    number = found.version.version
    return {
        "report": found,
        "version": number,
        "url": version_url(skill.owner_handle, skill.slug, number),
        "is_open": found.status == ReportStatus.OPEN,
        "outcome": OUTCOMES[ReportStatus(found.status)],
    }

"""What the skill page says about its counts, the tab with their charts, and the star."""

from __future__ import annotations

from typing import Any, Final, cast

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.identity import page_actor
from accounts.models import User
from accounts.policy import Verb, can
from config.api import take_quota
from config.formats import exact_count
from config.htmx import wants_partial
from config.site import too_many_requests
from jobs.as_of import as_of
from skills import events
from skills.addresses import skill_url, star_url
from skills.models import Skill, SkillStar, SkillTotal
from skills.shown import with_skill
from skills.skill_stats import (
    DEFINITIONS,
    HEAD_DAYS,
    Totals,
    chart_of_days,
    chart_of_ranks,
    series_of,
    spark,
    totals_of,
    weekly_change,
)

PERIODS: Final = {"30": 30, "90": 90}
TRENDS: Final = ("downloads", "installs", "stars")
COUNTING_JOB: Final = "fold_events"


def counts(request: HttpRequest, skill: Skill, days: int = HEAD_DAYS) -> dict[str, Any]:
    """Return what every tab says about the counts; `series` is for the tab that draws them."""
    counted = as_of(COUNTING_JOB)
    series = series_of(skill, days, now=timezone.now(), counted_at=counted.moment)
    totals = totals_of(skill, counted.moment)
    columns = {name: [getattr(day, name) for day in series] for name in TRENDS}
    return {
        "as_of": counted,
        "series": series,
        "totals": totals,
        "trends": {
            name: {"spark": spark(values, name), "change": weekly_change(values)}
            for name, values in columns.items()
        },
        "star": _star(request, skill, totals.stars),
        "stats_url": skill_url(skill.owner_handle, skill.slug, tab="stats"),
    }


def charts(request: HttpRequest, skill: Skill) -> dict[str, Any]:
    """Return the tab's charts over the period that the address asks for, and `counts`."""
    asked = request.GET.get("days", str(HEAD_DAYS))
    days = PERIODS.get(asked, HEAD_DAYS)
    context = counts(request, skill, days)
    base = context["stats_url"]
    return context | {
        "unknown_period": asked not in PERIODS,
        "periods": [
            {
                "label": f"{period} days",
                "url": base if period == HEAD_DAYS else f"{base}&days={period}",
                "current": period == days,
            }
            for period in PERIODS.values()
        ],
        "charts": [
            chart_of_days(context["series"], "downloads", "Downloads per day"),
            chart_of_days(context["series"], "installs", "New installs per day"),
            chart_of_ranks(skill, now=timezone.now()),
        ],
        "numbers": _defined(context["totals"], skill),
    }


def _defined(totals: Totals, skill: Skill) -> list[dict[str, Any]]:
    values = {
        "downloads": totals.downloads,
        "installs": totals.installs,
        "current installs": totals.current_installs,
        "stars": totals.stars,
        "versions": skill.version_count,
    }
    return [
        {"name": name, "value": value, "meaning": DEFINITIONS[name]}
        for name, value in values.items()
    ]


# --- The star -------------------------------------------------------------------------------------


def _star(request: HttpRequest, skill: Skill, count: int) -> dict[str, Any]:
    """Return what the button shows; whether it is pressed was read along with the skill."""
    return {
        "count": count,
        "is_on": skill.is_starred if can(page_actor(request), Verb.STAR, skill) else None,
        "url": star_url(skill.owner_handle, skill.slug),
        "page": skill_url(skill.owner_handle, skill.slug),
    }


@require_http_methods(["GET", "HEAD", "POST"])
@with_skill
def star(request: HttpRequest, skill: Skill) -> HttpResponse:
    """Put a person's star on a skill (`on=1`) or take it away (`on=0`); a GET only leads back."""
    page = skill_url(skill.owner_handle, skill.slug)
    if request.method != "POST":
        return redirect(page)
    actor = page_actor(request)
    if actor.user is None:
        return _sign_in(request, page)
    if not can(actor, Verb.STAR, skill):
        raise Http404
    record = {"1": events.star, "0": events.unstar}.get(request.POST.get("on", ""))
    if record is None:
        raise BadRequest("on is 1 to star the skill, 0 to take the star away.")
    quota = take_quota(request, "write", actor.user)
    if not quota.allowed:
        return too_many_requests(request, quota.reset_seconds)
    try:
        record(skill_id=skill.pk, user_id=actor.user.pk)
    except events.SkillGone:
        raise Http404 from None
    return _starred(request, skill, actor.user, page)


def _sign_in(request: HttpRequest, page: str) -> HttpResponse:
    """Send a visitor to sign in and back to the page; htmx follows a header instead."""
    response = cast("HttpResponse", redirect_to_login(page))
    if wants_partial(request):
        response = HttpResponse(status=204, headers={"HX-Redirect": response.headers["Location"]})
    return response


def _starred(request: HttpRequest, skill: Skill, user: User, page: str) -> HttpResponse:
    """Answer with the tile as it is now, and say so; without htmx go back to the page."""
    skill.is_starred = SkillStar.objects.filter(user=user, skill=skill).exists()
    total = SkillTotal.objects.filter(pk=skill.pk).values_list("stars", flat=True).first() or 0
    shown = _star(request, skill, max(total, 0))
    told = "You starred" if shown["is_on"] else "You took your star from"
    said = f"{told} {skill.display_name}."
    if wants_partial(request):
        count = f"{exact_count(shown['count'])} star{'' if shown['count'] == 1 else 's'} now."
        context = {"star": shown, "said": f"{said} {count}"}
        return render(request, "public/_skill_star.html", context)
    messages.success(request, said)
    return redirect(page)

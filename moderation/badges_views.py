"""Badges: staff give them and take them, each with a reason, and never on skills of their own."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from accounts.identity import staff_page
from accounts.models import User
from accounts.policy import Actor, Verb, can
from accounts.views import refuse_unstorable_form
from config.errors import DomainError
from config.pagination import PAGE_SIZE, CursorRefused, read_cursor, sign_cursor
from moderation.badges_forms import GiveForm, TakeForm
from skills import lookup
from skills.models import Badge, Skill, SkillBadge
from skills.services import give_badge, take_badge

UNPROCESSABLE: Final = 422
LISTING: Final = "badges"
OWN: Final = "It is a skill of your own; another moderator decides on its badges."


@staff_page("GET", "HEAD", "POST")
def badges(request: HttpRequest, viewer: User) -> HttpResponse:
    """List the badges given, newest first, and give one."""
    if request.method != "POST":
        form = GiveForm(initial={"skill": request.GET.get("skill", "")[:200]})
        return _page(request, viewer, form)
    refuse_unstorable_form(request)
    form = GiveForm(request.POST)
    skill = _named_skill(form, viewer) if form.is_valid() else None
    if skill is None:
        return _page(request, viewer, form, status=UNPROCESSABLE)
    kind: Badge = form.cleaned_data["kind"]
    is_new = give_badge(skill=skill, kind=kind, actor=viewer, reason=form.cleaned_data["reason"])
    if is_new:
        messages.success(request, f"{skill} is {kind.label.lower()} now.")
    else:
        messages.info(request, f"{skill} is {kind.label.lower()} already.")
    return redirect("moderation:badges")


def _named_skill(form: GiveForm, viewer: User) -> Skill | None:
    """Return the skill a form names; None leaves the reason on the form."""
    actor = Actor(user=viewer)
    try:
        skill = lookup.find_known(actor, form.cleaned_data["skill"])
    except DomainError as refusal:
        form.add_error("skill", refusal.message)
        return None
    if not can(actor, Verb.BADGE, skill):
        form.add_error("skill", OWN)
        return None
    return skill


def _page(request: HttpRequest, viewer: User, form: GiveForm, *, status: int = 200) -> HttpResponse:
    rows = SkillBadge.objects.newest_first().select_related("skill", "given_by")
    is_bad_cursor = False
    if after := request.GET.get("after", ""):
        try:
            rows = rows.filter(pk__lt=read_cursor(LISTING, after, int)[0])
        except CursorRefused:
            is_bad_cursor = True
    found = list(rows[: PAGE_SIZE + 1])
    own = Actor(user=viewer).namespace_ids
    context = {
        "tab": "badges",
        "form": form,
        "badges": [(badge, badge.skill.namespace_id in own) for badge in found[:PAGE_SIZE]],
        "is_first_page": not after or is_bad_cursor,
        "is_bad_cursor": is_bad_cursor,
        "older": sign_cursor(LISTING, found[PAGE_SIZE - 1].pk) if len(found) > PAGE_SIZE else None,
    }
    return render(request, "staff/badges.html", context, status=status)


@staff_page("GET", "HEAD", "POST")
def take(request: HttpRequest, viewer: User, badge_id: int) -> HttpResponse:
    """Ask why, then take a badge away."""
    badge: SkillBadge = get_object_or_404(SkillBadge.objects.select_related("skill"), pk=badge_id)
    if request.method == "POST":
        refuse_unstorable_form(request)
    form = TakeForm(request.POST if request.method == "POST" else None)
    is_own = not can(Actor(user=viewer), Verb.BADGE, badge.skill)
    if request.method == "POST" and is_own:
        form.add_error(None, OWN)
    if request.method == "POST" and form.is_valid():
        kind, reason = Badge(badge.kind), form.cleaned_data["reason"]
        if take_badge(skill=badge.skill, kind=kind, actor=viewer, reason=reason):
            messages.success(request, f"{badge.skill} is {kind.label.lower()} no longer.")
        else:
            messages.info(request, "Somebody took it before.")
        return redirect("moderation:badges")
    context = {"tab": "badges", "badge": badge, "form": form, "is_own": is_own}
    status = UNPROCESSABLE if request.method == "POST" else 200
    return render(request, "staff/badge_take.html", context, status=status)

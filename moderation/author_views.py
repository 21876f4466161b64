"""The staff's page of an author: moderators look and ban, admins lift a ban."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.identity import staff_page
from accounts.models import Role, User
from accounts.policy import Actor, Verb, can
from accounts.views import refuse_unstorable_form
from config.errors import DomainError
from config.pagination import CursorRefused, read_cursor
from moderation.author_page import AuthorPage, count_words
from moderation.forms import BanForm, UnbanForm
from moderation.services.bans import Done, ban_user, unban_user

UNPROCESSABLE: Final = 422


@staff_page("GET", "HEAD")
def author(request: HttpRequest, viewer: User, handle: str) -> HttpResponse:
    """Show an owner with every skill of theirs, hidden ones with what hides them."""
    page = _find(handle)
    below, is_bad_cursor = None, False
    if after := request.GET.get("after", ""):
        try:
            (below,) = read_cursor(page.listing, after, int)
        except CursorRefused:
            is_bad_cursor = True
    rows, older = page.skills(below)
    context = {
        "page": page,
        "rows": rows,
        "older": older,
        "is_first_page": below is None,
        "is_bad_cursor": is_bad_cursor,
        "count": count_words(page.skill_count()),
        "may_ban": _may_ban(viewer, page.person),
        "may_unban": can(Actor(user=viewer), Verb.MANAGE_PEOPLE),
    }
    return render(request, "staff/author.html", context)


@staff_page("GET", "HEAD", "POST", verb=Verb.BAN)
def ban(request: HttpRequest, viewer: User, handle: str) -> HttpResponse:
    """Ask for the reason and say how many skills it hides; then ban."""
    refuse_unstorable_form(request)
    page, person = _find_person(handle)
    form = BanForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            done = ban_user(user=person, actor=viewer, reason=form.cleaned_data["reason"])
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            _tell(request, done, f"Banned {person.handle}", "hidden", "was banned before")
            return redirect("moderation:author", handle)
    context = {"page": page, "form": form, "count": count_words(page.skill_count())}
    status = UNPROCESSABLE if form.errors else 200
    return render(request, "staff/author_ban.html", context, status=status)


@staff_page("GET", "HEAD", "POST", verb=Verb.MANAGE_PEOPLE)
def unban(request: HttpRequest, viewer: User, handle: str) -> HttpResponse:
    """Ask, then lift a ban."""
    refuse_unstorable_form(request)
    page, person = _find_person(handle)
    form = UnbanForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            done = unban_user(user=person, actor=viewer, reason=form.cleaned_data["reason"])
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            _tell(request, done, f"Lifted the ban of {person.handle}", "free", "is not banned")
            return redirect("moderation:author", handle)
    context = {"page": page, "form": form, "count": count_words(page.skill_count())}
    status = UNPROCESSABLE if form.errors else 200
    return render(request, "staff/author_unban.html", context, status=status)


def _find(handle: str) -> AuthorPage:
    page = AuthorPage.find(handle.lower())
    if page is None:
        raise Http404
    return page


def _find_person(handle: str) -> tuple[AuthorPage, User]:
    page = _find(handle)
    if page.person is None:
        raise Http404
    return page, page.person


def _may_ban(viewer: User, person: User | None) -> bool:
    """Say whether the page offers a ban; the service decides (`ban_user`)."""
    return person is not None and person.pk != viewer.pk and person.role != Role.ADMIN


def _tell(request: HttpRequest, done: Done, act: str, state: str, already: str) -> None:
    """Say what was done, and what a run still does."""
    counted = count_words(done.skills)
    told = (
        f"{act}: {counted} {state}." if done.is_new else f"Nothing stored: this person {already}."
    )
    if done.is_under_way:
        told += " A run goes on with the others."
    messages.success(request, told) if done.is_new else messages.info(request, told)

"""What is done on the tab of comments: write, delete, restore, report; and links to one comment."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.identity import page_actor
from accounts.models import User
from accounts.policy import Verb, can
from accounts.views import refuse_unstorable_form
from config.errors import DomainError
from config.formats import duration
from config.ratelimit import Quota, take_exact
from config.site import too_many_requests
from skills import comments
from skills.addresses import comment_url, skill_url
from skills.comment_forms import CommentForm, ReportForm
from skills.comment_tab import place_of
from skills.models import Skill, SkillComment
from skills.shown import of_skill, with_skill
from skills.skill_views import comments_page

# How many of a kind in how many seconds, per person; the shortest first.
COMMENT_LIMITS: Final = ((5, 60), (30, 3_600))
REPORT_LIMITS: Final = ((10, 60), (60, 3_600))
CONFLICT: Final = 409
INVALID: Final = 422
TOO_MANY: Final = 429


def _refused_quota(kind: str, user: User, limits: tuple[tuple[int, int], ...]) -> Quota | None:
    """Count one act of a person; return the first limit that is used up."""
    for limit, seconds in limits:
        quota = take_exact(f"{kind}:{seconds}", f"user:{user.pk}", limit, seconds=seconds)
        if not quota.allowed:
            return quota
    return None


def _tab(skill: Skill) -> str:
    return skill_url(skill.owner_handle, skill.slug, tab="comments")


def _find(skill: Skill, comment_id: int) -> SkillComment:
    found: SkillComment = get_object_or_404(
        SkillComment.objects.select_related("author"), pk=comment_id, skill=skill
    )
    found.skill = skill
    return found


@require_http_methods(["GET", "HEAD", "POST"])
@with_skill
def write(request: HttpRequest, skill: Skill) -> HttpResponse:
    """Write a comment; a GET only leads to the tab."""
    if request.method != "POST":
        return redirect(_tab(skill))
    refuse_unstorable_form(request)
    user = page_actor(request).user
    if user is None:
        return redirect_to_login(_tab(skill))
    form = CommentForm(request.POST)
    if not can(page_actor(request), Verb.COMMENT, skill):
        return comments_page(request, skill, form=form, status=CONFLICT)
    if not form.is_valid():
        return comments_page(request, skill, form=form, status=INVALID)
    quota = _refused_quota("comment", user, COMMENT_LIMITS)
    if quota is not None:
        return _wait(request, skill, form, quota)
    try:
        made = comments.add_comment(skill=skill, author=user, text=form.cleaned_data["text"])
    except comments.CommentsClosed:
        raise Http404 from None
    messages.success(request, "Your comment is published.")
    return redirect(f"{_tab(skill)}#c{made.comment.pk}")


def _wait(request: HttpRequest, skill: Skill, form: CommentForm, quota: Quota) -> HttpResponse:
    """Keep what was typed and say when to send it again."""
    form.add_error(
        None,
        f"That were {quota.limit} comments in a short time."
        f" Send this one again in {duration(quota.reset_seconds)}.",
    )
    response = comments_page(request, skill, form=form, status=TOO_MANY)
    response.headers["Retry-After"] = str(quota.reset_seconds)
    return response


@of_skill
def comment(_request: HttpRequest, skill: Skill, comment_id: int) -> HttpResponse:
    """Lead to a comment, however many were written since."""
    found = _find(skill, comment_id)
    if not found.is_visible:
        raise Http404
    return redirect(place_of(found))


@require_http_methods(["GET", "HEAD", "POST"])
@with_skill
def delete(request: HttpRequest, skill: Skill, comment_id: int) -> HttpResponse:
    """Take one's own comment back; the tab offers to restore it."""
    told = "Your comment is deleted. You can restore it for an hour."
    return _act(request, skill, comment_id, comments.delete_comment, told)


@require_http_methods(["GET", "HEAD", "POST"])
@with_skill
def restore(request: HttpRequest, skill: Skill, comment_id: int) -> HttpResponse:
    """Put one's own deleted comment back."""
    return _act(request, skill, comment_id, comments.restore_comment, "Your comment is back.")


def _act(
    request: HttpRequest, skill: Skill, comment_id: int, service: Any, told: str
) -> HttpResponse:
    """Do something to one's own comment and say so; a GET only leads to the tab."""
    if request.method != "POST":
        return redirect(_tab(skill))
    user = page_actor(request).user
    if user is None:
        return redirect_to_login(_tab(skill))
    try:
        changed = service(comment=_find(skill, comment_id), actor=user)
    except comments.CommentMissing:
        raise Http404 from None
    except DomainError as refusal:
        messages.warning(request, refusal.message)
    else:
        messages.success(request, told if changed else "That was done before.")
    return redirect(_tab(skill))


@require_http_methods(["GET", "HEAD", "POST"])
@with_skill
def report(request: HttpRequest, skill: Skill, comment_id: int) -> HttpResponse:
    """Ask what is wrong with a comment, then tell staff."""
    user = page_actor(request).user
    address = f"{comment_url(skill.owner_handle, skill.slug, comment_id)}report/"
    found = _find(skill, comment_id)
    if not found.is_visible:
        raise Http404
    if user is None:
        return redirect_to_login(address)
    if found.author_id == user.pk:
        raise Http404
    refuse_unstorable_form(request)
    form = ReportForm(request.POST) if request.method == "POST" else ReportForm()
    if request.method == "POST" and form.is_valid():
        return _report(request, skill, found, user, form)
    context = {"skill": skill, "comment": found, "form": form, "tab_url": _tab(skill)}
    status = INVALID if form.is_bound else 200
    return render(request, "public/comment_report.html", context, status=status)


def _report(
    request: HttpRequest, skill: Skill, found: SkillComment, user: User, form: ReportForm
) -> HttpResponse:
    quota = _refused_quota("comment-report", user, REPORT_LIMITS)
    if quota is not None:
        return too_many_requests(request, quota.reset_seconds)
    try:
        made = comments.report_comment(comment=found, reporter=user, **form.cleaned_data)
    except comments.CommentMissing:
        raise Http404 from None
    if made:
        messages.success(request, "Thank you. Staff will look at this comment.")
    else:
        messages.info(request, "You reported this comment before; staff will look at it.")
    return redirect(_tab(skill))

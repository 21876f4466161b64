"""The staff's pages of comments: what was reported, what is hidden, and deciding about one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import urlencode

from accounts.identity import staff_page
from accounts.models import User
from accounts.policy import Actor
from accounts.views import refuse_unstorable_form
from config.errors import DomainError
from config.pagination import PAGE_SIZE, CursorRefused, read_cursor, sign_cursor
from skills import comments
from skills.addresses import author_url, comment_url, skill_url
from skills.comment_forms import DecisionForm
from skills.forms import CURSOR_NOTICE
from skills.models import CommentReport, ReportStatus, SkillComment

SHOWS: Final = {"open": "Reported", "hidden": "Hidden", "all": "All"}
# By what each list is sorted: the column beside the primary key.
SORTED_BY: Final = {"open": "reported_at", "hidden": "hidden_at", "all": "created_at"}
REPORTS_IN_LIST: Final = 5
REPORTS_ON_PAGE: Final = 50
STATUS_OF: Final = {"own_matter": 403, "comment_decided": 409}


@staff_page("GET", "HEAD")
def comments_list(request: HttpRequest, viewer: User) -> HttpResponse:  # noqa: ARG001
    """List comments: reported ones, longest waiting first; hidden ones; all, last written first."""
    asked, notices = request.GET.get("show", "open"), []
    show = asked if asked in SHOWS else "open"
    if show != asked:
        notices.append(f"There is no list “{asked[:40]}”; these are the reported ones.")
    cursor = request.GET.get("after", "")
    rows, base = _list_of(show), f"?show={show}"
    try:
        if cursor:
            key = read_cursor(f"staff-comments:{show}", cursor, str, int)
            rows = _behind(show, rows, *key)
    except CursorRefused:
        cursor = ""
        notices.append(CURSOR_NOTICE)
    found = list(_with_reports(rows)[: PAGE_SIZE + 1])
    older = ""
    if len(found) > PAGE_SIZE:
        last = found[PAGE_SIZE - 1]
        moment = getattr(last, SORTED_BY[show]).isoformat()
        token = sign_cursor(f"staff-comments:{show}", moment, last.pk)
        older = f"{base}&{urlencode({'after': token})}"
    context = {
        "tab": "comments",
        "rows": [_row(comment) for comment in found[:PAGE_SIZE]],
        "notices": notices,
        "older": older,
        "start_url": base if cursor else "",
        "shows": [
            {"label": label, "url": f"?show={key}", "current": key == show}
            for key, label in SHOWS.items()
        ],
        "show": show,
    }
    return render(request, "staff/comments.html", context)


def _list_of(show: str) -> Any:
    rows = SkillComment.objects
    return {"open": rows.reported, "hidden": rows.hidden, "all": rows.last_written}[show]()


def _behind(show: str, rows: Any, moment: str, pk: int) -> Any:
    """Return what follows the row with this key in its list."""
    after = {"open": rows.reported_after, "hidden": rows.hidden_before, "all": rows.written_before}
    return after[show](moment, pk)


def _with_reports(rows: Any) -> Any:
    """Read the comments with skill, author and the first open reports: two statements."""
    open_ones = CommentReport.objects.filter(status=ReportStatus.OPEN).select_related("reporter")
    return rows.select_related("skill", "author", "decided_by").prefetch_related(
        Prefetch("reports", open_ones.order_by("-pk")[:REPORTS_IN_LIST], to_attr="open_reports")
    )


def _row(comment: SkillComment) -> dict[str, Any]:
    skill = comment.skill
    public = comment_url(skill.owner_handle, skill.slug, comment.pk)
    return {
        "comment": comment,
        "author_url": author_url(comment.author.handle),
        "skill_url": skill_url(skill.owner_handle, skill.slug),
        "public_url": public if comment.is_visible else "",
    }


# --- One comment ----------------------------------------------------------------------------------


@staff_page("GET", "HEAD")
def comment(request: HttpRequest, viewer: User, comment_id: int) -> HttpResponse:
    """Show a comment, its reports, and what can be decided."""
    return _page(request, viewer, comment_id)


def _page(
    request: HttpRequest,
    viewer: User,
    comment_id: int,
    *,
    form: DecisionForm | None = None,
    refusal: DomainError | None = None,
) -> HttpResponse:
    rows = SkillComment.objects.select_related("skill", "author", "decided_by")
    found = get_object_or_404(rows, pk=comment_id)
    reports = found.reports.select_related("reporter", "decided_by").order_by("-pk")
    listed = list(reports[:REPORTS_ON_PAGE])
    now = {"seen": found.decision_count, "up_to": listed[0].pk if listed else 0}
    if form is not None and refusal is not None:
        # What was typed is kept; what it is said of is what the page shows now.
        form = DecisionForm({"reason": form.data.get("reason", "")} | now)
    context = _row(found) | {
        "tab": "comments",
        "reports": listed,
        "has_open": any(report.status == ReportStatus.OPEN for report in listed),
        "may_judge": comments.may_judge(Actor(viewer), found),
        "form": form or DecisionForm(initial=now),
        "refusal": refusal.message if refusal else "",
    }
    status = STATUS_OF.get(refusal.code, 422) if refusal else 422 if form else 200
    return render(request, "staff/comment.html", context, status=status)


@staff_page("POST")
def hide(request: HttpRequest, viewer: User, comment_id: int) -> HttpResponse:
    """Hide a comment; its open reports were right."""

    def act(found: SkillComment, said: dict[str, Any]) -> None:
        comments.hide_comment(comment=found, seen=said["seen"], actor=viewer, reason=said["reason"])

    return _decide(request, viewer, comment_id, act, "The comment is hidden.")


@staff_page("POST")
def show(request: HttpRequest, viewer: User, comment_id: int) -> HttpResponse:
    """Show a hidden comment again."""

    def act(found: SkillComment, said: dict[str, Any]) -> None:
        comments.show_comment(comment=found, seen=said["seen"], actor=viewer, reason=said["reason"])

    return _decide(request, viewer, comment_id, act, "The comment is shown again.")


@staff_page("POST")
def dismiss(request: HttpRequest, viewer: User, comment_id: int) -> HttpResponse:
    """Let a comment stand and close the reports that the page showed."""

    def act(found: SkillComment, said: dict[str, Any]) -> None:
        comments.dismiss_reports(comment=found, actor=viewer, **said)

    return _decide(request, viewer, comment_id, act, "The reports are dismissed.")


def _decide(
    request: HttpRequest,
    viewer: User,
    comment_id: int,
    act: Callable[[SkillComment, dict[str, Any]], None],
    told: str,
) -> HttpResponse:
    """Decide and go on with the list; whoever came second sees who was first."""
    refuse_unstorable_form(request)
    found = get_object_or_404(SkillComment, pk=comment_id)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _page(request, viewer, comment_id, form=form)
    try:
        act(found, form.cleaned_data)
    except DomainError as refusal:
        return _page(request, viewer, comment_id, form=form, refusal=refusal)
    messages.success(request, told)
    return redirect("skills:staff-comments")

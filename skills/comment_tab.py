"""What the tab of comments shows: a page of them, what only their author still sees, the form."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest
from django.utils.http import urlencode

from accounts.identity import page_actor
from accounts.models import User
from accounts.policy import Actor, Verb, can
from config.pagination import CursorRefused, read_cursor, sign_cursor
from skills.addresses import author_url, comment_url, comments_url, skill_url
from skills.comment_forms import CommentForm
from skills.comments import deleted_since
from skills.forms import CURSOR_NOTICE
from skills.models import Skill, SkillComment
from skills.querysets import SkillCommentQuerySet

COMMENTS_A_PAGE: Final = 50
# What only their author still sees: the newest ones; older ones are history.
OWN_SHOWN: Final = 5


def comments_tab(
    request: HttpRequest, skill: Skill, notices: list[str], form: CommentForm | None = None
) -> dict[str, Any]:
    """Return what the tab shows; the number of statements does not grow with the comments."""
    actor, cursor = page_actor(request), request.GET.get("until", "")
    base = skill_url(skill.owner_handle, skill.slug, tab="comments")
    rows = SkillComment.objects.filter(skill=skill).visible().newest_first()
    try:
        if cursor:
            rows = rows.before(*read_cursor(_listing(skill), cursor, str, int))
    except CursorRefused:
        cursor = ""
        notices.append(CURSOR_NOTICE)
    found, own = _read(skill, rows, None if cursor else actor.user)
    is_open = can(actor, Verb.COMMENT, skill)
    return {
        "comments": _rows(skill, found[:COMMENTS_A_PAGE], actor),
        "next_url": _next_url(skill, base, found),
        "start_url": base if cursor else "",
        "own": [
            {"comment": comment, "url": comment_url(skill.owner_handle, skill.slug, comment.pk)}
            for comment in own
        ],
        "form": (form or CommentForm()) if is_open else None,
        "is_closed": not skill.is_public,
        "write_url": comments_url(skill.owner_handle, skill.slug),
        "tab_url": base,
    }


def place_of(comment: SkillComment) -> str:
    """Return the address of the tab that begins with this comment, and leads to it."""
    skill = comment.skill
    # The cursor of a row that would stand right before it.
    token = sign_cursor(_listing(skill), comment.created_at.isoformat(), comment.pk + 1)
    base = skill_url(skill.owner_handle, skill.slug, tab="comments")
    return f"{base}&{urlencode({'until': token})}#c{comment.pk}"


def _listing(skill: Skill) -> str:
    return f"comments:{skill.pk}"


def _next_url(skill: Skill, base: str, found: list[SkillComment]) -> str:
    if len(found) <= COMMENTS_A_PAGE:
        return ""
    last = found[COMMENTS_A_PAGE - 1]
    token = sign_cursor(_listing(skill), last.created_at.isoformat(), last.pk)
    return f"{base}&{urlencode({'until': token})}"


def read_page(
    skill: Skill, rows: SkillCommentQuerySet, viewer: User | None
) -> SkillCommentQuerySet:
    """Return the first of these rows, one more than a page, and what only the viewer still sees.

    One statement, whose rows come in any order.
    """
    shown: SkillCommentQuerySet = rows.with_authors(skill.namespace_id)[: COMMENTS_A_PAGE + 1]
    if viewer is None:
        return shown
    own = SkillComment.objects.filter(skill=skill).seen_by_author_only(viewer.pk, deleted_since())
    return shown.union(own.with_authors(skill.namespace_id)[:OWN_SHOWN], all=True)


def _read(
    skill: Skill, rows: SkillCommentQuerySet, viewer: User | None
) -> tuple[list[SkillComment], list[SkillComment]]:
    """Return the visible comments, newest first, and the viewer's own that are not."""
    read = list(read_page(skill, rows, viewer))
    found = [comment for comment in read if comment.is_visible]
    own = [comment for comment in read if not comment.is_visible]
    found.sort(key=lambda comment: (comment.created_at, comment.pk), reverse=True)
    own.sort(key=lambda comment: comment.pk, reverse=True)
    return found, own


def _rows(skill: Skill, shown: list[Any], actor: Actor) -> list[dict[str, Any]]:
    owner, viewer = skill.namespace.user_id, actor.user and actor.user.pk
    return [
        {
            "comment": comment,
            # Who deleted their account has no page.
            "author_url": "" if comment.author.is_closed else author_url(comment.author.handle),
            "speaks_for_owner": comment.has_joined or comment.author_id == owner,
            "is_own": comment.author_id == viewer,
            "url": comment_url(skill.owner_handle, skill.slug, comment.pk),
        }
        for comment in shown
    ]

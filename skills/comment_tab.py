"""What the tab of comments shows: a page of them, what only their author still sees, the form."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest
from django.utils.http import urlencode

from accounts.identity import page_actor
from accounts.models import Membership
from accounts.policy import Actor, Verb, can
from config.pagination import CursorRefused, read_cursor, sign_cursor
from skills.addresses import author_url, comment_url, comments_url, skill_url
from skills.comment_forms import CommentForm
from skills.comments import deleted_since
from skills.forms import CURSOR_NOTICE
from skills.models import Skill, SkillComment

COMMENTS_A_PAGE: Final = 50
# What only their author still sees: the newest ones; older ones are history.
OWN_SHOWN: Final = 5
AUTHOR_COLUMNS: Final = ("author__handle", "author__display_name")


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
    columns = ("text", "created_at", "author_id", *AUTHOR_COLUMNS)
    found = list(rows.select_related("author").only(*columns)[: COMMENTS_A_PAGE + 1])
    shown = found[:COMMENTS_A_PAGE]
    is_open = can(actor, Verb.COMMENT, skill)
    return {
        "comments": _rows(skill, shown, actor),
        "next_url": _next_url(skill, base, found),
        "start_url": base if cursor else "",
        "own": _own(skill, actor) if actor.user and not cursor else [],
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


def _rows(skill: Skill, shown: list[SkillComment], actor: Actor) -> list[dict[str, Any]]:
    owners, viewer = _owners(skill, shown), actor.user and actor.user.pk
    return [
        {
            "comment": comment,
            "author_url": author_url(comment.author.handle),
            "speaks_for_owner": comment.author_id in owners,
            "is_own": comment.author_id == viewer,
            "url": comment_url(skill.owner_handle, skill.slug, comment.pk),
        }
        for comment in shown
    ]


def _owners(skill: Skill, shown: list[SkillComment]) -> set[int]:
    """Return which of the authors speak for the owner of the skill; one statement."""
    authors = {comment.author_id for comment in shown}
    members = Membership.objects.filter(namespace=skill.namespace_id, user__in=authors)
    joined = set(members.values_list("user", flat=True)) if authors else set()
    return joined | ({skill.namespace.user_id} if skill.namespace.user_id else set())


def _own(skill: Skill, actor: Actor) -> list[dict[str, Any]]:
    assert actor.user is not None  # noqa: S101  (asked by the caller)
    mine = SkillComment.objects.filter(skill=skill).seen_by_author_only(
        actor.user.pk, deleted_since()
    )
    return [
        {"comment": comment, "url": comment_url(skill.owner_handle, skill.slug, comment.pk)}
        for comment in mine[:OWN_SHOWN]
    ]

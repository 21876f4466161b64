"""What the calls of publishers and owners share: who calls, and which skill of theirs they mean."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from accounts.models import Scope, User
from accounts.policy import Verb, can, require_scope
from config.bodies import text_of
from skills import lookup
from skills.api import actor_of
from skills.models import Skill


def writer(request: HttpRequest) -> User:
    """Return the person behind a token that may change skills. Raises `ScopeMissing`."""
    actor = actor_of(request)
    require_scope(actor, Scope.SKILLS_WRITE)
    assert actor.user is not None  # noqa: S101  (token_holder lets nobody else in)
    return actor.user


def named_owner(request: HttpRequest, body: dict[str, Any]) -> str:
    """Return the owner that the body or the query names, as typed; "" where neither does."""
    query = request.GET.get("ownerHandle") or request.GET.get("owner") or ""
    return text_of(body, "ownerHandle") or query


def own_skill(
    request: HttpRequest,
    body: dict[str, Any],
    slug: str,
    *,
    owner: str = "",
    verb: Verb = Verb.PUBLISH,
    merged_too: bool = False,
) -> Skill:
    """Return the skill of this name that the caller may change. Raises the refusals.

    The owner stands in the name, the body, or the query.
    """
    actor = actor_of(request)
    owner = owner or named_owner(request, body)
    skill = lookup.find_own(actor, slug, owner, merged_too=merged_too)
    if not can(actor, verb, skill):
        raise lookup.not_manager(skill)
    return skill

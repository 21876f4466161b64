"""What clients report: stars, and what they have installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from ninja import P, QueryEx, Router

from accounts.api import token_holder
from accounts.policy import Actor, ScopeMissing, Verb, can
from config.api import endpoint, error_response, json_response
from config.errors import DomainError
from config.formats import bytes_size
from skills import events, lookup
from skills.api import actor_of, on_refusal
from skills.models import Skill

router = Router(tags=["skills"])

MAX_SKILLS: Final = 5_000
"""Skills in one report, as the original accepts them."""

MAX_ROOTS: Final = 1_000
IGNORED_EVENTS: Final = frozenset({"plugin_install"})


class ReportInvalid(DomainError):
    code = "telemetry_invalid"


class ReportTooLarge(DomainError):
    code = "telemetry_too_large"


writes = endpoint("write", token_holder, on_refusal)
uploads = endpoint("upload", token_holder, on_refusal)
NEEDS_TOKEN: Final[dict[str, Any]] = {"security": [{"token": []}]}
Owner = QueryEx[str, P(alias="ownerHandle")]


# --- Stars ----------------------------------------------------------------------------------------


@router.post("/stars/{reference:slug}", summary="Star a skill", openapi_extra=NEEDS_TOKEN)
@writes
def star(
    request: HttpRequest, slug: str, *, owner_handle: Owner = "", owner: str = ""
) -> HttpResponse:
    """Put your star on a skill; saying so twice changes nothing."""
    skill, user_id = _starrable(request, slug, owner_handle or owner)
    is_new = events.star(skill_id=skill.pk, user_id=user_id)
    return json_response({"ok": True, "starred": True, "alreadyStarred": not is_new})


@router.delete("/stars/{reference:slug}", summary="Take a star back", openapi_extra=NEEDS_TOKEN)
@writes
def unstar(
    request: HttpRequest, slug: str, *, owner_handle: Owner = "", owner: str = ""
) -> HttpResponse:
    """Take your star from a skill; saying so twice changes nothing."""
    skill, user_id = _starrable(request, slug, owner_handle or owner)
    was_there = events.unstar(skill_id=skill.pk, user_id=user_id)
    return json_response({"ok": True, "unstarred": True, "alreadyUnstarred": not was_there})


def _starrable(request: HttpRequest, slug: str, owner: str) -> tuple[Skill, int]:
    """Return the skill of this name and who stars it. Raises the refusals."""
    actor = actor_of(request)
    skill = lookup.find_skill(actor, slug, owner)
    if not can(actor, Verb.STAR, skill):
        raise ScopeMissing("This token may not star; make one that may change skills.")
    return skill, _user_id(actor)


def _user_id(actor: Actor) -> int:
    assert actor.user is not None  # noqa: S101  (token_holder lets nobody else in)
    return actor.user.pk


# --- Installs -------------------------------------------------------------------------------------


def _report(view: Callable[[HttpRequest], HttpResponse]) -> Callable[..., Any]:
    """Make a view one of the reports that clients send beside the versioned API."""
    return csrf_exempt(require_POST(endpoint("write", token_holder, error_response)(view)))


@_report
def report_install(request: HttpRequest) -> HttpResponse:
    """Note what a person's client has installed, told one by one or as a whole.

    A client that leaves a skill out has not removed it, and names that are no skill of ours are
    passed over. Labels of folders are not stored.
    """
    actor = actor_of(request)
    names = list(dict.fromkeys(_installed(_body(request))))
    if len(names) > MAX_SKILLS:
        raise ReportTooLarge(f"Report at most {MAX_SKILLS:,} skills at once.", field="roots")
    skill_ids = lookup.find_public_ids(names)
    events.record_installs(user_id=_user_id(actor), skill_ids=skill_ids)
    return json_response({"ok": True})


@_report
def report_sync(_request: HttpRequest) -> HttpResponse:
    """Thank for a report that says nothing we count."""
    return json_response({"ok": True})


def _body(request: HttpRequest) -> dict[str, Any]:
    try:
        body = orjson.loads(request.body or b"{}")
    except RequestDataTooBig:
        most = bytes_size(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        raise ReportTooLarge(f"Report at most {most} at once.") from None
    except orjson.JSONDecodeError:
        raise ReportInvalid("The body is no JSON; update your client.") from None
    if not isinstance(body, dict):
        raise ReportInvalid("The body is a JSON object.")
    return body


def _installed(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the (owner, slug) of each skill that a report names. Raises `ReportInvalid`."""
    if "roots" in body:
        for root in _objects(body["roots"], "roots", MAX_ROOTS):
            for skill in _objects(root.get("skills"), "skills", MAX_SKILLS):
                yield _name(skill)
    elif body.get("event") == "install":
        yield _name(body)
    elif body.get("event") not in IGNORED_EVENTS:
        raise ReportInvalid("event is “install”, or the body has roots.", field="event")


def _objects(value: Any, field: str, most: int) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ReportInvalid(f"{field} is a list of objects.", field=field)
    if len(value) > most:
        raise ReportTooLarge(f"Report at most {most:,} {field} at once.", field=field)
    return value


def _name(skill: dict[str, Any]) -> tuple[str, str]:
    slug, owner = skill.get("slug"), skill.get("ownerHandle") or ""
    if not isinstance(slug, str) or not isinstance(owner, str) or "\0" in slug + owner:
        raise ReportInvalid("slug and ownerHandle are text.", field="slug")
    return lookup.split_reference(slug, owner)

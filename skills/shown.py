"""Which skill and version a page is about, and whether this visitor may see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, NamedTuple, cast

from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.identity import page_actor
from accounts.models import Membership
from accounts.policy import Actor, Verb, can, owns
from config.kept import revalidated, set_caching
from skills import lookup, verdict
from skills.addresses import author_url, my_skill_url, skill_url, version_url
from skills.models import ModerationStatus, Skill, SkillAlias, SkillStar, SkillVersion
from skills.standing import Standing
from skills.standing import of_skill as standing_of

View = Callable[..., HttpResponse]
SAFE_METHODS: Final = {"GET", "HEAD"}


# --- Which skill, and may this visitor see it -----------------------------------------------------


def of_skill(view: View) -> View:
    """Hand the view the skill of its address.

    Answers itself what leads elsewhere (301), is removed (410), unknown or not for this visitor
    (404): a hidden skill and a missing one look the same. Only for reading.
    """
    return require_safe(with_skill(view))


def with_skill(view: View, *, removed_too: bool = False) -> View:
    """Do as `of_skill` does, for a view that also takes a POST.

    With `removed_too` the view is also called about a removed skill, for who may inspect it.
    """

    @wraps(view)
    def found(request: HttpRequest, owner: str, slug: str, **rest: str) -> HttpResponse:
        actor = page_actor(request)
        skill = _skill_at(owner, slug, actor)
        if skill is None:
            return _moved(request, owner, slug)
        is_removed = skill.moderation_status == ModerationStatus.REMOVED
        inspected = removed_too and can(actor, Verb.INSPECT, skill)
        if is_removed and skill.soft_deleted_at is None and not inspected:
            return _removed(request, skill)
        if not can(actor, Verb.VIEW, skill):
            raise Http404
        response = view(request, skill, **rest)
        is_read = request.method in SAFE_METHODS
        set_caching(request, response, is_public=skill.is_public and is_read)
        return revalidated(request, response) if is_read else response

    return found


def _skill_at(owner: str, slug: str, actor: Actor) -> Skill | None:
    """Return the skill of this address with what the actor is to it, in one statement."""
    rows = Skill.objects.select_related("namespace", "total")
    rows = rows.filter(namespace__handle=owner, slug=slug, merged_at__isnull=True)
    if actor.user is not None:
        members = Membership.objects.filter(namespace=OuterRef("namespace"), user=actor.user)
        stars = SkillStar.objects.filter(skill=OuterRef("pk"), user=actor.user)
        rows = rows.annotate(has_joined=Exists(members), is_starred=Exists(stars))
    skill: Any = rows.first()
    if skill is not None and actor.user is not None:
        is_own = skill.namespace.user_id == actor.user.pk
        actor.spoken_for[skill.namespace_id] = is_own or skill.has_joined
    return cast("Skill | None", skill)


def own_skill_at(request: HttpRequest, slug: str) -> Skill:
    """Return the skill of this name that the person speaks for, their own first. 404 otherwise."""
    mine = page_actor(request).namespace_ids
    rows = Skill.objects.filter(namespace__in=mine, slug=slug).select_related("namespace")
    if owner := request.GET.get("owner", ""):
        rows = rows.filter(owner_handle=owner)
    found: Skill | None = rows.order_by("namespace__kind", "pk").first()
    if found is None:
        raise Http404
    return found


def _moved(request: HttpRequest, owner: str, slug: str) -> HttpResponse:
    """Lead from an old name, or the wrong letter case, to the address of today."""
    owner, lower = owner.lower(), slug.lower()
    alias = (
        SkillAlias.objects.filter(namespace__handle=owner, slug__in={slug, lower})
        .select_related("skill__namespace")
        .first()
    )
    actor = page_actor(request)
    skill = alias.skill if alias else _skill_at(owner, lower, actor)
    may_know = skill is not None and can(actor, Verb.VIEW, skill)
    if skill is None or not may_know:
        raise Http404
    path = request.get_full_path().removeprefix("/skills/")
    rest = path.split("/", 2)[2]
    return redirect(skill_url(skill.namespace.handle, skill.slug) + rest, permanent=True)


def _removed(request: HttpRequest, skill: Skill) -> HttpResponse:
    context = {
        "skill": skill,
        "word": skill.status_word,
        "sentence": verdict.explain(skill),
        "author": author_url(skill.owner_handle),
        "diagnosis": diagnosis(request, skill),
    }
    response = render(request, "public/skill_removed.html", context, status=410)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


class Diagnosis(NamedTuple):
    """What keeps a skill from the public; `url` is where its owner mends that, "" for staff."""

    sentence: str
    url: str


def diagnosis(request: HttpRequest, skill: Skill) -> Diagnosis | None:
    """Return what keeps the skill from the public, for its owner and staff; None for others."""
    actor = page_actor(request)
    if skill.is_public or not can(actor, Verb.DIAGNOSE, skill):
        return None
    url = my_skill_url(skill.owner_handle, skill.slug) if owns(actor, skill) else ""
    try:
        lookup.refuse_hidden(skill)
    except lookup.Withheld as error:
        return Diagnosis(f"{error.message} Reason: {skill.moderation_reason}.", url)


# --- Which version, and how it stands -------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """The version a page is about; none when nothing is published any more."""

    skill: Skill
    version: SkillVersion | None
    is_latest: bool

    @property
    def state(self) -> Skill | Standing:
        """Return what the truth table is asked about: the skill speaks for its latest version."""
        return self.skill if self.is_latest else state_of(self.version)

    @property
    def url(self) -> str:
        """Return the address of this page without a tab."""
        skill = self.skill
        if self.is_latest or self.version is None:
            return skill_url(skill.owner_handle, skill.slug)
        return version_url(skill.owner_handle, skill.slug, self.version.version)


def state_of(version: SkillVersion | None) -> Standing:
    """Return how a version stands by itself; none is one that no scan has seen."""
    return standing_of((), version)


def find_shown(skill: Skill, number: str = "", *, texts: bool = False) -> Shown:
    """Return the version of this number, else the latest one. Raises `Http404`."""
    latest = (skill.latest_version_summary or {}).get("version", "")
    try:
        version = lookup.find_version(skill, number or latest, texts=texts)
    except lookup.VersionNotFound:
        if number:
            raise Http404 from None
        return Shown(skill, None, is_latest=True)
    return Shown(skill, version, is_latest=version.version == latest)


def told_to_owner(skill: Skill) -> str:
    """Return the sentence that tells an owner how a skill stands, and what to do."""
    if skill.merged_at is not None:
        return "It was merged into another skill, and its names lead there. That cannot be undone."
    if skill.soft_deleted_at is not None:
        return "It is deleted; only its owners and staff see it. Restore it on its “Manage” page."
    if skill.latest_version_summary is None and skill.moderation_status == ModerationStatus.ACTIVE:
        return "No version of it is published."
    return verdict.explain_to_owner(skill)


def withheld(version: SkillVersion) -> str:
    """Return why the files of a version are not handed out; "" when they are."""
    try:
        lookup.require_available(version)
    except lookup.Withheld as error:
        return error.message
    return ""

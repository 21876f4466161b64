"""`/me/skills/{slug}/manage/`: what an owner does to a skill beside publishing it.

Each deed has its own address and form and calls the service that clients call, too. Who may only
publish (a member of an organisation) sees tags; the rest is for who manages it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.identity import page_actor, signed_in
from accounts.models import User
from accounts.namespace_views import refuse
from accounts.policy import Actor, Verb, can
from accounts.views import refuse_unstorable_form
from config.api import take_quota
from config.errors import DomainError
from config.formats import short_date
from config.site import too_many_requests
from skills import lifecycle, lookup, renames, transfers
from skills.addresses import TRANSFERS, manage_url, my_skill_url, skill_url
from skills.gates import RESERVED_FOR
from skills.models import Skill, SkillTransfer
from skills.own_forms import (
    FIELD_OF,
    MergeForm,
    NothingForm,
    OfferForm,
    OwnForm,
    ReasonForm,
    RenameForm,
    TagForm,
    VersionForm,
)
from skills.shown import own_skill_at, told_to_owner


class Done(NamedTuple):
    """What came of a deed: a sentence, and the page that is shown then."""

    told: str
    url: str


class Ask(NamedTuple):
    """Who wants what done to which skill."""

    skill: Skill
    actor: Actor
    user: User
    said: Mapping[str, Any]


class Deed(NamedTuple):
    """Something to be done: its form, who may, and how. Of a mere button nothing was typed."""

    form: type[OwnForm]
    verb: Verb
    do: Callable[[Ask], Done]
    page: Callable[[Skill], str]
    is_button: bool = False


def _manage(skill: Skill) -> str:
    return manage_url(skill.owner_handle, skill.slug)


def _rename(ask: Ask) -> Done:
    old = ask.skill.slug
    renamed = renames.rename_skill(skill=ask.skill, slug=ask.said["slug"], actor=ask.user)
    return Done(f"Its slug is {renamed.slug}. {old} leads there.", _manage(renamed))


def _merge(ask: Ask) -> Done:
    target = lookup.find_own(ask.actor, ask.said["target"])
    if not can(ask.actor, Verb.MANAGE, target):
        raise lookup.not_manager(target)
    renames.merge_skills(source=ask.skill, target=target, actor=ask.user)
    return Done(f"{ask.skill.slug} leads to {target.slug} now.", _manage(target))


def _offer(ask: Ask) -> Done:
    to = transfers.find_recipient(ask.said["to"])
    offer = transfers.request_transfer(
        skill=ask.skill, to=to, actor=ask.user, message=ask.said["message"]
    )
    if offer.decided_at is not None:
        return Done(f"@{to.handle} has it now.", manage_url(to.handle, ask.skill.slug))
    return Done(f"Offered to @{to.handle}, who has a week to answer.", TRANSFERS)


def _tag(ask: Ask) -> Done:
    number = ask.said["version"]
    row = lifecycle.set_tag(skill=ask.skill, version=number, tag=ask.said["tag"], actor=ask.user)
    return Done(f"{row.name} leads to {row.version.version}.", _manage(ask.skill))


def _delete(ask: Ask) -> Done:
    until = lifecycle.delete_skill(skill=ask.skill, actor=ask.user, reason=ask.said["reason"])
    told = f"Deleted. Restore it here; from {short_date(until)} on its name may go to others."
    return Done(told, _manage(ask.skill))


def _restore(ask: Ask) -> Done:
    lifecycle.restore_skill(skill=ask.skill, actor=ask.user)
    return Done("It is back as it was.", _manage(ask.skill))


def _withdraw(ask: Ask) -> Done:
    number = ask.said["version"]
    lifecycle.withdraw_version(skill=ask.skill, version=number, actor=ask.user)
    return Done(f"Version {number} is withdrawn; restore it here.", _versions(ask.skill))


def _bring_back(ask: Ask) -> Done:
    number = ask.said["version"]
    lifecycle.restore_version(skill=ask.skill, version=number, actor=ask.user)
    return Done(f"Version {number} is published again.", _versions(ask.skill))


def _versions(skill: Skill) -> str:
    return my_skill_url(skill.owner_handle, skill.slug)


DEEDS: Final[Mapping[str, Deed]] = {
    "tag": Deed(TagForm, Verb.PUBLISH, _tag, _manage),
    "rename": Deed(RenameForm, Verb.MANAGE, _rename, _manage),
    "offer": Deed(OfferForm, Verb.MANAGE, _offer, _manage),
    "merge": Deed(MergeForm, Verb.MANAGE, _merge, _manage),
    "delete": Deed(ReasonForm, Verb.MANAGE, _delete, _manage),
    "restore": Deed(NothingForm, Verb.MANAGE, _restore, _manage, is_button=True),
    "withdraw": Deed(VersionForm, Verb.PUBLISH, _withdraw, _versions, is_button=True),
    "bring-back": Deed(VersionForm, Verb.PUBLISH, _bring_back, _versions, is_button=True),
}


@never_cache
@require_safe
@signed_in
def manage(request: HttpRequest, viewer: User, slug: str) -> HttpResponse:
    """Show what can be done to one's own skill."""
    del viewer
    return _page(request, own_skill_at(request, slug))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def act(request: HttpRequest, viewer: User, slug: str, deed: str) -> HttpResponse:
    """Do one thing to one's own skill; a GET only leads back."""
    skill, asked = own_skill_at(request, slug), DEEDS.get(deed)
    if asked is None or not can(page_actor(request), asked.verb, skill):
        raise Http404
    if request.method != "POST":
        return redirect(asked.page(skill))
    refuse_unstorable_form(request)
    quota = take_quota(request, "write", viewer)
    if not quota.allowed:
        return too_many_requests(request, quota.reset_seconds)
    form = asked.form(request.POST, skill=skill, prefix=deed)
    if asked.is_button and not form.is_valid():
        raise Http404
    done = _done(asked, form, Ask(skill, page_actor(request), viewer, {}))
    if done is not None:
        messages.success(request, done.told)
        return redirect(done.url)
    if asked.is_button:
        messages.warning(request, str(form.non_field_errors()[0]))
        return redirect(asked.page(skill))
    return _page(request, skill, {deed: form}, status=422)


def _done(deed: Deed, form: OwnForm, ask: Ask) -> Done | None:
    """Do what a form asks for; None leaves the reasons on the form."""
    if not form.is_valid():
        return None
    try:
        return deed.do(ask._replace(said=form.cleaned_data))
    except DomainError as refusal:
        if deed.is_button:
            form.add_error(None, refusal.message)
        else:
            refuse(form, refusal, FIELD_OF.get(refusal.field or ""))
        return None


def _kept_until(skill: Skill) -> datetime | None:
    """Return until when the name of a deleted skill is kept from others; None once it is not."""
    if skill.soft_deleted_at is None or skill.soft_deleted_at + RESERVED_FOR <= timezone.now():
        return None
    return skill.soft_deleted_at + RESERVED_FOR


def _page(
    request: HttpRequest, skill: Skill, refused: Mapping[str, OwnForm] = {}, *, status: int = 200
) -> HttpResponse:
    may_manage = can(page_actor(request), Verb.MANAGE, skill)
    is_merged = skill.merged_at is not None
    offer = SkillTransfer.objects.outgoing_for(page_actor(request)).filter(skill=skill).first()
    latest = (skill.latest_version_summary or {}).get("version", "")
    initial = {"rename": {"slug": skill.slug}, "tag": {"version": latest}}
    forms = {
        name: deed.form(skill=skill, prefix=name, initial=initial.get(name))
        for name, deed in DEEDS.items()
    }
    context = {
        "skill": skill,
        "word": skill.status_word,
        "sentence": told_to_owner(skill),
        "may_manage": may_manage and not is_merged,
        "is_merged": is_merged,
        "forms": forms | dict(refused),
        "urls": {name: manage_url(skill.owner_handle, skill.slug, name) for name in DEEDS},
        "tags": skill.tag_rows.select_related("version").only("name", "version__version"),
        "old_names": skill.aliases.order_by("slug").values_list("slug", flat=True),
        "offer": offer,
        "is_deleted": skill.soft_deleted_at is not None,
        "kept_until": _kept_until(skill),
        "kept_days": RESERVED_FOR.days,
        "life_days": transfers.LIFE.days,
        "mine_url": _versions(skill),
        "public_url": skill_url(skill.owner_handle, skill.slug),
        "transfers_url": TRANSFERS,
    }
    return render(request, "me/skill_manage.html", context, status=status)

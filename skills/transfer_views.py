"""`/me/transfers/`: the skills one was offered, and those one offered to others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.identity import page_actor, signed_in
from accounts.models import User
from config.api import take_quota
from config.errors import DomainError
from config.pagination import CursorRefused, read_cursor, sign_cursor
from config.site import too_many_requests
from skills.addresses import TRANSFERS, my_skill_url, skill_url
from skills.forms import CURSOR_NOTICE
from skills.models import Skill, SkillTransfer
from skills.querysets import SkillTransferQuerySet
from skills.transfers import LIFE, accept_transfer, cancel_transfer, reject_transfer

OFFERS_SHOWN: Final = 25
# What is done to an offer, and what is said then; `cancel` is for who made it.
ANSWERS: Final[Mapping[str, tuple[Callable[..., Skill], str]]] = {
    "accept": (accept_transfer, "{} is yours now."),
    "reject": (reject_transfer, "You turned {} down; it stays where it is."),
    "cancel": (cancel_transfer, "{} is offered no more."),
}
CANCEL: Final = "cancel"


@never_cache
@require_safe
@signed_in
def transfers(request: HttpRequest, viewer: User) -> HttpResponse:
    """Show the offers that wait, to the viewer and by them."""
    actor = page_actor(request)
    notices: list[str] = []
    offers = SkillTransfer.objects
    context = {
        "incoming": _part(request, viewer, "incoming", offers.incoming_for(actor), notices),
        "outgoing": _part(request, viewer, "outgoing", offers.outgoing_for(actor), notices),
        "notices": notices,
        "life_days": LIFE.days,
    }
    return render(request, "me/transfers.html", context)


def _part(
    request: HttpRequest,
    viewer: User,
    name: str,
    offers: SkillTransferQuerySet,
    notices: list[str],
) -> dict[str, Any]:
    listing = f"transfers:{name}:{viewer.pk}"
    if before := request.GET.get(name, ""):
        try:
            offers = offers.filter(pk__lt=read_cursor(listing, before, int)[0])
        except CursorRefused:
            notices.append(CURSOR_NOTICE)
    found: list[SkillTransfer] = list(offers[: OFFERS_SHOWN + 1])
    more = len(found) > OFFERS_SHOWN
    return {
        "rows": [
            {"offer": offer, "url": skill_url(offer.skill.owner_handle, offer.skill.slug)}
            for offer in found[:OFFERS_SHOWN]
        ],
        "more": more and urlencode({name: sign_cursor(listing, found[-2].pk)}),
    }


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def answer(request: HttpRequest, viewer: User, transfer_id: int, answer: str) -> HttpResponse:
    """Accept or turn down what one was offered, or take an offer back; a GET leads back."""
    if answer not in ANSWERS:
        raise Http404
    offers, actor = SkillTransfer.objects, page_actor(request)
    own = offers.outgoing_for(actor) if answer == CANCEL else offers.incoming_for(actor)
    if request.method != "POST":
        return redirect(TRANSFERS)
    quota = take_quota(request, "write", viewer)
    if not quota.allowed:
        return too_many_requests(request, quota.reset_seconds)
    offer: SkillTransfer | None = own.filter(pk=transfer_id).first()
    if offer is None:
        messages.warning(request, "That offer is gone: it was answered, taken back, or too old.")
        return redirect(TRANSFERS)
    act, told = ANSWERS[answer]
    try:
        skill = act(transfer=offer, actor=viewer)
    except DomainError as refusal:
        messages.warning(request, refusal.message)
        return redirect(TRANSFERS)
    messages.success(request, told.format(skill.slug))
    is_taken = answer == "accept"
    return redirect(my_skill_url(offer.to_namespace.handle, skill.slug) if is_taken else TRANSFERS)

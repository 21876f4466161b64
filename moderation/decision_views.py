"""`/me/decisions/{id}/`: the statement of reasons that an author reads, and the appeal."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.identity import page_actor, signed_in
from accounts.models import User
from accounts.views import refuse_unstorable_form
from config.api import take_quota
from config.errors import DomainError
from config.site import too_many_requests
from moderation import categories
from moderation.models import Action, Appeal, AppealState, Decision, Notice
from moderation.modlog import ACTIONS, NOTES, log_of
from moderation.public_forms import AppealForm
from moderation.services import appeals
from moderation.services.notices import mark_read
from skills.addresses import file_url, my_skill_url
from skills.evidence import Reader, Told, told_to

FINDINGS_SHOWN = 50

# What the owner can do to have it lifted, apart from an appeal.
REMEDIES = {
    Action.CAUTION: "Publish a version without what it names; it is judged by itself.",
    Action.CHANGES: "Change what it names and publish a fixed version; it is public at once.",
    Action.HIDE_VERSION: "Publish a version without what it names; it is judged by itself.",
    Action.HIDE: "Publish a fixed version; a moderator then looks at the skill again.",
    Action.REMOVE: "Nothing you publish under this name changes it; only an appeal can.",
    Action.BLOCK: "Publish a version without what was found. If nothing bad is in it, appeal.",
    Action.HOLD_REPORTS: "Wait for the moderator, or publish a version without what is wrong.",
    Action.HOLD_QUALITY: "Say what it does, when to use it and what it needs, and publish again.",
}
APPEAL_STATES = {
    AppealState.OPEN: "Open: somebody who did not decide will answer it.",
    AppealState.GRANTED: "Granted: the decision no longer holds.",
    AppealState.REJECTED: "Rejected: the decision stands.",
}


@never_cache
@require_safe
@signed_in
def decision(request: HttpRequest, viewer: User, decision_id: int) -> HttpResponse:
    """Show what was decided about one's own skill, why, and what can be done."""
    del viewer
    found = _own_decision(request, decision_id)
    context = _context(found)
    if request.method == "GET":
        keys = Notice.objects.unread().filter(decision=found).values_list("pk", flat=True)
        mark_read(namespace_ids=page_actor(request).namespace_ids, notice_ids=list(keys))
    return render(request, "me/decision.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def appeal(request: HttpRequest, viewer: User, decision_id: int) -> HttpResponse:
    """Show the form of an appeal, or the appeal with its answer; take an appeal."""
    found = _own_decision(request, decision_id)
    if request.method != "POST":
        return _appeal_page(request, found, AppealForm())
    refuse_unstorable_form(request)
    quota = take_quota(request, "write", viewer)
    if not quota.allowed:
        return too_many_requests(request, quota.reset_seconds)
    form = AppealForm(request.POST)
    if form.is_valid():
        try:
            appeals.appeal(decision_id=found.pk, actor=viewer, text=form.cleaned_data["text"])
        except DomainError as refusal:
            form.add_error("text" if refusal.field == "text" else None, refusal.message)
        else:
            messages.success(request, "Your appeal is in the queue; its answer will be here.")
            return redirect(request.path)
    return _appeal_page(request, found, form, status=422)


def _own_decision(request: HttpRequest, decision_id: int) -> Decision:
    """Return a decision about what this person speaks for. 404 otherwise, and for a proposal."""
    rows = Decision.objects.about(page_actor(request).namespace_ids)
    rows = rows.select_related("skill", "version", "appeal", "undone_by")
    # No primary key is larger, and the database could not compare it.
    found: Decision | None = rows.filter(pk=min(decision_id, 2**62)).first()
    if found is None:
        raise Http404
    return found


def _appeal_page(
    request: HttpRequest, found: Decision, form: AppealForm, *, status: int = 200
) -> HttpResponse:
    context = _context(found) | {"form": form}
    return render(request, "me/appeal.html", context, status=status)


def _context(found: Decision) -> dict[str, Any]:
    skill, action = found.skill, Action(found.action)
    made: Appeal | None = getattr(found, "appeal", None)
    is_appealable = action in appeals.APPEALABLE
    return {
        "decision": found,
        "name": f"{found.skill_label} {found.version_label}".rstrip(),
        "what": ACTIONS[action],
        "scope": NOTES[action],
        "category": categories.label(found.category),
        "category_url": categories.url(found.category),
        "findings": _findings(found),
        "found_by": _found_by(found),
        "decided_by": "automatically, by the rules of this registry"
        if found.is_automatic
        else "a moderator, in person",
        "remedy": REMEDIES.get(action, ""),
        "is_undone": hasattr(found, "undone_by"),
        "newer": _newer(found),
        "appeal": made,
        "appeal_state": made and APPEAL_STATES[AppealState(made.state)],
        "appeal_until": appeals.appeal_until(found) if is_appealable else None,
        "appeal_refusal": appeals.appeal_refusal(found),
        "is_appealable": is_appealable,
        "skill_url": my_skill_url(skill.owner_handle, skill.slug),
        "log_url": log_of(skill.owner_handle, skill.slug),
    }


def _findings(found: Decision) -> list[dict[str, Any]]:
    """Return what it was decided on, as far as the author is told."""
    told = told_to(Reader.OWNER, found.evidence)[:FINDINGS_SHOWN]
    return [{"told": one, "url": _file_url(found, one)} for one in told]


def _file_url(found: Decision, told: Told) -> str:
    if not told.file or not found.version_label:
        return ""
    skill = found.skill
    line = f"#L{told.line}" if told.line else ""
    return file_url(skill.owner_handle, skill.slug, found.version_label, told.file) + line


def _found_by(found: Decision) -> str:
    """Return what brought it up, from what the decision itself holds."""
    if found.action == Action.HOLD_REPORTS:
        return "reports of several people"
    if found.action == Action.HOLD_QUALITY:
        return "the quality gate"
    ways = ["a scan"] if found.evidence or found.action in {Action.BLOCK, Action.CLEAR} else []
    ways += ["reports"] if found.reports_closed else []
    return " and ".join(ways) or "a review by a moderator"


def _newer(found: Decision) -> Decision | None:
    """Return the last word on the same version, where that is another one."""
    last: Decision | None = Decision.objects.last_of([found.version_id or 0]).only("pk").first()
    return last if last is not None and last.pk != found.pk else None

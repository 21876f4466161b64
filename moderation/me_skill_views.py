"""`/me/skills/{slug}/`: what an owner reads about the versions of a skill, and the rescan."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
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
from moderation.models import Decision, Notice
from moderation.modlog import ACTIONS
from moderation.services.appeals import APPEALABLE, appeal_refusal
from moderation.services.notices import mark_read
from moderation.services.scans import RESCAN_AFTER, request_rescan, rescan_at, waiting_for_scan
from skills import verdict
from skills.addresses import (
    file_url,
    manage_url,
    my_skill_url,
    publish_url,
    skill_url,
    version_url,
)
from skills.evidence import Reader, told_to
from skills.forms import CURSOR_NOTICE
from skills.models import Skill, SkillVersion
from skills.numbers import next_number
from skills.shown import own_skill_at, state_of, told_to_owner

VERSIONS_SHOWN: Final = 10
FINDINGS_SHOWN: Final = 10
# Unread notices that looking at the page marks as read, at most.
SEEN_AT_ONCE: Final = 100


@never_cache
@require_safe
@signed_in
def skill(request: HttpRequest, viewer: User, slug: str) -> HttpResponse:
    """Show the versions of one's own skill: how each stands, what was found and decided."""
    del viewer
    found = own_skill_at(request, slug)
    context = _context(request, found)
    if request.method == "GET":
        _see(request, found)
    return render(request, "me/skill.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def rescan(request: HttpRequest, viewer: User, slug: str) -> HttpResponse:
    """Have a version of one's own skill scanned again; a GET only leads back."""
    found = own_skill_at(request, slug)
    page = my_skill_url(found.owner_handle, found.slug)
    if request.method != "POST":
        return redirect(page)
    quota = take_quota(request, "write", viewer)
    if not quota.allowed:
        return too_many_requests(request, quota.reset_seconds)
    number = request.POST.get("version", "")[:100].replace("\0", "")
    version: SkillVersion | None = found.versions.filter(version=number).first()
    if version is None:
        raise Http404
    try:
        is_new = request_rescan(version=version, actor=viewer)
    except DomainError as refusal:
        messages.warning(request, refusal.message)
    else:
        told = "is queued; the result is here within minutes" if is_new else "was asked for already"
        messages.success(request, f"The scan of {version.version} {told}.")
    return redirect(page)


def _see(request: HttpRequest, found: Skill) -> None:
    """Count the notices that say no more than this page as read."""
    unread = Notice.objects.unread().filter(
        namespace=found.namespace, skill=found, decision__isnull=True
    )
    keys = list(unread.values_list("pk", flat=True)[:SEEN_AT_ONCE])
    if keys:
        mark_read(namespace_ids=page_actor(request).namespace_ids, notice_ids=keys)


def _context(request: HttpRequest, found: Skill) -> dict[str, Any]:
    listing, notices = f"my-versions:{found.pk}", list[str]()
    rows = found.versions.newest_first().defer("readme", "metadata", "warnings")
    cursor = request.GET.get("until", "")
    if cursor:
        try:
            rows = rows.before(*read_cursor(listing, cursor, str, int))
        except CursorRefused:
            cursor = ""
            notices.append(CURSOR_NOTICE)
    versions = list(rows[: VERSIONS_SHOWN + 1])
    shown = versions[:VERSIONS_SHOWN]
    url = my_skill_url(found.owner_handle, found.slug)
    context = {
        "skill": found,
        "word": found.status_word,
        "sentence": told_to_owner(found),
        "notices": notices,
        "rows": _rows(found, shown),
        "public_url": skill_url(found.owner_handle, found.slug),
        "rescan_url": f"{url.partition('?')[0]}rescan/?{urlencode({'owner': found.owner_handle})}",
        "publish_url": publish_url(found.owner_handle, found.slug),
        "manage_url": manage_url(found.owner_handle, found.slug),
        "withdraw_url": manage_url(found.owner_handle, found.slug, "withdraw"),
        "restore_url": manage_url(found.owner_handle, found.slug, "bring-back"),
        "rescan_minutes": RESCAN_AFTER.seconds // 60,
        "command": _publish_command(found, shown),
        "start_url": url if cursor else "",
    }
    if len(versions) > VERSIONS_SHOWN:
        last = shown[-1]
        token = sign_cursor(listing, last.created_at.isoformat(), last.pk)
        context["next_url"] = f"{url}&{urlencode({'until': token})}"
    return context


def _rows(found: Skill, shown: list[SkillVersion]) -> list[dict[str, Any]]:
    """Return the versions as shown; three statements however many they are."""
    keys = [version.pk for version in shown]
    last = Decision.objects.last_of(keys).select_related("appeal", "undone_by")
    decided = {decision.version_id: decision for decision in last}
    waiting = waiting_for_scan(keys)
    again_at = rescan_at(keys)
    latest = (found.latest_version_summary or {}).get("version")
    return [
        _row(found, version, decided.get(version.pk))
        | {
            "is_latest": version.version == latest,
            "is_waiting": version.pk in waiting,
            "again_at": again_at.get(version.pk),
        }
        for version in shown
    ]


def _row(found: Skill, version: SkillVersion, decision: Decision | None) -> dict[str, Any]:
    owner, slug, number = found.owner_handle, found.slug, version.version
    told = told_to(Reader.OWNER, version.scan_evidence)
    return {
        "version": version,
        "word": verdict.status_word(state_of(version)),
        "sentence": verdict.explain_to_owner(state_of(version)),
        "url": version_url(owner, slug, number),
        "decision": decision,
        "what": decision and ACTIONS[decision.action],
        "can_appeal": bool(
            decision and decision.action in APPEALABLE and not appeal_refusal(decision)
        ),
        "findings": [
            {
                "told": finding,
                "url": finding.file
                and file_url(owner, slug, number, finding.file)
                + (f"#L{finding.line}" if finding.line else ""),
            }
            for finding in told[:FINDINGS_SHOWN]
        ],
        "more_findings": max(0, len(told) - FINDINGS_SHOWN),
    }


def _publish_command(found: Skill, shown: list[SkillVersion]) -> str:
    """Return the command that publishes the next version from the skill's folder."""
    number = (next_number(shown[0].version) if shown else "") or "NEXT"
    slug = found.slug
    if not all(c.isascii() and (c.isalnum() or c in "-_.") for c in slug):
        slug = "NAME"
    registry = f"npx clawhub --registry {settings.SITE_URL}"
    return (
        f"{registry} publish ./{slug} --slug {slug} --version {number} --changelog 'What is fixed'"
    )

"""What owners do by client: delete, restore, tag, rename, merge (contract 5.11, 5.14)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from accounts.policy import Verb
from config.api import json_response, milliseconds
from config.bodies import read_object, text_of
from skills import lifecycle, lookup, renames
from skills.api import router
from skills.owner_calls import own_skill, writer
from skills.stats_api import NEEDS_TOKEN, writes


@router.delete("/skills/{reference:slug}", summary="Delete or hide", openapi_extra=NEEDS_TOKEN)
@writes
def delete_skill(request: HttpRequest, slug: str) -> HttpResponse:
    """Take your skill off the site; `undelete` brings it back. Body, if you like: `reason`."""
    body, user = read_object(request), writer(request)
    skill = own_skill(request, body, slug, verb=Verb.MANAGE, merged_too=True)
    until = lifecycle.delete_skill(skill=skill, actor=user, reason=text_of(body, "reason"))
    return json_response({"ok": True, "slugReservedUntil": milliseconds(until)})


@router.post(
    "/skills/{reference:slug}/undelete", summary="Restore or unhide", openapi_extra=NEEDS_TOKEN
)
@writes
def undelete_skill(request: HttpRequest, slug: str) -> HttpResponse:
    """Bring back what you deleted. What moderators or a scan hold stays held."""
    body, user = read_object(request), writer(request)
    skill = own_skill(request, body, slug, verb=Verb.MANAGE, merged_too=True)
    lifecycle.restore_skill(skill=skill, actor=user, reason=text_of(body, "reason"))
    return json_response({"ok": True})


@router.delete(
    "/skills/{reference:slug}/versions/{version}",
    summary="Withdraw a version",
    openapi_extra=NEEDS_TOKEN,
)
@writes
def withdraw_version(request: HttpRequest, slug: str, version: str) -> HttpResponse:
    """Take one version off the site; `latest` goes back to the newest that is left."""
    body, user = read_object(request), writer(request)
    skill = own_skill(request, body, slug)
    lifecycle.withdraw_version(skill=skill, version=version, actor=user)
    return json_response({"ok": True})


@router.post(
    "/skills/{reference:slug}/versions/{version}/restore",
    summary="Restore a version",
    openapi_extra=NEEDS_TOKEN,
)
@writes
def restore_version(request: HttpRequest, slug: str, version: str) -> HttpResponse:
    """Bring back a version that you withdrew."""
    body, user = read_object(request), writer(request)
    skill = own_skill(request, body, slug)
    lifecycle.restore_version(skill=skill, version=version, actor=user)
    return json_response({"ok": True})


@router.post(
    "/skills/{reference:slug}/tags/{tag}", summary="Point a tag", openapi_extra=NEEDS_TOKEN
)
@writes
def set_tag(request: HttpRequest, slug: str, tag: str) -> HttpResponse:
    """Let a tag, `latest` too, point at the `version` of the body."""
    body, user = read_object(request), writer(request)
    skill, version = own_skill(request, body, slug), text_of(body, "version")
    if not version:
        raise lookup.VersionNotFound("Say which version.", field="version")
    row = lifecycle.set_tag(skill=skill, version=version, tag=tag, actor=user)
    said = {"slug": skill.slug, "tag": row.name, "version": row.version.version}
    return json_response({"ok": True} | said)


@router.post("/skills/{reference:slug}/rename", summary="Rename", openapi_extra=NEEDS_TOKEN)
@writes
def rename_skill(request: HttpRequest, slug: str) -> HttpResponse:
    """Body: `newSlug`. The old name leads to the new one."""
    body, user = read_object(request), writer(request)
    skill = own_skill(request, body, slug, verb=Verb.MANAGE)
    renamed = renames.rename_skill(skill=skill, slug=text_of(body, "newSlug"), actor=user)
    previous = renames.previous_slug(renamed)
    return json_response({"ok": True, "slug": renamed.slug, "previousSlug": previous})


@router.post("/skills/{reference:slug}/merge", summary="Merge", openapi_extra=NEEDS_TOKEN)
@writes
def merge_skill(request: HttpRequest, slug: str) -> HttpResponse:
    """Body: `targetSlug`, another skill of yours. This one is hidden for good and leads there."""
    body, user = read_object(request), writer(request)
    owner = text_of(body, "sourceOwnerHandle") or text_of(body, "ownerHandle")
    source = own_skill(request, body, slug, owner=owner, verb=Verb.MANAGE, merged_too=True)
    wanted = text_of(body, "targetSlug")
    owner = text_of(body, "targetOwnerHandle") or text_of(body, "ownerHandle")
    target = own_skill(request, body, wanted, owner=owner, verb=Verb.MANAGE)
    renames.merge_skills(source=source, target=target, actor=user)
    return json_response({"ok": True, "sourceSlug": source.slug, "targetSlug": target.slug})

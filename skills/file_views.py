"""The page of one file: its lines with anchors, or why there are none."""

from __future__ import annotations

import functools
from typing import Any, Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.identity import page_actor
from accounts.policy import Verb, can
from config.formats import bytes_size
from config.highlight import highlight_lines, split_lines
from skills import lookup
from skills.addresses import file_url, raw_file_url
from skills.blobs import read_text
from skills.models import Skill, SkillFile
from skills.shown import find_shown, with_skill, withheld
from skills.skill_views import head

TEXT_LIMIT_BYTES: Final = 200_000
TEXT_LIMIT_LINES: Final = 2_000


@require_safe
@functools.partial(with_skill, removed_too=True)
def file(request: HttpRequest, skill: Skill, version: str, path: str) -> HttpResponse:
    """Show a file of a version; of one that is not handed out, to those who judge it."""
    shown = find_shown(skill, version)
    current = shown.version
    if current is None:
        raise Http404
    is_withheld = withheld(current)
    refused = "" if can(page_actor(request), Verb.INSPECT, skill) else is_withheld
    context = head(request, shown, "files") | {"path": path, "refused": refused}
    if refused:
        return render(request, "public/file.html", context, status=410)
    try:
        found = lookup.find_file(current, path)
    except lookup.FileNotInVersion:
        raise Http404 from None
    url = file_url(skill.owner_handle, skill.slug, current.version, found.path)
    if found.path != path:
        return redirect(url, permanent=True)
    raw_url = raw_file_url(skill.owner_handle, skill.slug, current.version, path)
    context |= {
        "size": bytes_size(found.blob.size_bytes),
        "raw_url": raw_url if skill.is_public and not is_withheld else "",
        "content_type": found.content_type,
        "canonical": settings.SITE_URL + url,
    }
    return render(request, "public/file.html", context | lines_of(found))


def lines_of(file: SkillFile) -> dict[str, Any]:
    """Return the numbered lines of a text file as HTML, or the sentence that says why not."""
    if file.blob.size_bytes > TEXT_LIMIT_BYTES:
        return {"why_not": "This file is larger than 200 KB and is not shown here."}
    text = read_text(file.blob_id)
    if text is None:
        return {"why_not": "This is a binary file; it has no lines to show."}
    if not text:
        return {"why_not": "This file is empty."}
    total = len(split_lines(text))
    html = highlight_lines(text, file.path)[:TEXT_LIMIT_LINES]
    cut = f"These are the first {TEXT_LIMIT_LINES:,} of {total:,} lines; the raw file has them all."
    return {
        "lines": list(enumerate(html, start=1)),
        "truncated": cut if total > len(html) else "",
    }

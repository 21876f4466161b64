"""The page of a skill with its tabs, of one version, and the list of versions."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode

from accounts.identity import page_actor
from accounts.policy import owns
from config.formats import bytes_size
from config.htmx import wants_partial
from config.pagination import PAGE_SIZE, CursorRefused, read_cursor, sign_cursor
from skills import stats_views, verdict
from skills.addresses import (
    author_url,
    diff_url,
    file_url,
    my_skill_url,
    report_url,
    skill_url,
    version_url,
    versions_url,
)
from skills.comment_forms import CommentForm
from skills.comment_tab import comments_tab
from skills.evidence import Reader, reader_of, told_to
from skills.forms import CURSOR_NOTICE
from skills.listing import list_query, page
from skills.models import Skill, SkillVersion
from skills.readme import needs_of, rendered
from skills.serializers import download_url
from skills.shown import Shown, diagnosis, find_shown, of_skill, state_of, withheld
from skills.slugs import CATEGORY_LABELS, DEFAULT_CATEGORY

# What says nothing against a version by itself.
TABS: Final = {
    "readme": "Readme",
    "files": "Files",
    "versions": "Versions",
    "stats": "Stats",
    "security": "Security",
    "comments": "Comments",
}
# What is about the skill, whichever version a page shows.
TABS_OF_SKILL: Final = {"stats", "comments"}
TABS_WITH_TEXTS: Final = {"readme", "security"}
MORE_OF_OWNER: Final = 5
FILES_SHOWN: Final = 200
CHANGELOG_SHOWN: Final = 400

# --- Pages ----------------------------------------------------------------------------------------


@of_skill
def skill(request: HttpRequest, skill: Skill) -> HttpResponse:
    """Show the latest version of a skill under one of its tabs."""
    if request.GET.get("tab") == "versions":
        return _versions(request, skill)
    if request.GET.get("tab") == "comments":
        return comments_page(request, skill)
    return _page(request, skill)


@of_skill
def version(request: HttpRequest, skill: Skill, version: str) -> HttpResponse:
    """Show one version under one of the tabs."""
    if request.GET.get("tab") == "versions":
        return redirect(versions_url(skill.owner_handle, skill.slug))
    if request.GET.get("tab") == "comments":
        return redirect(skill_url(skill.owner_handle, skill.slug, tab="comments"))
    return _page(request, skill, version)


@of_skill
def security(_request: HttpRequest, skill: Skill) -> HttpResponse:
    """Lead to the tab."""
    return redirect(skill_url(skill.owner_handle, skill.slug, tab="security"))


@of_skill
def versions(request: HttpRequest, skill: Skill) -> HttpResponse:
    """List the versions of a skill, newest first."""
    return _versions(request, skill)


def _page(request: HttpRequest, skill: Skill, version: str = "") -> HttpResponse:
    asked = request.GET.get("tab", "readme")
    tab = asked if asked in TABS else "readme"
    shown = find_shown(skill, version, texts=tab in TABS_WITH_TEXTS)
    context = head(request, shown, tab)
    if tab != asked:
        context["notices"].append("There is no such tab; this is the readme.")
    context |= _counts(request, skill, tab, context["notices"])
    current = shown.version
    if current is not None:
        blocked = withheld(current)
        if blocked and tab != "stats":
            context["notices"].append(blocked)
        if tab == "security":
            context |= _security(request, shown, current)
        elif tab == "readme" and not blocked:
            context |= _readme(request, shown, current)
        elif tab == "files" and not blocked:
            context |= _files(request, shown, current)
        context["blocked"] = blocked
    return render(request, "public/skill.html", context)


def _counts(request: HttpRequest, skill: Skill, tab: str, notices: list[str]) -> dict[str, Any]:
    """Return the counts of the head and, under their own tab, the charts."""
    if tab != "stats":
        return stats_views.counts(request, skill)
    found = stats_views.charts(request, skill)
    if found["unknown_period"]:
        notices.append("There is no such period; these are 30 days.")
    return found


def head(request: HttpRequest, shown: Shown, tab: str) -> dict[str, Any]:
    """Return what every page of a skill shows above its content."""
    skill, current = shown.skill, shown.version
    owner, slug = skill.owner_handle, skill.slug
    word = verdict.status_word(shown.state)
    own = version_url(owner, slug, current.version) if current and not shown.is_latest else ""
    return {
        "skill": skill,
        "current": current,
        "shown": shown,
        "tab": tab,
        "word": word,
        "sentence": verdict.explain(shown.state),
        "badges": list(skill.badges or {}),
        "categories": [
            {"label": CATEGORY_LABELS[key], "key": key}
            for key in skill.categories
            if key != DEFAULT_CATEGORY
        ],
        "urls": {
            "skill": skill_url(owner, slug),
            "author": author_url(owner),
            "versions": versions_url(owner, slug),
            "files": f"{shown.url}?tab=files",
            "report": report_url(owner, slug, current.version if own and current else ""),
        },
        "tabs": _tabs(shown, tab),
        "diagnosis": diagnosis(request, skill),
        "notices": [],
        "canonical": settings.SITE_URL + (own or skill_url(owner, slug)),
        "noindex": not skill.is_public or word == verdict.Word.UNDER_REVIEW,
        "install": _install(shown),
    }


def _tabs(shown: Shown, tab: str) -> list[dict[str, Any]]:
    skill = shown.skill
    addresses = {key: f"{shown.url}?tab={key}" for key in TABS}
    addresses["readme"] = shown.url
    for key in TABS_OF_SKILL:
        addresses[key] = skill_url(skill.owner_handle, skill.slug, tab=key)
    addresses["versions"] = versions_url(skill.owner_handle, skill.slug)
    counts = {"versions": skill.version_count, "comments": skill.comment_count}
    return [
        {"label": label, "url": addresses[key], "current": key == tab, "count": counts.get(key)}
        for key, label in TABS.items()
    ]


def _install(shown: Shown) -> dict[str, Any] | None:
    """Return what the install box shows; None where nothing is handed out."""
    skill, current = shown.skill, shown.version
    refused = verdict.is_malware_blocked(skill) or not skill.is_installable
    if current is None or refused or not current.is_available:
        return None
    reference = f"{skill.owner_handle}/{skill.slug}"
    count = current.file_count
    return {
        "is_latest": shown.is_latest,
        # A name with other characters could do more in a shell than name a skill.
        "is_safe": all(c.isascii() and (c.isalnum() or c in "-_./") for c in reference),
        "needs_force": skill.is_suspicious,
        "zip_url": download_url("", skill, current),
        "size": f"{count} {'file' if count == 1 else 'files'} · {bytes_size(current.size_bytes)}",
        "checksum": current.archive_id,
    }


def _readme(request: HttpRequest, shown: Shown, current: SkillVersion) -> dict[str, Any]:
    skill = shown.skill
    more = page(list_query(owner=skill.owner_handle, suspicious=False), limit=MORE_OF_OWNER + 1)
    others = [card for card in more.cards if card.skill_id != skill.pk][:MORE_OF_OWNER]
    readme = rendered(skill, current, whole="full" in request.GET)
    tabbed = f"{shown.url}?{urlencode({'tab': 'readme', 'full': '1'})}"
    return {
        "readme": readme,
        "full_url": tabbed if readme.was_cut else "",
        "warnings": current.warnings,
        "needs": needs_of(current.metadata),
        "links": current.metadata.get("links", []),
        "others": [
            {"name": card.display_name, "url": skill_url(card.owner_handle, card.slug)}
            for card in others
        ],
    }


def _files(request: HttpRequest, shown: Shown, current: SkillVersion) -> dict[str, Any]:
    skill = shown.skill
    rows = current.files.order_by("path").values_list("path", "blob__size_bytes")
    found = list(rows if "full" in request.GET else rows[: FILES_SHOWN + 1])
    shown_rows = found if "full" in request.GET else found[:FILES_SHOWN]
    return {
        "files": [
            {
                "path": path,
                "size": bytes_size(size),
                "url": file_url(skill.owner_handle, skill.slug, current.version, path),
            }
            for path, size in shown_rows
        ],
        "all_files_url": f"{shown.url}?tab=files&full=1" if len(found) > len(shown_rows) else "",
    }


def _security(request: HttpRequest, shown: Shown, current: SkillVersion) -> dict[str, Any]:
    """Return how the version stands and why; it says so of a blocked version, too.

    What was decided on the skill, the template asks of the moderation app by a tag.
    """
    reader = reader_of(page_actor(request), shown.skill)
    return {
        "warnings": current.warnings,
        "evidence": _evidence(shown.skill, current, reader),
        "reader": reader,
        "is_mine": owns(page_actor(request), shown.skill),
        "my_url": my_skill_url(shown.skill.owner_handle, shown.skill.slug),
        "scan_label": current.get_scan_state_display(),
        "malware": verdict.is_malware_blocked(shown.skill),
    }


def _evidence(skill: Skill, current: SkillVersion, reader: Reader) -> list[dict[str, Any]]:
    """Return what the last scan found, each with the line where whoever may read it can check."""
    return [
        {
            "told": told,
            "url": told.file
            and current.is_available
            and file_url(skill.owner_handle, skill.slug, current.version, told.file)
            + (f"#L{told.line}" if told.line else ""),
        }
        for told in told_to(reader, current.scan_evidence)
    ]


# --- Comments -------------------------------------------------------------------------------------


def comments_page(
    request: HttpRequest, skill: Skill, *, form: CommentForm | None = None, status: int = 200
) -> HttpResponse:
    """Show the comments on a skill, newest first; htmx gets the next ones only."""
    notices: list[str] = []
    context = comments_tab(request, skill, notices, form)
    if wants_partial(request):
        return render(request, "public/_comment_rows.html", context)
    context |= head(request, find_shown(skill), "comments") | {"notices": notices}
    context |= stats_views.counts(request, skill)
    if context["start_url"]:
        context["noindex"] = True
    return render(request, "public/skill.html", context, status=status)


# --- Versions -------------------------------------------------------------------------------------


def _versions(request: HttpRequest, skill: Skill) -> HttpResponse:
    cursor, listing = request.GET.get("until", ""), f"versions:{skill.pk}"
    context = head(request, find_shown(skill), "versions")
    rows = skill.versions.newest_first().without_texts().filter(withdrawn_at__isnull=True)
    try:
        if cursor:
            rows = rows.before(*read_cursor(listing, cursor, str, int))
    except CursorRefused:
        cursor = ""
        context["notices"].append(CURSOR_NOTICE)
    found = list(rows[: PAGE_SIZE + 1])
    url = context["urls"]["versions"]
    if len(found) > PAGE_SIZE:
        last = found[PAGE_SIZE - 1]
        token = sign_cursor(listing, last.created_at.isoformat(), last.pk)
        context["next_url"] = f"{url}?{urlencode({'until': token})}"
    context |= {
        "rows": _version_rows(skill, found)[:PAGE_SIZE],
        "start_url": url if cursor else "",
        "canonical": settings.SITE_URL + url,
        "compare_url": diff_url(skill.owner_handle, skill.slug),
    } | stats_views.counts(request, skill)
    return render(request, "public/versions.html", context)


def _version_rows(skill: Skill, found: list[SkillVersion]) -> list[dict[str, Any]]:
    """Return the rows as shown; the one behind the page is there to be compared with."""
    owner, slug = skill.owner_handle, skill.slug
    latest = (skill.latest_version_summary or {}).get("version")
    rows = []
    for version, older in zip(found, [*found[1:], None], strict=False):
        is_latest = version.version == latest
        word = skill.status_word if is_latest else verdict.status_word(state_of(version))
        changed = version.changelog[:CHANGELOG_SHOWN]
        rows.append(
            {
                "version": version,
                "is_latest": is_latest,
                "word": word,
                "changelog": changed + "…" * (len(version.changelog) > CHANGELOG_SHOWN),
                "size": bytes_size(version.size_bytes),
                "url": version_url(owner, slug, version.version),
                "diff_url": older and diff_url(owner, slug, older.version, version.version),
            }
        )
    return rows

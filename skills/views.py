"""Pages with lists of skills: home, browse and search, author."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from accounts.identity import page_actor
from accounts.models import Namespace
from config.htmx import wants_partial
from config.kept import set_caching
from config.pagination import CursorRefused
from config.patience import SearchTooSlow
from jobs.as_of import AsOf, as_of
from skills import kept, search, verdict
from skills.addresses import author_feed_url, author_url, skill_url
from skills.board_pages import board_query, read_board
from skills.board_views import row_of
from skills.forms import BROWSE_PATH, CURSOR_NOTICE, BrowseFilter
from skills.listing import Card, Page, hash_below, list_query, page, page_below
from skills.models import Leaderboard, SiteTotals, Skill, SkillListing, SkillVersion
from skills.models.leaderboard import Board
from skills.shown import diagnosis
from skills.slugs import CATEGORY_LABELS
from skills.statistics import category_totals

HOME_ROWS: Final = 10
# The numbers on cards are copies of the totals, made by this job.
COPYING_JOB: Final = "copy_totals"
OWN_HIDDEN_ROWS: Final = 50


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the search box, three numbers, two short lists and how skills are checked."""
    newest = page(list_query(sort="newest", suspicious=False), limit=HOME_ROWS).cards
    shown = read_board(board_query(Board.TRENDING), limit=HOME_ROWS)
    totals = SiteTotals.objects.first()
    now = timezone.now()

    def write() -> HttpResponse:
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        checked = SkillVersion.objects.scanned_since(midnight).count()
        context = {
            "shown": shown,
            "trending": [row_of(row) for row in shown.rows],
            "newest": [_line(card) for card in newest],
            "numbers": _numbers(totals, shown.header, checked),
            "categories": BrowseFilter().facets()[1:],
            "words": WORDS,
        }
        return render(request, "public/home.html", context)

    # By the minute: on a day of rescans the count reads many rows, and not for every visitor.
    minute = now.replace(second=0, microsecond=0)
    stamp = repr((newest, shown.stamp, totals and totals.skills, minute))
    return kept.answer(request, key="home", stamp=lambda: stamp, render=write)


def _numbers(
    totals: SiteTotals | None, board: Leaderboard | None, checked: int
) -> list[dict[str, Any]]:
    """Return what stands below the search; a number that nobody counted yet is None."""
    return [
        {"label": "skills", "count": totals and max(totals.skills, 0), "url": BROWSE_PATH},
        {
            "label": "downloads in 7 days",
            "count": board and board.window_downloads,
            "url": "/leaderboards/trending/",
        },
        {"label": "checked today", "count": checked, "url": "/about/moderation/"},
    ]


def _line(card: Card) -> dict[str, Any]:
    return {
        "url": skill_url(card.owner_handle, card.slug),
        "name": card.display_name,
        "summary": card.summary,
        "created_at": card.created_at,
    }


# What each word promises, in the order in which a skill usually meets them.
WORDS: Final = (
    (verdict.Word.NOT_SCANNED, "No scan of this version has finished. Read the files yourself."),
    (verdict.Word.CLEAN, "Scanned with nothing above low, or approved by a moderator."),
    (verdict.Word.UNDER_REVIEW, "Something was found, and nobody has decided about it yet."),
    (verdict.Word.CAUTION, "A moderator read the findings and leaves the choice to you."),
    (verdict.Word.REMOVED, "Taken down by a moderator. The page stays, its files do not."),
)


@require_safe
def browse(request: HttpRequest) -> HttpResponse:
    """Show the list or the search that the query string asks for."""
    asked = BrowseFilter.parse(request.GET)
    if not BrowseFilter.is_canonical(request.GET, asked):
        return redirect(asked.url(until=asked.until))
    answer = _search if asked.q else _list
    try:
        return answer(request, asked)
    except CursorRefused:
        return answer(request, asked.from_the_start(CURSOR_NOTICE))


def _list(request: HttpRequest, asked: BrowseFilter) -> HttpResponse:
    query, partial, counted = asked.list_query, wants_partial(request), as_of(COPYING_JOB)
    read = page if partial else page_below

    def write() -> HttpResponse:
        rows = _rows(read(query, cursor=asked.until), lambda cursor: asked.url(until=cursor))
        return HttpResponse(rows) if partial else _around(request, asked, rows, counted)

    response = kept.answer(
        request,
        key=("browse", asked, partial, counted),
        stamp=lambda: hash_below(query, cursor=asked.until, alone=partial),
        render=write,
    )
    if partial:
        response.headers["HX-Replace-Url"] = asked.url(until=asked.until)
    return response


def _rows(
    found: Page, url_at: Callable[[str], str], write: Callable[..., SafeString] = kept.card_html
) -> SafeString:
    """Write the rows of a list and the links to those before and behind them.

    The address behind the rows names the last of them, and shows them with the next page below:
    to whoever follows the link, and later to whoever reloads, shares or comes back.
    """
    now = timezone.now()
    rows = [write(card, now) for card in found.cards]
    context = {
        "above": rows[: found.above],
        "rows": rows[found.above :],
        "next_url": found.next and url_at(found.next),
        "previous_url": found.previous and url_at(found.previous),
        "start_url": url_at(""),
    }
    return render_to_string("public/_skill_rows.html", context)


def _around(request: HttpRequest, asked: BrowseFilter, rows: str, counted: AsOf) -> HttpResponse:
    """Put the rows of a list into its page; without any, the page that says so."""
    stands = [kept.ROWS_STAND_HERE] if rows.strip() else []
    return kept.framed(
        request,
        rows if stands else "",
        key=("browse", replace(asked, until=""), bool(asked.until), bool(stands), counted),
        render=lambda: render(
            request, "public/browse.html", {"rows": stands} | _about(asked, counted)
        ),
    )


def _search(request: HttpRequest, asked: BrowseFilter) -> HttpResponse:
    counted = as_of(COPYING_JOB)
    among = search.Narrowing(asked.suspicious, asked.category, asked.topic)
    try:
        found, count = search.page_below(asked.q, cursor=asked.until, among=among)
    except SearchTooSlow as refusal:
        return _too_slow(request, refusal, _about(asked, counted))
    if partial := wants_partial(request):
        found = replace(found, cards=found.cards[found.above :], above=0)
    rows = _rows(
        found,
        lambda cursor: asked.url(until=cursor),
        functools.partial(kept.marked_html, mark=kept.marker(asked.words)),
    )
    if partial:
        response = HttpResponse(rows, headers={"HX-Replace-Url": asked.url(until=asked.until)})
        return set_caching(request, response, is_public=True)
    few = "result" if count == 1 else "results"
    told = f"The {search.TOP} best results" if count == search.TOP else f"{count} {few}"
    context = {"rows": [rows] if found.cards else [], "result_text": told}
    response = render(request, "public/browse.html", context | _about(asked, counted))
    return set_caching(request, response, is_public=True)


def _too_slow(request: HttpRequest, refusal: SearchTooSlow, about: dict[str, Any]) -> HttpResponse:
    """Say that nothing is known of what there is; more results are not shown then at all."""
    if wants_partial(request):
        return HttpResponse(refusal.message, status=503)
    about["empty_title"], about["empty_message"] = "This search took too long", refusal.message
    return set_caching(request, render(request, "public/browse.html", about), is_public=False)


def _about(asked: BrowseFilter, counted: AsOf) -> dict[str, Any]:
    """Return what the page says around the rows."""
    return {
        "asked": asked,
        "chips": asked.chips(),
        "sorts": asked.sorts(),
        "facets": asked.facets(_counts(asked, counted)),
        "clear_url": BROWSE_PATH,
        "suspicious_url": asked.url(suspicious=not asked.suspicious),
        "canonical": settings.SITE_URL + asked.url(),
        "as_of": counted,
    } | _when_empty(asked)


def _counts(asked: BrowseFilter, counted: AsOf) -> dict[str, int]:
    """Return how many skills each category has; {} where something else narrows the list, too."""
    if asked.q or asked.topic or counted.moment is None:
        return {}
    totals = category_totals(counted.moment)
    return {
        category: every if asked.suspicious else clean
        for category, (every, clean) in totals.items()
    }


def _when_empty(asked: BrowseFilter) -> dict[str, str]:
    """Return what an empty list says, and the one thing to do about it."""
    if asked.until and not asked.q:
        told = "The list ends before this place.", asked.url(), "Back to the start"
    elif asked.category or asked.topic:
        label = CATEGORY_LABELS.get(asked.category) or f"#{asked.topic}"
        wider = asked.url(category="", topic="")
        told = f"Nothing in {label} fits.", wider, "Look in all skills"
    elif asked.q and not asked.suspicious:
        wider = asked.url(suspicious=True)
        told = "Check the spelling, or use fewer words.", wider, "Search suspicious skills too"
    else:
        told = "Check the spelling, or use fewer words.", BROWSE_PATH, "Browse all skills"
    title = f"No skills match “{asked.q}”" if asked.q else "No skills here"
    return dict(zip(("empty_message", "empty_url", "empty_label"), told, strict=True)) | {
        "empty_title": title
    }


@require_safe
def author(request: HttpRequest, handle: str) -> HttpResponse:
    """Show an owner and their public skills; to themselves also what only they see."""
    namespace = Namespace.objects.select_related("user").filter(handle=handle).first()
    if namespace is not None and namespace.is_closed:
        raise Http404
    if namespace is None:
        if handle != handle.lower() and Namespace.objects.filter(handle=handle.lower()).exists():
            return redirect(author_url(handle.lower()), permanent=True)
        raise Http404
    try:
        response = _author(request, namespace, request.GET.get("until", ""))
    except CursorRefused:
        response = _author(request, namespace, "", CURSOR_NOTICE)
    return set_caching(request, response, is_public=True)


def _author(
    request: HttpRequest, namespace: Namespace, cursor: str, notice: str = ""
) -> HttpResponse:
    query, url = list_query(owner=namespace.handle), author_url(namespace.handle)
    partial = wants_partial(request)
    found = (page if partial else page_below)(query, cursor=cursor)
    rows = _rows(found, lambda place: _at(url, place))
    if partial:
        return HttpResponse(rows, headers={"HX-Replace-Url": _at(url, cursor)})
    context = {
        "owner": namespace,
        "rows": rows if found.cards else "",
        "next_url": found.next and _at(url, found.next),
        "hidden": _hidden_from_others(request, namespace),
        "is_later": bool(cursor),
        "notice": notice,
        "canonical": settings.SITE_URL + url,
        "atom_url": author_feed_url(namespace.handle),
    }
    # As of first: a copy made between the two reads must not be claimed.
    context["as_of"] = as_of(COPYING_JOB)
    context["totals"] = SkillListing.objects.totals_of_owner(namespace.handle)
    return render(request, "public/author.html", context)


def _at(url: str, cursor: str) -> str:
    return f"{url}?{urlencode({'until': cursor})}" if cursor else url


def _hidden_from_others(request: HttpRequest, namespace: Namespace) -> list[dict[str, Any]]:
    if page_actor(request).user is None:
        return []
    unlisted = Skill.objects.filter(namespace=namespace).exclude(
        pk__in=Skill.objects.public().filter(namespace=namespace).values("pk")
    )
    return [
        {
            "url": skill_url(skill.owner_handle, skill.slug),
            "name": skill.display_name,
            "word": skill.status_word,
            "why": why.sentence,
        }
        for skill in unlisted.order_by("-id")[:OWN_HIDDEN_ROWS]
        if (why := diagnosis(request, skill))
    ]

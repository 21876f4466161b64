"""What search engines are told: an index, and parts of at most 10,000 addresses.

A part is a range of ids, so none needs a count or an offset, and an address stays in its part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final
from xml.sax.saxutils import escape

from django.conf import settings
from django.db.models import Max, OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from accounts.models import Namespace
from config.formats import machine_time
from skills.addresses import author_url, skill_url
from skills.board_pages import BoardQuery, twin_url
from skills.boards import BOARDS
from skills.forms import BrowseFilter
from skills.models import Skill, SkillListing
from skills.slugs import CATEGORIES

PART_SIZE: Final = 10_000
_NAMESPACE: Final = "http://www.sitemaps.org/schemas/sitemap/0.9"

# Pages that explain, and the log; some are of apps that this one does not know.
LASTING_PAGES: Final = (
    "/modlog/",
    "/about/",
    "/about/moderation/",
    "/about/ranking/",
    "/about/counts/",
    "/about/feeds/",
)

Entry = tuple[str, datetime | None]


@require_safe
@cache_control(public=True, max_age=60)
def index(_request: HttpRequest) -> HttpResponse:
    """Name the parts: two statements, each the end of a primary key."""
    names = ["sitemap-pages-0.xml"]
    for section, model in (("skills", Skill), ("authors", Namespace)):
        last = model.objects.aggregate(last=Max("pk"))["last"]
        if last is not None:
            names += [f"sitemap-{section}-{n}.xml" for n in range(last // PART_SIZE + 1)]
    items = "".join(f"<sitemap><loc>{settings.SITE_URL}/{name}</loc></sitemap>\n" for name in names)
    return _xml("sitemapindex", items)


@require_safe
@cache_control(public=True, max_age=60)
def part(_request: HttpRequest, section: str, part: int) -> HttpResponse:
    """List the addresses of one part, with the time of the last change."""
    entries = SECTIONS.get(section)
    # No primary key is larger, and the database could not compare it.
    if entries is None or part * PART_SIZE >= 2**62:
        raise Http404
    return _xml("urlset", "".join(map(_url, entries(part))))


def _pages(part: int) -> Iterable[Entry]:
    if part:
        raise Http404
    yield "/", None
    yield BrowseFilter().url(), None
    for board, window in BOARDS:
        yield twin_url(BoardQuery(board, window), "/"), None
    for category in CATEGORIES:
        yield BrowseFilter(category=category.key).url(), None
    for page in LASTING_PAGES:
        yield page, None


def _skills(part: int) -> Iterable[Entry]:
    rows = Skill.objects.public().filter(
        is_suspicious=False, pk__gte=part * PART_SIZE, pk__lt=(part + 1) * PART_SIZE
    )
    for owner, slug, changed in rows.order_by("pk").values_list(
        "owner_handle", "slug", "updated_at"
    ):
        yield skill_url(owner, slug), changed


def _authors(part: int) -> Iterable[Entry]:
    listed = SkillListing.objects.under("").filter(owner_handle=OuterRef("handle"))
    newest = listed.order_by("-updated_at", "-skill").values("updated_at")[:1]
    rows = Namespace.objects.filter(pk__gte=part * PART_SIZE, pk__lt=(part + 1) * PART_SIZE)
    rows = rows.annotate(changed=Subquery(newest)).filter(changed__isnull=False)
    for handle, changed in rows.order_by("pk").values_list("handle", "changed"):
        yield author_url(handle), changed


SECTIONS: Final[dict[str, Callable[[int], Iterable[Entry]]]] = {
    "pages": _pages,
    "skills": _skills,
    "authors": _authors,
}


def _url(entry: Entry) -> str:
    address, changed = entry
    moment = f"<lastmod>{machine_time(changed)}</lastmod>" if changed else ""
    return f"<url><loc>{escape(settings.SITE_URL + address)}</loc>{moment}</url>\n"


def _xml(root: str, items: str) -> HttpResponse:
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{_NAMESPACE}">\n{items}</{root}>\n'
    )
    return HttpResponse(text, content_type="application/xml; charset=utf-8")

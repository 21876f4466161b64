"""The sections of the sitemap that are about skills and their owners, and the lasting pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db.models import OuterRef, Subquery
from django.http import Http404

from accounts.models import Namespace
from config.sitemaps import SECTIONS, Entry, Section, ids_of
from skills.addresses import author_url, skill_url
from skills.board_pages import BoardQuery, twin_url
from skills.boards import BOARDS
from skills.forms import BrowseFilter
from skills.models import Skill, SkillListing
from skills.slugs import CATEGORIES

# Pages that explain, and the log; some are of apps that this one does not know.
LASTING_PAGES: Final = (
    "/modlog/",
    "/about/",
    "/about/moderation/",
    "/about/ranking/",
    "/about/counts/",
    "/about/feeds/",
    "/about/ai-summaries/",
)


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
    rows = Skill.objects.public().filter(is_suspicious=False, **ids_of(part))
    for owner, slug, changed in rows.order_by("pk").values_list(
        "owner_handle", "slug", "updated_at"
    ):
        yield skill_url(owner, slug), changed


def _authors(part: int) -> Iterable[Entry]:
    listed = SkillListing.objects.under("").filter(owner_handle=OuterRef("handle"))
    newest = listed.order_by("-updated_at", "-skill").values("updated_at")[:1]
    rows = Namespace.objects.filter(**ids_of(part))
    rows = rows.annotate(changed=Subquery(newest)).filter(changed__isnull=False)
    for handle, changed in rows.order_by("pk").values_list("handle", "changed"):
        yield author_url(handle), changed


SECTIONS["pages"] = Section(_pages)
SECTIONS["skills"] = Section(_skills, Skill)
SECTIONS["authors"] = Section(_authors, Namespace)

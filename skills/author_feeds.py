"""The Atom twin of an author's page: the skills that changed last, for whoever follows them."""

from __future__ import annotations

from typing import Final

import orjson
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.models import Namespace
from config.feeds import ATOM_TYPE, atom_feed, revalidated, xml_text
from skills import verdict
from skills.addresses import author_feed_url, author_url
from skills.feed_entries import skill_entry
from skills.listing import Card, list_query, page

FEED_ROWS: Final = 25


@require_safe
def atom(request: HttpRequest, handle: str) -> HttpResponse:
    """Answer with the public skills of an owner that were changed last, as an Atom feed."""
    namespace = Namespace.objects.select_related("user").filter(handle=handle).first()
    if namespace is None or namespace.is_closed:
        raise Http404
    cards = page(list_query(owner=handle), limit=FEED_ROWS).cards
    changed_at = cards[0].updated_at if cards else None
    author = settings.SITE_URL + author_url(handle)
    body = atom_feed(
        page=author,
        feed=settings.SITE_URL + author_feed_url(handle),
        title=f"Skills of @{handle}",
        updated=changed_at,
        entries="".join(_entry(author, card) for card in cards),
    )
    return revalidated(request, body, ATOM_TYPE, changed_at)


def _entry(author: str, card: Card) -> str:
    version = xml_text(orjson.loads(card.latest_version_summary)["version"], 100)
    word = verdict.word_of_active(card.moderation_reason, is_suspicious=card.is_suspicious)
    title = f"{xml_text(card.display_name, 200)} {version}"
    return skill_entry(author, card, title=title, told=str(word))

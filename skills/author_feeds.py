"""The Atom twin of an author's page: the skills that changed last, for whoever follows them."""

from __future__ import annotations

from typing import Final
from xml.sax.saxutils import escape, quoteattr

import orjson
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.models import Namespace
from config.feeds import ATOM_TYPE, atom_feed, revalidated, xml_text
from config.formats import machine_time
from skills import verdict
from skills.addresses import author_feed_url, author_url, skill_url
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
    """Return an entry of a skill: its id stays, and its version and status are in its words."""
    url = settings.SITE_URL + skill_url(card.owner_handle, card.slug)
    version = xml_text(orjson.loads(card.latest_version_summary)["version"], 100)
    word = verdict.word_of_active(card.moderation_reason, is_suspicious=card.is_suspicious)
    return (
        f"<entry>\n<id>{escape(author)}#skill-{card.skill_id}</id>\n"
        f"<title>{xml_text(card.display_name, 200)} {version}</title>\n"
        f"<updated>{machine_time(card.updated_at)}</updated>\n"
        f'<link rel="alternate" type="text/html" href={quoteattr(url)}/>\n'
        f"<author><name>{xml_text(card.owner_handle, 64)}</name>"
        f"<uri>{escape(author)}</uri></author>\n"
        f"<summary>{xml_text(card.summary, 300)} ({word})</summary>\n</entry>\n"
    )

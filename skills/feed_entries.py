"""A skill as the feeds of boards and authors tell it."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from django.conf import settings

from config.feeds import xml_text
from config.formats import machine_time
from skills.addresses import author_url, skill_url
from skills.listing import Card


def skill_entry(page: str, card: Card, *, title: str, told: str) -> str:
    """Return the Atom entry of a skill in the feed of this page.

    Its id stays, whatever becomes of it. `title` and `told`, which stands behind the summary, are
    XML already.
    """
    url = settings.SITE_URL + skill_url(card.owner_handle, card.slug)
    author = settings.SITE_URL + author_url(card.owner_handle)
    return (
        f"<entry>\n<id>{escape(page)}#skill-{card.skill_id}</id>\n"
        f"<title>{title}</title>\n"
        f"<updated>{machine_time(card.updated_at)}</updated>\n"
        f'<link rel="alternate" type="text/html" href={quoteattr(url)}/>\n'
        f"<author><name>{xml_text(card.owner_handle, 64)}</name>"
        f"<uri>{escape(author)}</uri></author>\n"
        f"<summary>{xml_text(card.summary, 300)} ({told})</summary>\n</entry>\n"
    )

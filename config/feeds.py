"""Feeds for programs that keep asking: Atom as text, and answers that cost little again."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.http import http_date, parse_etags

from config.formats import machine_time
from config.text import clean_line

ATOM_TYPE: Final = "application/atom+xml; charset=utf-8"
JSON_TYPE: Final = "application/json"
ATOM: Final = "http://www.w3.org/2005/Atom"
# Before anything happened a feed still needs a moment, and always the same one.
NEVER: Final = datetime(2026, 1, 1, tzinfo=UTC)
# What XML 1.0 has no way to write, not even as a reference.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def atom_feed(*, page: str, feed: str, title: str, updated: datetime | None, entries: str) -> bytes:
    """Return a feed around entries that are XML already; `page` and `feed` are whole addresses."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="{ATOM}" xml:lang="en">\n'
        f"<id>{escape(page)}</id>\n"
        f"<title>{escape(title)} · Skillboard</title>\n"
        f"<updated>{machine_time(updated or NEVER)}</updated>\n"
        f'<link rel="self" type="application/atom+xml" href={quoteattr(feed)}/>\n'
        f'<link rel="alternate" type="text/html" href={quoteattr(page)}/>\n'
        f"<author><name>Skillboard</name><uri>{escape(settings.SITE_URL)}/</uri></author>\n"
        f"{entries}</feed>\n"
    ).encode()


def xml_text(text: str, limit: int) -> str:
    """Escape what a stranger wrote, without characters that hide or that XML cannot hold."""
    return escape(_NOT_XML.sub("", clean_line(text, limit)))


def revalidated(
    request: HttpRequest, body: bytes, content_type: str, changed_at: datetime | None
) -> HttpResponse:
    """Answer with `body`, or 304 to whoever has it.

    Only the ETag decides. The time of the last change is told, but asked back alone it would keep
    alive what was hidden since.
    """
    told = hashlib.blake2b(settings.VERSION.encode() + body, digest_size=12).hexdigest()
    etag = f'"{told}"'
    known = {
        tag.removeprefix("W/") for tag in parse_etags(request.headers.get("If-None-Match", ""))
    }
    response = HttpResponse(status=304) if etag in known else HttpResponse(body)
    response.headers["Content-Type"] = content_type
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "public, max-age=60"
    if changed_at:
        response.headers["Last-Modified"] = http_date(changed_at.timestamp())
    return response

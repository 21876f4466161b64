"""What search engines are told: an index, and parts of at most 10,000 addresses.

A part is a range of ids, so none needs a count or an offset, and an address stays in its part.
Each app registers the sections of what it shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from xml.sax.saxutils import escape

from django.conf import settings
from django.db.models import Max, Model
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from config.formats import machine_time

PART_SIZE: Final = 10_000
_NAMESPACE: Final = "http://www.sitemaps.org/schemas/sitemap/0.9"

Entry = tuple[str, datetime | None]


@dataclass(frozen=True)
class Section:
    """Addresses of one kind: part by part, by the ids of `model`; without one, a single part."""

    entries: Callable[[int], Iterable[Entry]]
    model: type[Model] | None = None

    def parts(self) -> int:
        """Return how many parts there are: the end of a primary key."""
        if self.model is None:
            return 1
        last = self.model._base_manager.aggregate(last=Max("pk"))["last"]
        return 0 if last is None else last // PART_SIZE + 1


SECTIONS: Final[dict[str, Section]] = {}


@require_safe
@cache_control(public=True, max_age=60)
def index(_request: HttpRequest) -> HttpResponse:
    """Name the parts: one statement a section."""
    names = [
        f"sitemap-{name}-{n}.xml"
        for name, section in SECTIONS.items()
        for n in range(section.parts())
    ]
    items = "".join(f"<sitemap><loc>{settings.SITE_URL}/{name}</loc></sitemap>\n" for name in names)
    return _xml("sitemapindex", items)


@require_safe
@cache_control(public=True, max_age=60)
def part(_request: HttpRequest, section: str, part: int) -> HttpResponse:
    """List the addresses of one part, with the time of the last change."""
    found = SECTIONS.get(section)
    # No primary key is larger, and the database could not compare it.
    if found is None or part * PART_SIZE >= 2**62:
        raise Http404
    return _xml("urlset", "".join(map(_url, found.entries(part))))


def ids_of(part: int) -> dict[str, int]:
    """Return the filter of the rows that belong into a part."""
    return {"pk__gte": part * PART_SIZE, "pk__lt": (part + 1) * PART_SIZE}


def _url(entry: Entry) -> str:
    address, changed = entry
    moment = f"<lastmod>{machine_time(changed)}</lastmod>" if changed else ""
    return f"<url><loc>{escape(settings.SITE_URL + address)}</loc>{moment}</url>\n"


def _xml(root: str, items: str) -> HttpResponse:
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{_NAMESPACE}">\n{items}</{root}>\n'
    )
    return HttpResponse(text, content_type="application/xml; charset=utf-8")

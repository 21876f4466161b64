"""The picture that a link to a public trace shows elsewhere."""

from __future__ import annotations

from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import parse_etags
from django.views.decorators.http import require_safe

from config.formats import exact_count
from config.kept import Kept, hash_text
from config.pictures import ACCENT, INK, MARGIN, SIZE, SOFT, canvas, drawable, fitted, font, png
from config.text import clean_line
from traces.agents import agent_name
from traces.models import Trace

HASH_LENGTH: Final = 16
IMAGES_LIMIT_BYTES: Final = 2_000_000
images: Final[Kept[bytes]] = Kept(IMAGES_LIMIT_BYTES)

WIDTH: Final = SIZE[0] - 2 * MARGIN
TITLE_SIZES: Final = (60, 52)
TITLE_LINES: Final = 3
LINE_SIZES: Final = (36, 30, 26)
UNDRAWABLE: Final = "A session of a coding agent"

Told = tuple[str, str, str, int]
"""Title, agent, author, number of messages: all that the picture says."""


def image_url(trace: Trace) -> str:
    """Return the address of the picture of a trace as it is now."""
    return _url(trace, _told(trace))


@require_safe
def trace_image(request: HttpRequest, public_id: str, mark: str) -> HttpResponse:
    """Answer with the picture of a public trace; another mark leads to the right one."""
    trace = Trace.objects.public().without_texts().filter(public_id=public_id).first()
    if trace is None:
        raise Http404
    told = _told(trace)
    if mark != _mark(told):
        return redirect(_url(trace, told))
    etag = f'"{mark}"'
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(_image(told, mark), content_type="image/png")
    response.headers["ETag"] = etag
    # Always asked again: what was taken back must not live on in a cache.
    response.headers["Cache-Control"] = "public, no-cache"
    return response


def draw(told: Told) -> bytes:
    """Return a PNG of 1200 by 630."""
    title, agent, author, count = told
    image, pen = canvas("Trace")
    for number, line in enumerate(_lines(drawable(title) or UNDRAWABLE)):
        shown, letters = fitted(line, WIDTH, TITLE_SIZES)
        place = (MARGIN, 180 + number * 76)
        pen.text(place, shown, font=letters, fill=INK, stroke_width=1, stroke_fill=INK)
    told_of = " · ".join(filter(None, (drawable(agent), f"@{author}" if author else "")))
    shown, letters = fitted(told_of, WIDTH, LINE_SIZES)
    pen.text((MARGIN, 450), shown, font=letters, fill=SOFT)
    noun = "message" if count == 1 else "messages"
    pen.text((MARGIN, 510), f"{exact_count(count)} {noun}", font=font(48), fill=ACCENT)
    return png(image)


def _lines(title: str) -> list[str]:
    """Break a title into lines that fit; the last takes the rest, and is cut where it is drawn."""
    letters = font(TITLE_SIZES[0])
    lines = [""]
    for word in title.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and len(lines) < TITLE_LINES and letters.getlength(longer) > WIDTH:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _told(trace: Trace) -> Told:
    return (
        clean_line(trace.title, 200),
        clean_line(agent_name(trace.agent_id), 40),
        clean_line(trace.author_handle or trace.owner_handle, 40),
        trace.message_count,
    )


def _mark(told: Told) -> str:
    return hash_text(told)[:HASH_LENGTH]


def _url(trace: Trace, told: Told) -> str:
    return f"/og/traces/{trace.public_id}-{_mark(told)}.png"


def _image(told: Told, mark: str) -> bytes:
    found = images.get(mark)
    if found is None:
        found = draw(told)
        images.put(mark, found, len(found))
    return found

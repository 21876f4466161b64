"""The picture that a link to a board shows elsewhere: its first five ranks, drawn with Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import parse_etags
from django.views.decorators.http import require_safe
from PIL import ImageDraw

from config.formats import compact_count
from config.kept import Kept, hash_text
from config.pictures import (
    ACCENT,
    BAR,
    INK,
    MARGIN,
    SIZE,
    SOFT,
    canvas,
    drawable,
    fitted,
    font,
    png,
)
from config.text import clean_line
from skills.board_pages import (
    BoardQuery,
    BoardUnknown,
    Row,
    WindowRefused,
    board_query,
    read_board,
)

ROWS: Final = 5
TOP, ROW_HEIGHT = 160, 90
NAME_LEFT, NAME_WIDTH = 136, 760
NAME_SIZES: Final = (34, 30, 26)
"""A long name shrinks through these before it is cut."""

HASH_LENGTH: Final = 16
IMAGES_LIMIT_BYTES: Final = 4_000_000
images: Final[Kept[bytes]] = Kept(IMAGES_LIMIT_BYTES)

Line = tuple[int, str, str, str]


def image_url(query: BoardQuery, rows: Sequence[Row]) -> str:
    """Return the address of the picture of a board whose first ranks these are."""
    return _url(query, _lines(rows))


@require_safe
def board_image(request: HttpRequest, board: str, window: str, mark: str) -> HttpResponse:
    """Answer with the picture of the board as it is now; another mark leads to the right one."""
    try:
        query = board_query(board, window)
    except (BoardUnknown, WindowRefused):
        raise Http404 from None
    lines = _lines(read_board(query, last=ROWS).rows)
    if mark != _mark(query, lines):
        return redirect(_url(query, lines))
    etag = f'"{mark}"'
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(_image(query, lines, mark), content_type="image/png")
    response.headers["ETag"] = etag
    # Always asked again: a name that was hidden must not live on in a cache.
    response.headers["Cache-Control"] = "public, no-cache"
    return response


def draw(title: str, lines: Sequence[Line]) -> bytes:
    """Return a PNG of 1200 by 630: the title and up to five of (rank, name, owner, count)."""
    image, pen = canvas(title)
    for number, line in enumerate(lines):
        _draw_line(pen, TOP + number * ROW_HEIGHT, line)
    if not lines:
        pen.text((MARGIN, TOP + 20), "Nothing is ranked yet.", font=font(38), fill=SOFT)
    return png(image)


def _draw_line(pen: ImageDraw.ImageDraw, top: int, line: Line) -> None:
    rank, name, owner, count = line
    box = (MARGIN, top, SIZE[0] - MARGIN, top + ROW_HEIGHT - 12)
    pen.rounded_rectangle(box, radius=8, fill=BAR if rank == 1 else "#ffffff")
    middle = top + (ROW_HEIGHT - 12) // 2
    pen.text((MARGIN + 36, middle), str(rank), font=font(34), fill=ACCENT, anchor="mm")
    shown, letters = fitted(name, NAME_WIDTH, NAME_SIZES)
    pen.text((NAME_LEFT, middle - 14), shown, font=letters, fill=INK, anchor="lm")
    pen.text((NAME_LEFT, middle + 20), f"@{owner}", font=font(22), fill=SOFT, anchor="lm")
    right = SIZE[0] - MARGIN - 24
    pen.text((right, middle - 14), count, font=font(32), fill=INK, anchor="rm")
    pen.text((right, middle + 20), "downloads", font=font(22), fill=SOFT, anchor="rm")


def _lines(rows: Sequence[Row]) -> list[Line]:
    """Return what the picture says: all that its mark depends on."""
    return [
        (
            row.rank,
            drawable(clean_line(row.card.display_name, 100)) or row.card.slug,
            clean_line(row.card.owner_handle, 40),
            compact_count(row.downloads),
        )
        for row in rows
        if row.rank <= ROWS
    ]


def _mark(query: BoardQuery, lines: list[Line]) -> str:
    return hash_text(query.title, lines)[:HASH_LENGTH]


def _url(query: BoardQuery, lines: list[Line]) -> str:
    return f"/og/boards/{query.board}-{query.window}-{_mark(query, lines)}.png"


def _image(query: BoardQuery, lines: list[Line], mark: str) -> bytes:
    found = images.get(mark)
    if found is None:
        found = draw(query.title, lines)
        images.put(mark, found, len(found))
    return found

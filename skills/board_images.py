"""The picture that a link to a board shows elsewhere: its first five ranks, drawn with Pillow."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import parse_etags
from django.views.decorators.http import require_safe
from PIL import Image, ImageDraw, ImageFont

from config.formats import compact_count
from config.text import clean_line
from skills.board_pages import (
    BoardQuery,
    BoardUnknown,
    Row,
    WindowRefused,
    board_query,
    read_board,
)
from skills.kept import Kept, hash_text

SIZE: Final = (1200, 630)
ROWS: Final = 5
FONT: Final = Path(__file__).parent / "fonts" / "NotoSans-Regular.ttf"
PAPER, INK, SOFT, ACCENT, BAR = "#f7f8fa", "#14181f", "#4a5261", "#0b5fc4", "#e3eefc"
MARGIN: Final = 64
TOP, ROW_HEIGHT = 160, 90
NAME_LEFT, NAME_WIDTH = 136, 760
NAME_SIZES: Final = (34, 30, 26)
"""A long name shrinks through these before it is cut."""

NO_CHARACTER: Final = "\U0010ffff"
"""No font has a glyph for it, and none ever will."""

VARIATION_SELECTORS: Final = frozenset(map(chr, range(0xFE00, 0xFE10)))
"""They say how the character before is drawn; alone the font draws a circle for them."""

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
    image = Image.new("RGB", SIZE, PAPER)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, SIZE[0], 12), fill=ACCENT)
    # The one weight we carry; a thin outline in its own colour makes it bold.
    pen.text((MARGIN, 58), title, font=_font(56), fill=INK, stroke_width=1, stroke_fill=INK)
    pen.text((SIZE[0] - MARGIN, 78), "Skillboard", font=_font(34), fill=ACCENT, anchor="ra")
    for number, line in enumerate(lines):
        _draw_line(pen, TOP + number * ROW_HEIGHT, line)
    if not lines:
        pen.text((MARGIN, TOP + 20), "Nothing is ranked yet.", font=_font(38), fill=SOFT)
    out = io.BytesIO()
    image.quantize(colors=64).save(out, "PNG", optimize=True)
    return out.getvalue()


def _draw_line(pen: ImageDraw.ImageDraw, top: int, line: Line) -> None:
    rank, name, owner, count = line
    box = (MARGIN, top, SIZE[0] - MARGIN, top + ROW_HEIGHT - 12)
    pen.rounded_rectangle(box, radius=8, fill=BAR if rank == 1 else "#ffffff")
    middle = top + (ROW_HEIGHT - 12) // 2
    pen.text((MARGIN + 36, middle), str(rank), font=_font(34), fill=ACCENT, anchor="mm")
    shown, font = _fitted(name, NAME_WIDTH)
    pen.text((NAME_LEFT, middle - 14), shown, font=font, fill=INK, anchor="lm")
    pen.text((NAME_LEFT, middle + 20), f"@{owner}", font=_font(22), fill=SOFT, anchor="lm")
    right = SIZE[0] - MARGIN - 24
    pen.text((right, middle - 14), count, font=_font(32), fill=INK, anchor="rm")
    pen.text((right, middle + 20), "downloads", font=_font(22), fill=SOFT, anchor="rm")


def _fitted(text: str, width: int) -> tuple[str, ImageFont.FreeTypeFont]:
    """Return the text and a font in which it fits: smaller letters first, then fewer."""
    for size in NAME_SIZES:
        font = _font(size)
        if font.getlength(text) <= width:
            return text, font
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…", font


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT, size)


def _lines(rows: Sequence[Row]) -> list[Line]:
    """Return what the picture says: all that its mark depends on."""
    return [
        (
            row.rank,
            _drawable(clean_line(row.card.display_name, 100)) or row.card.slug,
            clean_line(row.card.owner_handle, 40),
            compact_count(row.downloads),
        )
        for row in rows
        if row.rank <= ROWS
    ]


def _drawable(name: str) -> str:
    """Return a name as our one font can draw it: nothing where it lacks a letter, without symbols.

    An emoji that is left out leaves a name; a name without some of its letters is another one.
    """
    missing = {c for c in name if c in VARIATION_SELECTORS or not _has_glyph(c)}
    if any(unicodedata.category(character)[0] in "LN" for character in missing):
        return ""
    return " ".join("".join(character for character in name if character not in missing).split())


@lru_cache(4_096)
def _has_glyph(character: str) -> bool:
    """Say whether the font draws this: neither the box for what it lacks, nor nothing at all."""
    shape = _shape(character)
    return shape != _shape(NO_CHARACTER) and shape[0][0] > 0


def _shape(character: str) -> tuple[tuple[int, int], bytes]:
    mask = _font(NAME_SIZES[0]).getmask(character)
    return mask.size, bytes(mask)


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

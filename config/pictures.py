"""The pictures that links show elsewhere: one canvas, one font, and what it can draw."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

SIZE: Final = (1200, 630)
FONT: Final = Path(__file__).parent / "fonts" / "NotoSans-Regular.ttf"
PAPER, INK, SOFT, ACCENT, BAR = "#f7f8fa", "#14181f", "#4a5261", "#0b5fc4", "#e3eefc"
MARGIN: Final = 64

NO_CHARACTER: Final = "\U0010ffff"
"""No font has a glyph for it, and none ever will."""

VARIATION_SELECTORS: Final = frozenset(map(chr, range(0xFE00, 0xFE10)))
"""They say how the character before is drawn; alone the font draws a circle for them."""


def canvas(title: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """Return an empty picture of 1200 by 630 with our name and a title, and a pen for the rest."""
    image = Image.new("RGB", SIZE, PAPER)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, SIZE[0], 12), fill=ACCENT)
    # The one weight we carry; a thin outline in its own colour makes it bold.
    pen.text((MARGIN, 58), title, font=font(56), fill=INK, stroke_width=1, stroke_fill=INK)
    pen.text((SIZE[0] - MARGIN, 78), "Skillboard", font=font(34), fill=ACCENT, anchor="ra")
    return image, pen


def png(image: Image.Image) -> bytes:
    """Return the picture as a small file."""
    out = io.BytesIO()
    image.quantize(colors=64).save(out, "PNG", optimize=True)
    return out.getvalue()


def fitted(text: str, width: int, sizes: Sequence[int]) -> tuple[str, ImageFont.FreeTypeFont]:
    """Return the text and a font in which it fits: smaller letters first, then fewer."""
    for size in sizes:
        letters = font(size)
        if letters.getlength(text) <= width:
            return text, letters
    while text and letters.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…", letters


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """Return our font in this size."""
    return ImageFont.truetype(FONT, size)


def drawable(name: str) -> str:
    """Return a name as our one font can draw it: nothing where it lacks a letter, without symbols.

    An emoji that is left out leaves a name; a name without some of its letters is another one.
    """
    missing = {c for c in name if c in VARIATION_SELECTORS or not has_glyph(c)}
    if any(unicodedata.category(character)[0] in "LN" for character in missing):
        return ""
    return " ".join("".join(character for character in name if character not in missing).split())


@lru_cache(4_096)
def has_glyph(character: str) -> bool:
    """Say whether the font draws this: neither the box for what it lacks, nor nothing at all."""
    shape = _shape(character)
    return shape != _shape(NO_CHARACTER) and shape[0][0] > 0


def _shape(character: str) -> tuple[tuple[int, int], bytes]:
    mask = font(34).getmask(character)
    return mask.size, bytes(mask)

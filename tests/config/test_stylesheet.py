"""The style sheets against their promises: contrast recomputed from the tokens, size, no network."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parents[2] / "config" / "static"
KIB = 1024
# Bytes, raw and compressed.
BUDGETS = {"app.css": (30 * KIB, 8 * KIB), "staff.css": (16 * KIB, 4 * KIB)}


def code_of(name: str) -> str:
    """Return a sheet without its comments."""
    return re.sub(r"/\*.*?\*/", "", (STATIC / name).read_text(encoding="utf-8"), flags=re.DOTALL)


CODE = code_of("app.css")
STAFF_CODE = code_of("staff.css")
SCHEMES = ("light", "dark")

PAPER = ("bg", "surface", "sunken")
CODE_PAPER = ("surface", "sunken", "flag", "add", "del")
SYNTAX = tuple(f"hl-{token}" for token in "kscnftoe")
TEXT_AT_LEAST = 4.5
GRAPHICS_AT_LEAST = 3.0

TEXT_PAIRS = [
    *(
        (ink, paper)
        for ink in ("ink", "ink-2", "ink-3", "accent", "accent-hover")
        for paper in PAPER
    ),
    *((tone, paper) for tone in ("ok", "warn", "bad", "info") for paper in (*PAPER, f"{tone}-bg")),
    *(("ink", f"{tone}-bg") for tone in ("ok", "warn", "bad", "info")),
    *((ink, "info-bg") for ink in ("ink-2", "ink-3", "accent")),
    *(("ink-2", paper) for paper in ("ok-bg", "warn-bg", "bad-bg", "flag", "add", "del")),
    *(("ink-3", paper) for paper in ("flag", "add", "del")),
    *(("on-accent", solid) for solid in ("accent", "accent-hover", "danger")),
    *(("ink", paper) for paper in ("flag", "add", "del")),
    *((tone, paper) for tone in ("ok", "bad") for paper in ("add", "del")),
    ("bad", "flag"),
    *((token, paper) for token in SYNTAX for paper in CODE_PAPER),
]
GRAPHIC_PAIRS = [
    *((line, paper) for line in ("control", "focus", "c1", "c2", "c3") for paper in PAPER),
    ("control", "info-bg"),
    ("focus", "info-bg"),
    *((tone, paper) for tone in ("bad", "warn", "ok", "danger") for paper in PAPER),
]


def tokens() -> dict[str, dict[str, str]]:
    """Every `--name: light-dark(#light, #dark)` of the sheet, by scheme."""
    found: dict[str, dict[str, str]] = {scheme: {} for scheme in SCHEMES}
    pattern = r"--([\w-]+):\s*light-dark\((#[0-9a-f]{3,6}),\s*(#[0-9a-f]{3,6})\)"
    for name, light, dark in re.findall(pattern, CODE):
        found["light"][name] = light
        found["dark"][name] = dark
    return found


TOKENS = tokens()


def luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2.2, from 1 to 21."""
    dim, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dim + 0.05)


def too_weak(pairs: list[tuple[str, str]], least: float, scheme: str) -> list[str]:
    colours = TOKENS[scheme]
    return [
        f"--{front} on --{back}: {ratio:.2f}"
        for front, back in pairs
        if (ratio := contrast(colours[front], colours[back])) < least
    ]


def test_contrast_formula_knows_the_two_ends() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#0b5fc4", "#0b5fc4") == pytest.approx(1)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_is_readable_on_every_paper_it_stands_on(scheme: str) -> None:
    assert too_weak(TEXT_PAIRS, TEXT_AT_LEAST, scheme) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_controls_focus_and_graphics_stand_out(scheme: str) -> None:
    assert too_weak(GRAPHIC_PAIRS, GRAPHICS_AT_LEAST, scheme) == []


def test_each_colour_is_written_for_both_schemes() -> None:
    declared = re.findall(r"--[\w-]+:\s*([^;]*#[0-9a-f]{3,8}[^;]*);", CODE)

    assert declared
    assert [value for value in declared if "light-dark(" not in value] == []


def test_rules_take_their_colours_from_tokens() -> None:
    rules = re.sub(r":root\s*\{.*?\n\}", "", CODE, count=1, flags=re.DOTALL)
    literal = re.findall(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(", rules)

    # The one exception dims the page behind a dialog, the same in both schemes.
    assert literal == ["#0008"]


def test_staff_sheet_takes_its_colours_from_the_tokens_of_the_other() -> None:
    own = r"#[0-9a-fA-F]{3,8}\b|\b(?:rgba?|hsla?|oklch|oklab|lab|lch|hwb|color|light-dark)\("
    properties = re.findall(r"(?<![\w-])--([\w-]+):", STAFF_CODE)

    assert re.findall(own, STAFF_CODE) == []
    assert set(properties) & set(TOKENS["light"]) == set()


def test_every_variable_used_is_declared() -> None:
    declared = set(re.findall(r"(?<![\w-])--([\w-]+):", CODE))

    assert set(re.findall(r"var\(--([\w-]+)", CODE + STAFF_CODE)) - declared == set()


@pytest.mark.parametrize("name", BUDGETS)
def test_style_sheet_keeps_its_budget(name: str) -> None:
    raw, (most, most_compressed) = (STATIC / name).read_bytes(), BUDGETS[name]

    assert len(raw) <= most
    assert len(gzip.compress(raw, 9, mtime=0)) <= most_compressed


@pytest.mark.parametrize(
    ("name", "most"), [("app.js", 5 * KIB), ("staff.js", 6 * KIB), ("trace.js", 3 * KIB // 2)]
)
def test_script_keeps_its_budget(name: str, most: int) -> None:
    raw = (STATIC / name).read_bytes()

    assert len(gzip.compress(raw, 9, mtime=0)) <= most


@pytest.mark.parametrize("name", BUDGETS)
def test_style_sheet_loads_nothing(name: str) -> None:
    assert re.findall(r"url\(|@import|@font-face|image-set\(", code_of(name)) == []


def test_important_is_only_for_reduced_motion() -> None:
    query = r"@media \(prefers-reduced-motion:\s*reduce\)\s*\{[^{}]*\{[^{}]*\}\s*\}"
    blocks = re.findall(query, CODE)

    assert len(blocks) == 1
    assert "!important" in blocks[0]
    assert "!important" not in CODE.replace(blocks[0], "") + STAFF_CODE


@pytest.mark.parametrize("name", BUDGETS)
def test_braces_are_balanced(name: str) -> None:
    assert code_of(name).count("{") == code_of(name).count("}")


@pytest.mark.parametrize("name", ["icons.svg", "favicon.svg"])
def test_drawings_hold_no_script_and_no_address(name: str) -> None:
    drawing = re.sub(
        r"<!--.*?-->", "", (STATIC / name).read_text(encoding="utf-8"), flags=re.DOTALL
    )

    assert re.findall(r"<script|\son\w+=|href=|style=", drawing) == []
    assert set(re.findall(r"https?://[^\"\s]+", drawing)) == {"http://www.w3.org/2000/svg"}


def test_every_icon_a_template_asks_for_exists() -> None:
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (STATIC / "icons.svg").read_text("utf-8")))
    templates = Path(__file__).resolve().parents[2] / "templates"
    asked = {
        name
        for template in templates.rglob("*.html")
        for name in re.findall(r"icons\.svg['\"] %}#([\w-]+)", template.read_text("utf-8"))
    }

    assert asked
    assert asked - drawn == set()


def test_templates_hold_no_inline_style_script_or_handler() -> None:
    templates = Path(__file__).resolve().parents[2] / "templates"
    inline = re.compile(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|hx-on|javascript:")
    guilty = [
        f"{template.relative_to(templates)}: {hit}"
        for template in sorted(templates.rglob("*.html"))
        for hit in inline.findall(template.read_text("utf-8"))
    ]

    assert guilty == []

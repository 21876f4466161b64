"""The picture of a board: its content, its size in bytes and time, and that it forgets at once."""

from __future__ import annotations

import io
import time
from datetime import timedelta

import pytest
from django.utils import timezone
from PIL import Image

from config.pictures import fitted, has_glyph
from skills import board_images
from skills.board_images import draw
from skills.board_pages import board_query, read_board
from tests.factories.boards import decided, decided_many, downloaded, on_day, week

HOSTILE = [
    "نص عربي طويل",
    "漢字" * 40,
    "\u202eevil",
    "a" * 200,
    "👩\u200d💻🚀",
    "\x00"[:0] or "-",
    "Ünïcödé " * 20,
]


@pytest.fixture(autouse=True)
def _nothing_kept():
    board_images.images.clear()


def address(client) -> str:
    """Where the page says that its picture is."""
    page = client.get("/leaderboards/trending/").content.decode()
    return page.split('og:image" content="')[1].split('"')[0].split("/", 3)[3].join(["/", ""])


def test_a_picture_is_small_quick_and_of_the_right_size():
    lines = [(n, "W" * 100, "o" * 39, "999.9k") for n in range(1, 6)]
    started = time.process_time()

    png = draw("Trending, 30 days", lines)

    assert time.process_time() - started < 0.3
    assert len(png) <= 120 * 1024
    with Image.open(io.BytesIO(png)) as image:
        assert (image.format, image.size) == ("PNG", (1200, 630))


def test_any_name_can_be_drawn_and_stays_in_its_place():
    for name in HOSTILE:
        text, font = fitted(name, board_images.NAME_WIDTH, board_images.NAME_SIZES)

        assert font.getlength(text) <= board_images.NAME_WIDTH, name
        assert draw("Trending", [(1, name, name[:40], "1")])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("漢字ツール", "by-slug"),
        ("نص عربي", "by-slug"),
        ("כלי עברי", "by-slug"),
        ("PDF 도구", "by-slug"),
        ("👩\u200d💻🚀", "by-slug"),
        ("🚀 Rocket ⚠️ Tools", "Rocket Tools"),
        ("Ünïcödé Инструменты Ωμέγα", "Ünïcödé Инструменты Ωμέγα"),
    ],
)
def test_a_name_that_the_font_cannot_draw_gives_way_to_the_slug(name, told):
    on_day(decided(slug="by-slug", display_name=name), timezone.now().date(), downloads=5)
    week(timezone.now())

    ((_rank, shown, _owner, _count),) = board_images._lines(
        read_board(board_query("trending")).rows
    )

    assert shown == told
    assert all(has_glyph(character) for character in shown)


def test_a_board_without_ranks_has_a_picture():
    assert draw("Rising, 7 days", [])


@pytest.mark.django_db
def test_the_page_names_its_picture_and_the_picture_revalidates(client):
    downloaded(decided_many(6), timezone.now().date(), most=100)
    week(timezone.now())
    url = address(client)

    first = client.get(url)
    again = client.get(url, headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, first.headers["Content-Type"]) == (200, "image/png")
    assert first.headers["Cache-Control"] == "public, no-cache"
    assert (again.status_code, again.content) == (304, b"")
    page = client.get("/leaderboards/trending/").content.decode()
    assert '<meta name="twitter:card" content="summary_large_image">' in page


@pytest.mark.django_db
def test_the_mark_is_of_the_content(client):
    skill = decided(display_name="Seen Once")
    on_day(skill, timezone.now().date(), downloads=5)
    week(timezone.now())
    url = address(client)

    skill.moderation_status = "hidden"
    skill.save()
    moved = client.get(url)

    assert moved.status_code == 302
    assert moved.headers["Location"] == address(client) != url
    assert client.get(moved.headers["Location"]).status_code == 200


@pytest.mark.django_db
def test_a_new_build_of_the_same_ranks_keeps_the_address(client):
    now = timezone.now()
    before = now - timedelta(hours=1)
    # Of the day that both builds know: just after midnight they end on different ones.
    on_day(decided(), before.date(), downloads=5)
    week(before)
    url = address(client)
    week(now)

    assert address(client) == url


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["none-7d-x", "trending-1y-x", "rising-24h-x", "all-time-7d-x"])
def test_there_is_no_picture_of_what_is_no_board(client, name):
    assert client.get(f"/og/boards/{name}.png").status_code == 404


@pytest.mark.django_db
def test_a_wrong_mark_leads_to_the_picture_even_before_any_build(client):
    moved = client.get("/og/boards/all-time-ever-wrong.png")

    assert moved.status_code == 302
    assert client.get(moved.headers["Location"]).status_code == 200

"""Board pages: what they show of a snapshot, how they are paged, and what they say when empty."""

from __future__ import annotations

import gzip
import re
from datetime import timedelta
from html import unescape

import pytest
from django.conf import settings
from django.utils import timezone

from skills import boards, kept, ranking
from skills.boards import build
from skills.models import Leaderboard, SkillVersion
from skills.models.leaderboard import Board, Window
from tests.factories.accounts import sign_in
from tests.factories.boards import (
    SUSPICIOUS,
    decided,
    decided_many,
    downloaded,
    folded_at,
    on_day,
    week,
)

pytestmark = pytest.mark.django_db

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}
TRENDING = "/leaderboards/trending/"
SUMMARY = "Reads form fields into JSON, writes them back, and merges pages. " * 4
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def _nothing_kept():
    kept.pages.clear()


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def crowd(now):
    """120 ranks, each of an owner of its own."""
    skills = decided_many(120, summary=SUMMARY[:280], categories=["data", "web"])
    downloaded(skills, now.date(), most=90_000)
    week(now)
    return skills


def shown(response) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/skills/[^/]+/([^/]+)/"', text(response))


def text(response) -> str:
    return unescape(response.content.decode())


def next_url(response) -> str:
    return re.search(r'rel="next" href="([^"]+)"', text(response))[1]


# --- Rows ----------------------------------------------------------------------------------------


def test_fifty_rows_then_more_until_the_end(client, crowd):
    first = client.get(TRENDING)
    second = client.get(next_url(first))
    third = client.get(next_url(client.get(next_url(second))))

    order = [skill.slug for skill in crowd]
    assert shown(first) == order[:50]
    assert shown(second) == order[:75]
    assert shown(third) == order
    assert 'rel="next"' not in text(third)
    assert "(51 to 75 of 120)" in text(first)


def test_htmx_gets_the_next_rows_only_and_the_address_to_show(client, crowd):
    url = next_url(client.get(TRENDING))

    response = client.get(url, headers=PARTIAL)

    assert shown(response) == [skill.slug for skill in crowd[50:75]]
    assert response.headers["HX-Replace-Url"] == url
    assert b"<html" not in response.content
    assert b"<html" in client.get(url).content


def test_rows_stay_those_of_the_snapshot_the_reader_began_with(client, crowd, now):
    url = next_url(client.get(TRENDING))
    downloaded(crowd[::-1], now.date() - DAY, most=900_000)
    week(now + timedelta(minutes=1))

    rest = client.get(url)

    assert shown(rest) == [skill.slug for skill in crowd[:75]]
    assert "Newer ranking available." in text(rest)
    assert f'href="{TRENDING}">Show it' in text(rest)
    assert "Newer ranking" not in text(client.get(TRENDING))


def test_a_snapshot_that_is_gone_gives_way_to_the_newest(client, crowd):
    other = build(Board.RISING, Window.WEEK, timezone.now()).plain

    for pk in (0, 999_999_999, other.pk, 2**63 - 1):
        response = client.get(f"{TRENDING}?snapshot={pk}")

        assert response.status_code == 200
        assert "no longer kept" in text(response)
        assert len(shown(response)) == 50


def test_a_row_says_what_it_counts(client, now):
    falls, rises, stays, new = decided_many(4)
    for skill, downloads in ((falls, 50), (rises, 40), (stays, 30)):
        on_day(skill, now.date() - 3 * DAY, downloads=downloads, installs=3)
    week(now - DAY)
    on_day(rises, now.date(), downloads=99)
    on_day(new, now.date(), downloads=1)
    week(now)

    page = text(client.get(TRENDING))

    assert 'role="img" aria-label="up 1 place"' in page
    assert 'role="img" aria-label="down 1 place"' in page
    assert 'role="img" aria-label="same place"' in page
    assert "NEW" in page
    assert '<progress value="1.000"' in page
    assert '<data value="139"' in page
    assert f"/u/{rises.namespace.handle}/" in page
    assert 'data-status="Clean"' in page
    assert "At most 99 a day" in page


def test_without_a_day_before_no_row_is_called_new(client, crowd):
    assert "NEW" not in text(client.get(TRENDING))


# --- What became invisible -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "columns",
    [
        {"moderation_status": "hidden", "moderation_reason": "manual.hidden"},
        {"moderation_status": "removed", "moderation_reason": "manual.removed"},
        {"soft_deleted_at": timezone.now()},
        SUSPICIOUS,
        {"moderation_reason": "scanner.static.pending"},
    ],
)
def test_what_became_invisible_leaves_the_board_at_once(client, crowd, columns):
    before = client.get(TRENDING)
    assert crowd[3].slug in shown(before)

    for name, value in columns.items():
        setattr(crowd[3], name, value)
    crowd[3].save()
    after = client.get(TRENDING, headers={"If-None-Match": before.headers["ETag"]})

    assert after.status_code == 200
    assert crowd[3].slug not in shown(after)
    assert crowd[4].slug in shown(after)


def test_suspicious_skills_are_on_the_board_that_asks_for_them(client, now):
    on_day(decided(slug="doubtful", **SUSPICIOUS), now.date(), downloads=9)
    on_day(decided(slug="plain"), now.date(), downloads=5)
    week(now)

    plain, everything = client.get(TRENDING), client.get(f"{TRENDING}?suspicious=1")

    assert shown(plain) == ["plain"]
    assert "1 suspicious hidden" in text(plain)
    assert shown(everything) == ["doubtful", "plain"]
    assert 'data-status="Caution"' in text(everything)
    assert "suspicious hidden" not in text(everything)


# --- Addresses -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("?window=7d", TRENDING),
        ("?window=&suspicious=0&to=", TRENDING),
        ("?to=50", TRENDING),
        ("?to=1", TRENDING),
        ("?to=73", f"{TRENDING}?to=75"),
        ("?to=9999999999999999999999", TRENDING),
        ("?to=5000", f"{TRENDING}?to=200"),
        ("?snapshot=x&to=-1", TRENDING),
        ("?window=24h&suspicious=yes", f"{TRENDING}?window=24h&suspicious=1"),
    ],
)
def test_default_and_odd_parameters_lead_to_the_plain_address(client, given, canonical):
    response = client.get(TRENDING + given)

    assert (response.status_code, response.headers["Location"]) == (302, canonical)
    assert client.get(canonical).status_code == 200


@pytest.mark.parametrize("window", ["1y", "ever", "<script>alert(1)</script>", "24H"])
def test_an_unknown_window_is_a_notice(client, crowd, window):
    response = client.get(TRENDING, {"window": window})

    assert response.status_code == 200
    assert b'class="notice warning"' in response.content
    assert b"<script>alert" not in response.content
    assert len(shown(response)) == 50


@pytest.mark.parametrize("board", ["none", "Trending", "all-time.xml", "%00", "24h"])
def test_an_unknown_board_is_missing(client, board):
    assert client.get(f"/leaderboards/{board}/").status_code in {400, 404}


@pytest.mark.parametrize("board", Board.values)
def test_every_link_of_a_board_leads_somewhere(client, crowd, board):
    ours = re.compile(r'href="(/(?!static/|login/|api/)[^"#]*)')
    links = set(ours.findall(text(client.get(f"/leaderboards/{board}/"))))

    assert len(links) > 10
    for link in links:
        assert client.get(link).status_code == 200, link


def test_only_boards_themselves_are_for_search_engines(client, crowd):
    assert b"noindex" not in client.get(f"{TRENDING}?window=30d").content
    for query in ("?to=100", "?suspicious=1", "?snapshot=1"):
        assert b'content="noindex"' in client.get(TRENDING + query).content
    sitemap = client.get("/sitemap-pages-0.xml").content.decode()
    assert sitemap.count("/leaderboards/") == len(boards.BOARDS)


# --- How old, and how empty ----------------------------------------------------------------------


def test_the_page_says_until_when_is_counted_and_when_that_is_long_ago(client, now):
    folded_at(now - timedelta(minutes=3))
    on_day(decided(), now.date(), downloads=1)
    week(now)
    fresh = text(client.get(TRENDING))
    Leaderboard.objects.update(counted_until=now - 3 * HOUR)
    late = text(client.get(TRENDING))

    assert f"{now - timedelta(minutes=3):%H:%M} UTC" in fresh
    assert "overdue" not in fresh
    assert 'class="as-of" data-late' in late
    assert "later ones are overdue" in late


def test_nothing_to_rank_and_nothing_built_are_told_apart(client, now):
    assert "No board was built yet" in text(client.get(TRENDING))
    week(now)

    page = text(client.get(TRENDING))

    assert "Nothing to rank yet" in page
    assert "No board was built yet" not in page


# --- Caches and budgets --------------------------------------------------------------------------


def test_a_visitor_leaves_no_trace_and_caches_may_keep_the_page(client, crowd, alice):
    response = client.get(TRENDING)

    assert not response.cookies
    assert b"csrf" not in response.content
    assert response.headers["Cache-Control"] == "public, max-age=60"
    again = client.get(TRENDING, headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    own = sign_in(client, alice).get(TRENDING)
    assert own.headers["Cache-Control"] == "private, no-cache"


def test_nonsense_in_the_address_is_kept_as_one_page(client, crowd):
    for n in range(1, 6):
        client.get(f"{TRENDING}?window=junk{n}")
        client.get(f"{TRENDING}?snapshot={900_000_000 + n}")

    assert len(kept.pages._entries) == 2


def test_nonsense_before_the_first_build_is_kept_as_one_page(client):
    for n in range(1, 6):
        client.get(f"{TRENDING}?snapshot={n}")

    assert len(kept.pages._entries) == 1


def test_a_new_snapshot_is_shown_in_the_next_request(client, crowd, now):
    before = client.get(TRENDING)
    week(now + timedelta(minutes=1))

    after = client.get(TRENDING, headers={"If-None-Match": before.headers["ETag"]})

    assert after.status_code == 200


def test_the_first_answer_and_its_rows_fit_the_budget(client, crowd):
    for skill in crowd:
        skill.display_name = "Meeting minutes from recordings"
        skill.save()
    for day in range(1, 14):
        downloaded(crowd[day % 3 :: 2], timezone.now().date() - day * DAY, most=70_000 * (day % 4))
    week(timezone.now() - DAY)
    week(timezone.now())
    whole = client.get(TRENDING)
    rows = client.get(next_url(whole), headers=PARTIAL).content

    assert whole.content.count(b'<path d="m0 ') == 50
    assert len(whole.content) <= 50 * 1024
    assert len(gzip.compress(whole.content, 6)) <= 12 * 1024
    assert len(rows) <= 30 * 1024


def test_names_of_strangers_are_text(client, now):
    hostile = '<script>alert(1)</script>"\u202e'
    on_day(decided(display_name=hostile, summary=hostile), now.date(), downloads=1)
    week(now)

    for path in (TRENDING, "/"):
        page = client.get(path).content.decode()
        assert "<script>alert" not in page
        assert "\u202e" not in page
        assert "[U+202E]" in page


def checked(page: str) -> int:
    shown = page.split("checked today", maxsplit=1)[0].rsplit("<b>", 1)[1]
    return int(re.sub("<[^>]*>", "", shown))


# --- Home ----------------------------------------------------------------------------------------


def test_home_shows_the_first_ten_and_three_numbers(client, crowd):
    page = text(client.get("/"))

    card = page.split('aria-labelledby="trending"')[1].split("</section>")[0]
    assert re.findall(r'<li><a href="/skills/[^/]+/([^/]+)/"', card) == [
        skill.slug for skill in crowd[:10]
    ]
    total = sum(90_000 - n for n in range(120))
    assert f'<data value="{total}"' in page
    assert checked(page) == 0


def test_home_counts_the_scans_since_midnight(client, crowd):
    for skill, age in zip(crowd[:3], (timedelta(0), timedelta(0), DAY), strict=True):
        versions = SkillVersion.objects.filter(skill=skill)
        assert versions.update(scanned_at=timezone.now() - age) == 1

    page = text(client.get("/"))

    assert checked(page) == 2


def test_home_without_a_board_promises_nothing(client):
    page = text(client.get("/"))

    assert "<b>—</b>downloads in 7 days" in page
    assert "No board was built yet" in page


# --- The rules -----------------------------------------------------------------------------------


def test_the_rules_print_every_number_and_term_of_the_code(client, monkeypatch):
    monkeypatch.setattr(ranking, "BOARD_SIZE", 271)
    monkeypatch.setattr(ranking, "CAPPED_RANKS", 272)
    monkeypatch.setattr(ranking, "PER_OWNER", 273)
    monkeypatch.setattr(ranking, "RISING_DAYS", 274)
    monkeypatch.setattr(ranking, "SPARKLINE_DAYS", 275)
    monkeypatch.setattr(ranking, "WINDOW_HOURS", 276)
    monkeypatch.setattr(ranking, "MOVEMENT_SPAN", 277 * HOUR)

    page = text(client.get("/about/ranking/"))

    for number in range(271, 278):
        assert str(number) in page, number
    for term in ranking.ORDER:
        assert term.words in page
    assert 'href="http' not in page.replace(settings.SITE_URL, "")


def test_the_list_of_feeds_names_every_board(client):
    page = text(client.get("/about/feeds/"))

    for link in re.findall(r'href="(/leaderboards/[^"]+)"', page):
        assert client.get(link).status_code == 200, link
    for suffix in (".atom", ".json"):
        assert len(re.findall(rf"<code>/leaderboards/[^<]+\{suffix}", page)) == len(boards.BOARDS)

"""The Atom and JSON twins of boards, and the boards of the API."""

from __future__ import annotations

from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from django.conf import settings
from django.utils import timezone

from skills import boards
from skills.board_pages import BoardQuery, twin_url
from skills.models.leaderboard import Board, Window
from tests.factories.boards import (
    SUSPICIOUS,
    decided,
    decided_many,
    downloaded,
    folded_at,
    on_day,
    week,
)
from tests.skills import contract

pytestmark = pytest.mark.django_db

ATOM = "{http://www.w3.org/2005/Atom}"
FEED, JSON = "/leaderboards/trending.atom", "/leaderboards/trending.json"
DAY = timedelta(days=1)


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def three(now):
    """Three ranks and, on the board that asks for it, a suspicious skill at their head."""
    folded_at(now - timedelta(minutes=2))
    skills = [decided(slug=f"skill-{n}", display_name=f"Skill {n}") for n in range(3)]
    downloaded(skills, now.date(), most=10)
    on_day(decided(slug="doubtful", **SUSPICIOUS), now.date(), downloads=99)
    week(now)
    return skills


def entries(response) -> list[ET.Element]:
    return list(ET.fromstring(response.content).iter(f"{ATOM}entry"))


# --- Atom ----------------------------------------------------------------------------------------


def test_the_feed_is_atom_with_all_that_readers_need(client, three):
    response = client.get(FEED)

    assert response.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    feed = ET.fromstring(response.content)
    for name in ("id", "title", "updated", "author", "link"):
        assert feed.find(f"{ATOM}{name}") is not None, name
    for entry in entries(response):
        for name in ("id", "title", "updated", "author", "link", "summary"):
            assert entry.find(f"{ATOM}{name}") is not None, name
    titles = [entry.findtext(f"{ATOM}title") for entry in entries(response)]
    assert titles == ["1. Skill 0", "2. Skill 1", "3. Skill 2"]


def test_an_entry_keeps_its_id_and_its_time_when_its_rank_changes(client, three, now):
    before = {
        e.findtext(f"{ATOM}id"): e.findtext(f"{ATOM}updated") for e in entries(client.get(FEED))
    }
    on_day(three[2], now.date() - DAY, downloads=50)
    week(now + timedelta(seconds=1))

    after = entries(client.get(FEED))

    assert after[0].findtext(f"{ATOM}title") == "1. Skill 2"
    assert {e.findtext(f"{ATOM}id"): e.findtext(f"{ATOM}updated") for e in after} == before


def test_what_strangers_write_cannot_break_the_feed(client, now):
    hostile = "<b>]]>&amp;\x01\x08\x0b\ufffe\uffff\u202e😀\"'</title>"
    on_day(decided(display_name=hostile, summary=hostile * 4), now.date(), downloads=1)
    week(now)

    (entry,) = entries(client.get(FEED))

    title = entry.findtext(f"{ATOM}title")
    assert title == "1. <b>]]>&amp; 😀\"'</title>"
    assert len(entry) == 6


def test_a_feed_before_the_first_build_is_empty_and_the_same_each_time(client):
    first, second = client.get(FEED), client.get(FEED)

    assert first.content == second.content
    assert entries(first) == []


# --- JSON ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [JSON, "/api/v1/leaderboards/trending"])
def test_the_document_says_rank_movement_and_what_was_counted(client, three, now, path):
    told = client.get(path).json()

    assert {key: told[key] for key in ("board", "window")} == {"board": "trending", "window": "7d"}
    assert told["generatedAt"] == f"{now:%Y-%m-%dT%H:%M:%SZ}"
    assert told["countedUntil"] == f"{now - timedelta(minutes=2):%Y-%m-%dT%H:%M:%SZ}"
    assert isinstance(told["snapshot"], int)
    assert told["items"][0] == {
        "rank": 1,
        "previousRank": None,
        "owner": three[0].namespace.handle,
        "slug": "skill-0",
        "name": "Skill 0",
        "downloads": 10,
        "installs": 0,
        "stars": 0,
        "status": "Clean",
        "url": f"{settings.SITE_URL}/skills/{three[0].namespace.handle}/skill-0/",
    }
    assert [item["slug"] for item in client.get(f"{path}?suspicious=1").json()["items"]][:2] == [
        "doubtful",
        "skill-0",
    ]


def test_the_document_before_the_first_build_says_null(client):
    told = client.get(JSON).json()

    assert (told["generatedAt"], told["countedUntil"], told["snapshot"]) == (None, None, None)
    assert told["items"] == []


# --- Both ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [FEED, JSON, "/api/v1/leaderboards/trending"])
def test_twins_revalidate_and_shared_caches_keep_them_for_a_minute(client, three, path):
    first = client.get(path)
    etag = first.headers["ETag"]

    for known in (etag, f"W/{etag}", f'"x", {etag}'):
        again = client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b""), known
    assert first.headers["Cache-Control"] == "public, max-age=60"
    assert first.headers["Last-Modified"].endswith("GMT")


@pytest.mark.parametrize("path", [FEED, JSON, "/api/v1/leaderboards/trending"])
def test_what_was_hidden_is_gone_even_for_who_asks_by_time_alone(client, three, path):
    first = client.get(path)
    three[0].moderation_status = "hidden"
    three[0].save()

    for header in ("ETag", "Last-Modified"):
        name = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}[header]
        again = client.get(path, headers={name: first.headers[header]})
        assert again.status_code == 200
        assert b"skill-0" not in again.content


@pytest.mark.parametrize("end", [".atom", ".json"])
def test_every_board_has_its_twins_and_its_page_names_them(client, end):
    for board, window in boards.BOARDS:
        address = twin_url(BoardQuery(board, window), end)
        assert client.get(address).status_code == 200, address
        page = client.get(twin_url(BoardQuery(board, window), "/")).content.decode()
        assert f'href="{address}">' in page
        assert '<link rel="alternate" type="application/' in page


def test_nonsense_is_refused_with_a_sentence(client):
    assert client.get("/leaderboards/none.atom").status_code == 404
    assert client.get("/leaderboards/none.json").status_code == 404
    for path in (FEED, JSON):
        refused = client.get(path, {"window": "1y"})
        assert refused.status_code == 400
        assert b"window is one of 24h, 7d, 30d." in refused.content
    for path, status, code in (
        ("/api/v1/leaderboards/none", 404, "board_not_found"),
        ("/api/v1/leaderboards/rising?window=24h", 400, "window_invalid"),
        ("/api/v1/trending?window=ever", 400, "window_invalid"),
        ("/api/v1/trending?limit=0", 400, "limit_invalid"),
        ("/api/v1/skills?sort=trending&limit=201", 400, "limit_invalid"),
        ("/api/v1/skills?sort=trending&category=data", 400, "sort_invalid"),
        ("/api/v1/skills?sort=trending&cursor=x", 400, "sort_invalid"),
        ("/api/v1/skills?sort=Trending", 400, "sort_invalid"),
    ):
        response = client.get(path)
        assert (response.status_code, response.headers["X-Error-Code"]) == (status, code), path


# --- `trending` of the contract ------------------------------------------------------------------


def slugs(client, query: str = "") -> list[str]:
    response = client.get(f"/api/v1/skills?sort=trending{query}")
    assert response.status_code == 200
    told = response.json()
    assert contract.faults(told, contract.LIST) == []
    assert told["nextCursor"] is None
    return [item["slug"] for item in told["items"]]


def test_sort_trending_answers_from_the_newest_snapshot_in_one_page(client, three):
    assert slugs(client) == ["doubtful", "skill-0", "skill-1", "skill-2"]
    assert slugs(client, "&nonSuspiciousOnly=true") == ["skill-0", "skill-1", "skill-2"]
    assert slugs(client, "&nonSuspicious=1&limit=2") == ["skill-0", "skill-1"]


def test_the_limit_is_honoured_whatever_was_hidden_since(client, now):
    skills = decided_many(6)
    downloaded(skills, now.date(), most=10)
    week(now)
    for skill in skills[:3]:
        skill.moderation_status = "hidden"
        skill.save()

    assert slugs(client, "&limit=3") == [skill.slug for skill in skills[3:]]


def test_sort_trending_before_the_first_build_is_an_empty_page(client):
    assert slugs(client) == []


def test_trending_tells_the_ranks_too(client, three, now):
    told = client.get("/api/v1/trending?nonSuspiciousOnly=true&limit=1").json()

    (item,) = told["items"]
    assert (item["slug"], item["rank"], item["previousRank"]) == ("skill-0", 1, None)
    assert item["windowDownloads"] == 10
    assert item["latestVersion"]["version"] == "1.0.0"
    boards.build(Board.TRENDING, Window.DAY, now)
    assert client.get("/api/v1/trending?window=24h").json()["items"] == []

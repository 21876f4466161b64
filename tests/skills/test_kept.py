"""Kept HTML: bounded, keyed by all it shows, and never older than the rows."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from config.kept import Kept
from skills import kept
from skills.kept import card_html, marked_html, marker
from skills.listing import Card, content_hash, list_query, page, page_below
from tests.factories.accounts import sign_in

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)


def card(**said) -> Card:
    values = {
        "skill_id": 1,
        "slug": "pdf-tools",
        "owner_handle": "mira",
        "display_name": "PDF tools",
        "name_key": "pdf tools",
        "summary": "Fills forms.",
        "categories": ["documents"],
        "topics": ["pdf"],
        "latest_version_summary": '{"version": "1.0.0", "declaredLicense": "MIT"}',
        "tags": "{}",
        "badges": "{}",
        "moderation_reason": "scanner.static.clean",
        "is_suspicious": False,
        "downloads": 7,
        "stars": 0,
        "installs_current": 0,
        "installs_all_time": 0,
        "comment_count": 0,
        "version_count": 1,
        "created_at": NOW,
        "updated_at": NOW - timedelta(hours=3),
    }
    return Card(**(values | said))


@pytest.fixture(autouse=True)
def _nothing_kept():
    kept.cards.clear()
    kept.frames.clear()
    kept.pages.clear()


def test_the_least_recently_used_goes_when_it_gets_too_much():
    store: Kept[str] = Kept(10)
    store.put("a", "x", 4)
    store.put("b", "x", 4)
    store.get("a")

    store.put("c", "x", 4)

    assert store.get("b") is None
    assert store.get("a") == "x"
    assert store.get("c") == "x"


def test_what_is_larger_than_the_limit_is_not_kept_and_leaves_no_debt():
    store: Kept[str] = Kept(10)

    store.put("huge", "x", 11)
    store.put("a", "x", 5)
    store.put("a", "y", 5)
    store.put("b", "x", 5)

    assert store.get("huge") is None
    assert store.get("a") == "y"
    assert store.get("b") == "x"


def test_threads_do_not_break_the_bookkeeping():
    store: Kept[int] = Kept(50)

    def work(offset: int) -> None:
        for n in range(2_000):
            store.put((offset + n) % 37, n, 3)
            store.get(n % 37)

    threads = [Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert store._total == sum(size for _value, size in store._entries.values()) <= 50


def test_a_card_is_written_once_until_its_age_reads_differently():
    first = card_html(card(), NOW)

    assert card_html(card(), NOW + timedelta(minutes=59)) is first
    assert "3 h ago" in first
    assert "4 h ago" in card_html(card(), NOW + timedelta(minutes=60))


@pytest.mark.parametrize("field", Card._fields)
def test_every_column_of_a_card_is_part_of_its_key(field):
    changed = {
        str: '{"version": "9.9.9"}',
        int: 41,
        bool: True,
        list: ["data"],
        datetime: NOW - timedelta(days=90),
    }
    first = card_html(card(), NOW)

    other = card(**{field: changed[type(getattr(card(), field))]})

    assert card_html(other, NOW) is not first


def test_a_card_escapes_what_authors_write():
    html = card_html(
        card(display_name="<script>alert(1)</script>", summary='a\u202eb "x" <img src=x>'), NOW
    )

    assert "<script" not in html
    assert "<img" not in html
    assert "[U+202E]" in html


def test_an_imported_slug_with_odd_characters_gives_a_quoted_address():
    html = card_html(card(slug='a b/c?"d'), NOW)

    assert 'href="/skills/mira/a%20b%2Fc%3F%22d/"' in html


def test_marks_are_escaped_words_and_nothing_else():
    mark = marker(["b", "script"])

    assert mark("a <b>") == "a &lt;<mark>b</mark>&gt;"
    assert mark("<Script>") == "&lt;<mark>Script</mark>&gt;"
    assert marker([])("<b>") == "&lt;b&gt;"


@pytest.mark.parametrize("summary", ["", "Fills </bdi> and </p> forms.", "<bdi>pdf</bdi> \u202e"])
def test_a_marked_card_is_the_card_with_marks_in_name_and_summary(summary):
    shown = card(display_name='PDF </bdi><p class="summary" dir="auto">', summary=summary)
    plain = card_html(shown, NOW)

    marked = marked_html(shown, NOW, marker(["pdf", "forms"]))

    assert marked_html(shown, NOW, marker([])) == plain
    assert re.sub("</?mark>", "", marked) == re.sub("</?mark>", "", plain)
    assert "<bdi><mark>PDF</mark> &lt;" in marked
    assert marked.count("<mark>") - plain.count("<mark>") == (2 if summary else 1)
    assert card_html(shown, NOW) == plain


# --- Whole pages ---------------------------------------------------------------------------------


@pytest.fixture
def queries(django_assert_num_queries):
    return django_assert_num_queries


@pytest.mark.django_db
def test_a_kept_page_costs_one_statement_and_no_rendering(client, publish, queries, monkeypatch):
    publish()
    first = client.get("/skills/")
    monkeypatch.setattr("skills.views.page", lambda *_a, **_k: pytest.fail("read the rows again"))

    with queries(1):
        again = client.get("/skills/")

    assert again.content == first.content
    assert again.headers["ETag"] == first.headers["ETag"]


@pytest.mark.django_db
def test_if_none_match_gives_304_with_one_statement(client, publish, queries):
    publish()
    etag = client.get("/skills/").headers["ETag"]

    with queries(1):
        again = client.get("/skills/", headers={"If-None-Match": etag})

    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["ETag"] == etag


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/skills/", "/skills/?sort=name"])
def test_what_is_hidden_is_gone_in_the_next_request(client, publish, path):
    skill = publish("seen-once").skill
    before = client.get(path)

    skill.moderation_status = "hidden"
    skill.save()
    after = client.get(path, headers={"If-None-Match": before.headers["ETag"]})

    assert b"seen-once" in before.content
    assert after.status_code == 200
    assert b"seen-once" not in after.content


@pytest.mark.django_db
def test_a_changed_card_is_shown_in_the_next_request(client, publish):
    skill = publish().skill
    client.get("/skills/")

    skill.summary = "Now it does two things."
    skill.save()

    assert b"Now it does two things." in client.get("/skills/").content


@pytest.mark.django_db
def test_a_page_older_than_a_minute_is_written_anew(client, publish, monkeypatch):
    publish()
    client.get("/skills/")
    read = []
    monkeypatch.setattr(
        "skills.views.page_below", lambda q, **k: read.append(q) or page_below(q, **k)
    )

    client.get("/skills/")
    monkeypatch.setattr("skills.kept.PAGE_SECONDS", 0)
    client.get("/skills/")

    assert len(read) == 1


@pytest.mark.django_db
def test_colours_rows_and_places_are_kept_apart(client, publish):
    publish()
    plain = client.get("/skills/")
    htmx = {"HX-Request": "true", "HX-Request-Type": "partial"}
    partial = client.get("/skills/", headers=htmx)
    client.cookies["theme"] = "dark"
    dark = client.get("/skills/")

    assert b'data-theme="dark"' not in plain.content
    assert b'data-theme="dark"' in dark.content
    assert b"<html" not in partial.content
    assert len({plain.headers["ETag"], partial.headers["ETag"], dark.headers["ETag"]}) == 3


@pytest.mark.django_db
def test_the_page_around_the_rows_is_kept_by_filter_and_colours(client, publish, monkeypatch):
    publish("a-skill", categories=["data"])
    client.get("/skills/")
    publish("b-skill", categories=["web"])
    monkeypatch.setattr("skills.views._about", lambda _asked: pytest.fail("written again"))

    again = client.get("/skills/").content

    assert b"b-skill" in again
    assert kept.ROWS_STAND_HERE.encode() not in again
    monkeypatch.undo()
    assert b'<h1 dir="auto">Web and browsing</h1>' in client.get("/skills/?category=web").content
    assert b"No skills here" in client.get("/skills/?category=media").content
    hostile = client.get("/skills/", {"category": kept.ROWS_STAND_HERE})
    assert hostile.content.count(b"b-skill/") == 1


@pytest.mark.django_db
def test_who_has_a_session_gets_a_page_of_their_own(client, publish, alice):
    publish()
    client.get("/skills/")
    sign_in(client, alice)

    own = client.get("/skills/")

    assert b"My tokens" in own.content
    assert own.headers["Cache-Control"] == "private, no-cache"
    assert "ETag" not in own.headers
    client.cookies.clear()
    assert b"My tokens" not in client.get("/skills/").content


@pytest.mark.django_db
def test_a_change_between_stamp_and_rows_makes_the_page_old_not_wrong(publish):
    publish("first-one")
    query = list_query()
    request = RequestFactory().get("/skills/")

    def write() -> HttpResponse:
        publish("came-between")
        return HttpResponse(",".join(card.slug for card in page(query).cards))

    def ask(write) -> str:
        response = kept.answer(
            request, key="k", stamp=lambda: str(content_hash(query)), render=write
        )
        return response.content.decode()

    assert ask(write) == "came-between,first-one"
    assert ask(lambda: HttpResponse("fresh")) == "fresh"

"""Home, browse, search and author pages."""

from __future__ import annotations

import gzip
import re
from html import unescape

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Namespace
from jobs.as_of import as_of
from skills import kept
from skills.forms import CURSOR_NOTICE
from skills.models import Skill
from tests.factories.accounts import sign_in
from tests.factories.bulk import list_skills
from tests.factories.skills import NamespaceFactory
from tests.statements import asked

pytestmark = pytest.mark.django_db

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}
SUMMARY = "Reads form fields into JSON, writes them back, and merges pages. " * 4


@pytest.fixture(autouse=True)
def _nothing_kept():
    kept.cards.clear()
    kept.frames.clear()
    kept.pages.clear()


def make(namespace: Namespace, count: int, **said) -> list[Skill]:
    return list_skills(
        namespace,
        (
            {
                "slug": f"skill-{n:03}",
                "display_name": f"Skill {n:03}",
                "summary": SUMMARY[:280],
                "categories": ["data", "web"],
                "topics": ["csv", "json", "forms"],
                "moderation_reason": "scanner.static.clean",
                "downloads": n,
            }
            | said
            for n in range(count)
        ),
    )


def slugs(response) -> list[str]:
    return re.findall(r'<h3><a href="/skills/[^/]+/([^/]+)/"', response.content.decode())


def next_url(response) -> str:
    return unescape(
        re.search(r'rel="next" href="([^"]+)#more" hx-get', response.content.decode())[1]
    )


def statements(client, url: str, **headers) -> int:
    as_of("copy_totals")  # A process asks for it once in half a minute.
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url, **headers).status_code == 200
    return len(asked(captured))


# --- Cost ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 25, 100])
@pytest.mark.parametrize("query", ["", "?sort=downloads", "?category=data&topic=csv&suspicious=1"])
def test_a_list_costs_two_statements_however_many_cards(client, alice, count, query):
    make(alice.namespace, count)

    assert statements(client, f"/skills/{query}") == 2


def test_an_address_further_down_costs_two_more_statements_however_far(client, alice):
    make(alice.namespace, 260)

    for place, (_shown, url) in enumerate(load_all(client, "/skills/?sort=name")):
        if place in {1, 4, 10}:
            assert statements(client, url) == 4, place


def test_every_page_here_stays_within_eight_statements(client, alice):
    make(alice.namespace, 30)

    assert statements(client, "/") <= 5
    assert statements(client, "/skills/?q=skill") <= 4
    # Its traces are a list of their own.
    assert statements(client, "/u/alice/") == 4
    sign_in(client, alice)
    assert statements(client, "/skills/") <= 8
    assert statements(client, "/u/alice/") <= 8


def test_the_first_answer_and_its_rows_fit_the_budget(client, alice):
    make(alice.namespace, 26)

    whole = client.get("/skills/").content
    rows = client.get(next_url(client.get("/skills/")), headers=PARTIAL).content

    assert len(whole) <= 50 * 1024
    assert len(gzip.compress(whole, 6)) <= 12 * 1024
    assert len(rows) <= 30 * 1024


# --- A visitor leaves no trace -------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/skills/", "/skills/?q=skill", "/u/alice/"])
def test_a_visitor_gets_no_cookie_and_no_token_and_caches_may_keep_the_page(client, alice, path):
    make(alice.namespace, 3)

    response = client.get(path)

    assert response.status_code == 200
    assert not response.cookies
    assert b"csrf" not in response.content
    assert response.headers["Cache-Control"] == "public, max-age=60"
    assert set(response.headers["Vary"].split(", ")) >= {
        "Cookie",
        "HX-Request",
        "HX-Request-Type",
    }


# --- Lists ---------------------------------------------------------------------------------------


def load_all(client, url: str):
    """Load more until the list ends, as htmx does; yield the rows shown and the address then."""
    page = client.get(url)
    shown = slugs(page)
    yield shown, url
    while b'hx-get="' in page.content:
        page = client.get(next_url(page), headers=PARTIAL)
        shown = shown + slugs(page)
        yield shown, page.headers["HX-Replace-Url"]


@pytest.mark.parametrize("url", ["/skills/?sort=downloads", "/u/alice/"])
def test_all_rows_come_once_in_order_and_then_the_list_ends(client, alice, url):
    make(alice.namespace, 60)

    *_, (seen, _url) = load_all(client, url)

    assert seen == [f"skill-{n:03}" for n in reversed(range(60))]


@pytest.mark.parametrize(
    "url",
    ["/skills/", "/skills/?sort=name&topic=csv", "/skills/?q=skill&topic=csv", "/u/alice/"],
)
def test_the_address_after_loading_more_shows_the_same_rows(client, alice, url):
    make(alice.namespace, 110)

    for shown, address in load_all(client, url):
        again = client.get(address)
        assert slugs(again) == shown
        assert b"Back to the start" not in again.content
        assert (b"noindex" in again.content) == ("?" in address)


@pytest.mark.parametrize("url", ["/skills/?sort=name", "/u/alice/"])
def test_far_down_the_address_shows_the_last_rows_and_the_ways_back(client, alice, url):
    make(alice.namespace, 260)
    *_, (shown, address) = load_all(client, url)
    assert len(shown) == 260

    page = client.get(address)

    # A full walk ends with ten rows: 175 lead to them.
    assert slugs(page) == shown[-185:]
    assert f'<a href="{url}">Back to the start</a>' in page.content.decode()
    previous = unescape(re.search(r'rel="prev" href="([^"]+)"', page.content.decode())[1])
    before = slugs(client.get(previous))
    assert before == shown[:101]
    assert before[75] == slugs(page)[0]


def test_without_script_the_link_shows_the_rows_so_far_and_leads_to_the_new_ones(client, alice):
    make(alice.namespace, 60)

    page = client.get(next_url(client.get("/skills/?sort=name"))).content.decode()

    above, _mark, below = page.partition('id="more"')
    assert above.count('class="skill-row"') == below.count('class="skill-row"') == 25


def test_rows_that_went_or_came_since_are_not_shown_twice(client, alice):
    made = make(alice.namespace, 60)
    (_shown, _url), (_more, address), *_ = load_all(client, "/skills/?sort=name")
    # The row the address names goes, and a new one comes before it.
    Skill.objects.filter(pk=made[24].pk).update(moderation_status="hidden")
    make(alice.namespace, 1, slug="skill-new", display_name="Skill 003 b")

    found = slugs(client.get(address))

    right = [f"skill-{n:03}" for n in range(50) if n != 24]
    assert found == [*right[:4], "skill-new", *right[4:]]


def test_htmx_gets_rows_only_and_the_address_to_show(client, alice):
    make(alice.namespace, 60)
    url = next_url(client.get("/skills/?sort=name"))

    response = client.get(url, headers=PARTIAL)

    assert response.content.lstrip().startswith(b'<li class="skill-row">')
    assert len(slugs(response)) == 25
    assert response.headers["HX-Replace-Url"] == url
    assert next_url(response) != url


def test_going_back_gets_the_whole_page(client, alice):
    make(alice.namespace, 30)
    url = next_url(client.get("/skills/"))

    response = client.get(url, headers=PARTIAL | {"HX-History-Restore-Request": "true"})

    assert b"<html" in response.content


def test_suspicious_skills_are_shown_on_request_only(client, publish):
    skill = publish("doubtful").skill
    skill.moderation_flags = ["flagged.suspicious"]
    skill.moderation_reason = "manual.caution"
    skill.save()

    assert slugs(client.get("/skills/")) == []
    shown = client.get("/skills/?suspicious=1")
    assert slugs(shown) == ["doubtful"]
    assert b'data-status="Caution"' in shown.content


def test_a_card_names_categories_as_people_do(client, publish):
    publish("a-skill", categories=["data", "other"])

    for path in ("/skills/", "/skills/?q=skill", "/u/alice/"):
        card = client.get(path).content.decode().partition('class="skill-row"')[2]
        assert '<a href="/skills/?category=data">Data and research</a>' in card
        assert "category=other" not in card.partition("</li>")[0]


def test_filters_are_chips_that_can_be_removed(client, publish):
    publish("a-skill", categories=["data"], topics=["csv"])
    publish("other-skill", categories=["web"], topics=["csv"])

    response = client.get("/skills/?category=data&topic=csv")
    page = response.content.decode()

    assert slugs(response) == ["a-skill"]
    assert (
        'href="/skills/?topic=csv"><span class="sr">Remove filter </span>Data and research' in page
    )
    assert 'href="/skills/?category=data"><span class="sr">Remove filter </span>#csv' in page
    assert 'href="/skills/">Clear all' in page


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("?q=&category=data&topic=", "/skills/?category=data"),
        ("?sort=updated", "/skills/"),
        ("?suspicious=0", "/skills/"),
        ("?topic=Csv%20Files", "/skills/?topic=csv-files"),
        ("?q=%20pdf%20%20form%20&sort=name", "/skills/?q=pdf+form"),
    ],
)
def test_empty_and_default_parameters_are_dropped(client, given, canonical):
    response = client.get(f"/skills/{given}")

    assert response.status_code == 302
    assert response.headers["Location"] == canonical
    assert client.get(canonical).status_code == 200


@pytest.mark.parametrize(
    "given",
    [
        "?category=nope",
        "?sort=nope",
        "?topic=%F0%9F%98%80",
        "?category=%3Cscript%3Ealert(1)%3C/script%3E",
        "?until=x",
        "?until=" + "x" * 5_000,
        "?until=%ED%A0%80",
        "?sort=name&until=WzEsMl0:abc",
        "?q=a-skill&until=x",
    ],
)
def test_nonsense_shows_the_beginning_with_a_notice(client, publish, given):
    publish("a-skill")

    response = client.get(f"/skills/{given}")

    assert response.status_code == 200
    assert slugs(response) == ["a-skill"]
    assert b'class="notice warning"' in response.content
    assert b"<script>alert" not in response.content


def test_a_cursor_of_another_list_is_not_followed(client, alice):
    make(alice.namespace, 30)
    cursor = next_url(client.get("/skills/?sort=name")).partition("until=")[2]

    response = client.get(f"/skills/?sort=downloads&until={cursor}")

    assert CURSOR_NOTICE in unescape(response.content.decode())
    assert slugs(response)[0] == "skill-029"


@pytest.mark.parametrize("path", ["/skills/?q=%00", "/skills/?category=%00", "/u/a%00b/"])
def test_a_nul_is_refused(client, path):
    assert client.get(path).status_code == 400


@pytest.mark.parametrize("path", ["/", "/skills/", "/u/alice/"])
def test_posting_is_not_possible(client, alice, path):
    assert client.post(path).status_code == 405


def test_an_empty_list_says_what_to_do(client):
    page = client.get("/skills/?category=finance").content.decode()

    assert "No skills here" in page
    assert 'href="/skills/">Look in all skills' in page


# --- Search --------------------------------------------------------------------------------------


def test_a_search_marks_its_words_and_has_no_order_to_choose(client, publish):
    publish("pdf-tools", summary="Splits a PDF & signs it.")

    response = client.get("/skills/?q=pdf")
    page = response.content.decode()

    assert slugs(response) == ["pdf-tools"]
    assert "Splits a <mark>PDF</mark> &amp; signs it." in page
    assert "1 result" in page
    assert 'class="sorts' not in page
    assert 'value="pdf"' in page


def test_a_search_ends_with_the_two_hundred_best(client, alice):
    make(alice.namespace, 230)

    *_, (shown, address) = load_all(client, "/skills/?q=skill")

    assert "The 200 best results" in client.get(address).content.decode()
    assert len(set(shown)) == len(shown) == 200
    assert statements(client, address) <= 5


def test_a_search_can_be_narrowed(client, publish):
    publish("pdf-one", categories=["data"], topics=["csv"])
    publish("pdf-two", categories=["web"])

    assert slugs(client.get("/skills/?q=pdf&category=data")) == ["pdf-one"]
    assert slugs(client.get("/skills/?q=pdf&topic=csv")) == ["pdf-one"]
    assert len(slugs(client.get("/skills/?q=pdf"))) == 2


def test_a_search_without_hits_helps_on(client):
    page = unescape(client.get("/skills/?q=nothing-has-this").content.decode())

    assert "No skills match “nothing-has-this”" in page
    assert "/skills/?q=nothing-has-this&suspicious=1" in page


@pytest.mark.parametrize(
    "q", ["<script>alert(1)</script>", '"><img src=x>', "(((", "a\u202eb", "%"]
)
def test_a_hostile_search_is_only_text(client, q):
    response = client.get("/skills/", {"q": q})

    assert response.status_code == 200
    assert b"<script>alert" not in response.content
    assert b"<img" not in response.content


# --- Home and author -----------------------------------------------------------------------------


def test_home_shows_both_lists_and_the_words(client, alice):
    make(alice.namespace, 12)

    page = client.get("/").content.decode()

    assert page.count("<li><a href=") >= 10
    assert 'href="/skills/alice/skill-011/"' in page
    assert 'id="help"' in page
    assert 'id="status-words"' in page
    assert 'href="http' not in page.replace(settings.SITE_URL, "")


def test_home_is_a_page_before_anything_is_published(client):
    assert b"Nothing is published yet." in client.get("/").content


def test_names_of_strangers_are_text_everywhere(client, alice):
    hostile = '<script>alert(1)</script>"\u202e'
    make(alice.namespace, 2, display_name=hostile, summary=hostile)

    for path in ("/", "/skills/", "/u/alice/", "/skills/?q=script"):
        page = client.get(path).content.decode()
        assert "<script>alert" not in page, path
        assert "\u202e" not in page, path


def test_an_author_page_lists_their_skills_only(client, alice):
    make(alice.namespace, 30)
    other = NamespaceFactory(handle="somebody-else")
    make(other, 1)

    first = client.get("/u/alice/")
    rest = client.get(next_url(first), headers=PARTIAL)

    assert (len(slugs(first)), len(slugs(rest))) == (25, 5)
    assert b'<link rel="next"' in first.content
    assert b"Unclaimed" not in first.content
    assert b"Unclaimed name." in client.get("/u/somebody-else/").content


def test_a_bad_cursor_of_an_author_shows_the_beginning(client, publish):
    publish("a-skill")

    response = client.get("/u/alice/?until=nonsense")

    assert slugs(response) == ["a-skill"]
    assert CURSOR_NOTICE in unescape(response.content.decode())


def test_an_unknown_author_is_404_and_letter_case_is_corrected(client, alice):
    assert client.get("/u/nobody/").status_code == 404
    assert client.get("/u/Nobody/").status_code == 404
    moved = client.get("/u/Alice/")
    assert (moved.status_code, moved.headers["Location"]) == (301, "/u/alice/")


def test_only_the_owner_and_staff_see_what_is_hidden_on_an_author_page(
    client, publish, charlie, alice, mona
):
    skill = publish("held-back").skill
    skill.moderation_status = "hidden"
    skill.save()

    assert b"held-back" not in client.get("/u/alice/").content
    assert b"held-back" not in sign_in(Client(), charlie).get("/u/alice/").content
    for insider in (alice, mona):
        page = sign_in(Client(), insider).get("/u/alice/").content.decode()
        assert 'href="/skills/alice/held-back/"' in page
        assert "held-back is hidden while moderators review it." in page


def test_every_link_of_a_list_page_leads_somewhere(client, publish):
    publish("pdf-tools", categories=["documents"], topics=["pdf"])
    ours = re.compile(r'href="(/(?!static/|login/|api/)[^"#]*)')

    for path in ("/", "/skills/?category=documents", "/u/alice/"):
        links = {unescape(link) for link in ours.findall(client.get(path).content.decode())}
        assert len(links) > 3
        for link in links:
            assert client.get(link).status_code == 200, link

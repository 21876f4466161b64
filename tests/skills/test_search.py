"""Search: what is left out takes no place of the limit, and nothing typed finds just anything."""

from __future__ import annotations

from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.pagination import CursorRefused
from skills.models import Badge, Skill
from skills.search import Narrowing, page_below, search
from skills.services import give_badge
from tests.factories.bulk import list_skills
from tests.factories.skills import NamespaceFactory
from tests.statements import asked

pytestmark = pytest.mark.django_db

LIMIT = 3
# Each is what a decoy has instead; decoys come first by name, by slug and by downloads.
LEFT_OUT = {
    "suspicious": {"moderation_flags": ["flagged.suspicious"]},
    "category": {"categories": ["web"]},
    "topic": {"topics": ["json"]},
    "badge": {},
    "owner": {"namespace": "another"},
}
AMONG = {
    "suspicious": Narrowing(suspicious=False),
    "category": Narrowing(category="data"),
    "topic": Narrowing(topic="csv"),
    "badge": Narrowing(badges=(Badge.HIGHLIGHTED,)),
    "owner": Narrowing(owner="maker"),
}


def row(slug: str, **said: object) -> dict[str, object]:
    said = {"categories": ["data"], "topics": ["csv"], "summary": "Merges a document."} | said
    return {"slug": slug, "display_name": slug} | said


@pytest.fixture
def owner():
    return NamespaceFactory(handle="maker")


@pytest.fixture(params=LEFT_OUT)
def narrowing(request, owner, monkeypatch):
    """Thirty decoys before three skills that fit, and what lets only these be found."""
    monkeypatch.setattr("skills.search.TOP", LIMIT)
    monkeypatch.setattr("skills.search.BEGUN", LIMIT)
    decoy = LEFT_OUT[request.param] | {"downloads": 9}
    handle = decoy.pop("namespace", None)
    theirs = NamespaceFactory(handle=handle) if handle else owner
    list_skills(theirs, (row(f"pdf-a{n:02}", **decoy) for n in range(30)))
    for skill in list_skills(owner, (row(f"pdf-z{n}") for n in range(LIMIT))):
        give_badge(skill=skill, kind=Badge.HIGHLIGHTED, actor=None, reason="Good.")
    return AMONG[request.param]


@pytest.mark.parametrize("text", ["pdf-", "pdf", "document", "merges document"])
def test_what_is_left_out_takes_no_place(narrowing, text):
    found = search(text, limit=LIMIT, among=narrowing)

    assert {hit.card.slug for hit in found} == {"pdf-z0", "pdf-z1", "pdf-z2"}


def test_of_the_same_name_those_are_found_that_may_be(narrowing):
    Skill.objects.update(display_name="PDF Tools")

    for exact in (True, False):
        found = search("pdf tools", limit=LIMIT, among=narrowing, exact=exact)
        assert {hit.card.slug for hit in found} == {"pdf-z0", "pdf-z1", "pdf-z2"}
    assert not search("pdf-a00", among=narrowing, exact=True)


@pytest.mark.parametrize(("enough", "statements"), [(0, 3), (1_000, 4)])
def test_narrowing_costs_no_statement(narrowing, monkeypatch, enough, statements):
    # Words found enough, or likeness of names is asked for, too.
    monkeypatch.setattr("skills.search.ENOUGH", enough)

    for among in (
        Narrowing(),
        narrowing,
        Narrowing(False, "data", "csv", ("highlighted",), "maker"),
    ):
        with CaptureQueriesContext(connection) as queries:
            search("pdf", among=among)
        assert len(asked(queries)) == statements


@pytest.mark.parametrize("text", ["/", "//", "@/", "@maker/", "maker/", "@nobody/", "@", " / "])
def test_a_name_without_a_slug_is_no_beginning_of_every_slug(owner, text):
    list_skills(owner, (row(f"pdf-{n}") for n in range(3)))

    assert search(text) == []


def test_who_names_an_owner_finds_the_beginnings_of_their_slugs_only(owner):
    list_skills(owner, [row("pdf-one"), row("pdf-two"), row("csv-one")])
    list_skills(NamespaceFactory(handle="other"), [row("pdf-three")])

    for text in ("@maker/pdf", "maker/pdf", "@Maker/PDF"):
        found = [f"{hit.card.owner_handle}/{hit.card.slug}" for hit in search(text)]
        assert sorted(found) == ["maker/pdf-one", "maker/pdf-two"]


@pytest.mark.parametrize(
    ("query", "left_out"),
    [
        ("highlightedOnly=true", {}),
        ("nonSuspiciousOnly=1", LEFT_OUT["suspicious"]),
        ("nonSuspicious=true", LEFT_OUT["suspicious"]),
        ("badge=highlighted", {}),
        ("badge=highlighted&highlightedOnly=1", {}),
        ("category=data", LEFT_OUT["category"]),
        ("topic=CSV", LEFT_OUT["topic"]),
    ],
)
def test_the_call_fills_its_limit_with_what_was_asked_for(client, owner, query, left_out):
    list_skills(owner, (row(f"pdf-a{n:02}", downloads=9, **left_out) for n in range(30)))
    (skill,) = list_skills(owner, [row("pdf-z")])
    give_badge(skill=skill, kind=Badge.HIGHLIGHTED, actor=None, reason="Good.")

    results = client.get(f"/api/v1/search?q=pdf&limit=1&{query}").json()["results"]

    assert [result["slug"] for result in results] == ["pdf-z"]


def test_the_page_fills_its_rows_with_what_was_asked_for(client, owner):
    list_skills(owner, (row(f"pdf-a{n:03}", downloads=9, **LEFT_OUT["topic"]) for n in range(250)))
    list_skills(owner, [row("pdf-z")])

    page = client.get("/skills/?q=pdf&topic=csv").content

    assert b'href="/skills/maker/pdf-z/"' in page
    assert b"1 result" in page


# --- One order, page by page ----------------------------------------------------------------------


@pytest.fixture
def many(owner):
    """More skills than have a place, some of equal score."""
    return list_skills(owner, (row(f"pdf-{n:03}", downloads=n // 7) for n in range(260)))


@pytest.mark.parametrize("text", ["pdf", "document", "merges a document", "pdf-1"])
def test_a_longer_list_begins_as_a_shorter_one(many, text):
    found = [[hit.card.slug for hit in search(text, limit=limit)] for limit in (1, 25, 60, 200)]

    for short, long in pairwise(found):
        assert short
        assert long[: len(short)] == short


def test_pages_hold_the_best_two_hundred_once_and_in_order(many):
    best = [hit.card.slug for hit in search("document", limit=200)]
    assert len(best) == 200

    cursor, seen = "", []
    while cursor is not None:
        page, count = page_below("document", cursor=cursor, limit=30)
        assert count == 200
        assert page.above == len(seen)
        seen = [card.slug for card in page.cards]
        cursor = page.next
        assert seen == best[: page.above + 30]

    assert seen == best


def test_what_went_and_came_moves_nobodys_place(many):
    page, _count = page_below("document", limit=30)
    here = [card.slug for card in page.cards]
    following = [card.slug for card in page_below("document", limit=60)[0].cards[30:]]
    Skill.objects.get(slug=here[3]).delete()
    list_skills(many[0].namespace, [row("pdf-best", downloads=10_000)])

    page, _count = page_below("document", cursor=page.next, limit=30)

    assert [card.slug for card in page.cards[page.above :]] == following
    assert "pdf-best" in [card.slug for card in page.cards[: page.above]]


@pytest.mark.parametrize(
    "asked",
    [("documents", Narrowing()), ("document", Narrowing(topic="csv")), ("pdf", Narrowing())],
)
def test_a_cursor_is_of_one_search_only(many, asked):
    cursor = page_below("document", limit=30)[0].next

    with pytest.raises(CursorRefused):
        page_below(asked[0], cursor=cursor, among=asked[1])

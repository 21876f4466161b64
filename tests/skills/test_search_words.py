"""Search by words: candidates by their heads, the first of them by their whole texts."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config import patience
from skills import search
from skills.models import Skill, SkillSearch

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf(publish):
    """Skills that say “harbour” in their name, summary, or readme alone, and one that does not."""
    texts = {
        "harbour": ("Boats and quays.", "Nothing more."),
        "quay": ("Lists each harbour.", "Nothing more."),
        "mooring": ("Ties a boat.", "In a harbour, harbour by harbour, tie the boat."),
        "kitchen": ("Cooks soup.", "Café au lait."),
    }
    return {
        slug: publish(
            slug,
            {"SKILL.md": f"---\nname: {slug}\ndescription: {summary}\n---\n\n{readme}\n"},
            display_name=slug.title(),
            summary=summary,
        ).skill.pk
        for slug, (summary, readme) in texts.items()
    }


def slugs(text: str, **told) -> list[str]:
    return [hit.card.slug for hit in search.search(text, **told)]


def by_words(shelf: dict[str, int], text: str) -> list[str]:
    named = {pk: slug for slug, pk in shelf.items()}
    return [named[match.skill_id] for match in search._by_words(text, search.EVERYTHING)]


@pytest.mark.parametrize("fine", [0, 1, 100])
def test_a_word_counts_more_in_a_name_than_in_a_summary_than_in_a_readme(shelf, monkeypatch, fine):
    monkeypatch.setattr(search, "FINE", fine)

    assert by_words(shelf, "harbour") == ["harbour", "quay", "mooring"]


@pytest.mark.parametrize("fine", [0, 100])
def test_who_holds_all_words_stands_before_who_holds_one(shelf, monkeypatch, fine):
    monkeypatch.setattr(search, "FINE", fine)

    found = by_words(shelf, "tie harbour")

    assert found[0] == "mooring"
    assert set(found) == {"mooring", "harbour", "quay"}


def test_what_holds_one_word_in_its_name_takes_no_place_of_who_holds_all(
    shelf, publish, monkeypatch
):
    monkeypatch.setattr(search, "TOP", 2)
    shelf["harbour-cat"] = publish("harbour-cat", display_name="Harbour Cat").skill.pk

    found = by_words(shelf, "tie harbour")

    assert found[0] == "mooring"
    assert found[1] in {"harbour", "harbour-cat"}


@pytest.mark.parametrize(("fine", "first"), [(0, "plain"), (100, "telling")])
def test_among_equal_heads_the_readme_decides(publish, monkeypatch, fine, first):
    monkeypatch.setattr(search, "FINE", fine)
    readmes = {"plain": "Nothing more.", "telling": "Lantern, lantern and lantern."}
    shelf = {
        slug: publish(slug, {"SKILL.md": f"{readme}\n"}, summary="Carries a lantern.").skill.pk
        for slug, readme in readmes.items()
    }

    assert by_words(shelf, "lantern")[0] == first


@pytest.mark.allow_drift
def test_a_row_that_has_not_followed_its_rule_yet_is_found(shelf):
    SkillSearch.objects.filter(skill=shelf["quay"]).update(head=None)

    assert by_words(shelf, "harbour") == ["harbour", "quay", "mooring"]


@pytest.mark.parametrize("text", ["CAFÉ", "cafe", "Café"])
def test_case_and_accents_do_not_matter(shelf, text):
    assert by_words(shelf, text) == ["kitchen"]


@pytest.mark.parametrize("text", ["Ærø", "İstanbul", "ﬁne", "Straße", "東京", "naïve ŁÓDŹ"])
def test_what_is_typed_is_folded_as_names_are(text):
    with connection.cursor() as cursor:
        cursor.execute("SELECT skills_fold(%s), unaccent(lower(%s))", [text, text])
        [folded, plain] = cursor.fetchone()

    assert folded == plain


@pytest.mark.parametrize("text", ["", '"', "-", "-soup", "or or", "!&|", "a" * 200, "the of", "'"])
def test_whatever_is_typed_is_a_question(shelf, text):
    assert isinstance(by_words(shelf, text), list)


def test_only_cards_that_are_shown_are_read(shelf):
    with CaptureQueriesContext(connection) as queries:
        found = slugs("harbour", limit=1)

    [cards] = [query["sql"] for query in queries if "ANY" in query["sql"]]
    assert found == ["harbour"]
    assert f"ANY('{{{shelf['harbour']}}}'" in cards.replace(" ", "")


def test_of_a_common_word_the_most_downloaded_are_candidates_too(publish, monkeypatch):
    """Any three hold the word, and so do the two that are downloaded most, which came last."""
    shelf = {slug: publish(slug).skill.pk for slug in ("pdf-a", "pdf-b", "pdf-c", "pdf-d", "pdf-e")}
    for slug, downloads in (("pdf-d", 70), ("pdf-e", 90)):
        Skill.objects.filter(pk=shelf[slug]).update(downloads=downloads)
    assert len(by_words(shelf, "pdf")) == 5
    monkeypatch.setattr(search, "SOME_CANDIDATES", 0)
    monkeypatch.setattr(search, "MAX_CANDIDATES", 5)
    assert len(by_words(shelf, "pdf")) == 5, "who is one of both is one"
    monkeypatch.setattr(search, "MAX_CANDIDATES", 3)
    for most in (1, 2):
        monkeypatch.setattr(search, "MOST_DOWNLOADED", most)

        found = by_words(shelf, "pdf")

        assert 3 <= len(set(found)) == len(found) <= 3 + most
        assert found[:most] == ["pdf-e", "pdf-d"][:most]


def test_who_is_narrowed_out_is_no_candidate_by_downloads(publish, monkeypatch):
    monkeypatch.setattr(search, "MAX_CANDIDATES", 1)
    for slug in ("pdf-a", "pdf-b", "pdf-c"):
        skill = publish(slug, categories=["data" if slug == "pdf-c" else "coding"]).skill
        Skill.objects.filter(pk=skill.pk).update(downloads=ord(slug[-1]))

    assert "pdf-c" in slugs("pdf")
    assert set(slugs("pdf", among=search.Narrowing(category="coding"))) == {"pdf-a", "pdf-b"}


def test_a_search_that_takes_too_long_says_so_by_every_way(client, shelf, monkeypatch):
    def slow(*_: object) -> list[object]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(20)")
        return []

    monkeypatch.setattr(patience, "SECONDS", 0.05)
    monkeypatch.setattr(search, "_by_words", slow)

    called = client.get("/api/v1/search?q=harbour")
    assert (called.status_code, called.headers["X-Error-Code"]) == (503, "search_too_slow")
    assert called.headers["Retry-After"] == "5"
    assert called.content.decode().startswith("That would take too long. Leave out a word")
    page = client.get("/skills/?q=harbour")
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "private, no-cache"
    assert "This search took too long" in page.content.decode()
    assert "No skills match" not in page.content.decode()
    asks_for_more = {"HX-Request": "true", "HX-Request-Type": "partial"}
    assert client.get("/skills/?q=harbour", headers=asks_for_more).status_code == 503


def test_no_scan_of_a_search_begins_where_another_left_off(shelf, monkeypatch):
    """A table that is large in PostgreSQL's eyes would give others each time."""
    told = []

    def look(*_: object) -> list[object]:
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronize_seqscans")
            told.extend(cursor.fetchone())
        return []

    monkeypatch.setattr(search, "_by_words", look)
    search.search("harbour")
    search.page_below("harbour")

    assert told == ["off", "off"]

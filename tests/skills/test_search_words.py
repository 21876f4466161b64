"""Search by words: candidates by their heads, the first of them by their whole texts."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from skills import search
from skills.models import SkillSearch

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

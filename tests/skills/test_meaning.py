"""Search by meaning: with the model itself, and without it."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from jobs.models import JobRun
from jobs.services import execute_run, start_run
from skills import derived, embeddings, meaning, search
from skills.models import SkillEmbedding, SkillSearch
from tests.statements import asked

pytestmark = pytest.mark.django_db


@pytest.fixture
def local(settings):
    settings.EMBEDDINGS = "local"


@pytest.fixture
def shelf(publish):
    """A few skills about different things."""
    texts = {
        "page-reader": "Extract the text and tables of PDF documents.",
        "coin-watch": "Follow the price of bitcoin and alert on changes.",
        "mail-sorter": "Sort the inbox into folders by sender and subject.",
        "photo-fix": "Remove scratches from old photographs.",
    }
    return {
        slug: publish(
            slug,
            {"SKILL.md": f"---\nname: {slug}\ndescription: {text}\n---\n\n# {slug}\n\n{text}\n"},
            display_name=slug.replace("-", " ").title(),
        )
        for slug, text in texts.items()
    }


def embed_all() -> dict:
    started = start_run(kind="embed_skills")
    execute_run(started.run.pk)
    return JobRun.objects.get(pk=started.run.pk).result


def slugs(text: str, **told) -> list[str]:
    return [hit.card.slug for hit in search.search(text, **told)]


def test_texts_that_mean_the_same_lie_near_each_other():
    pdf, document, coin = embeddings.embed(
        ["convert a PDF into text", "extract the words of a portable document", "watch bitcoin"]
    )

    assert abs(float(pdf @ pdf) - 1) < 1e-4
    assert float(pdf @ document) > 0.4 > float(pdf @ coin)


def test_the_activation_is_the_one_the_model_was_trained_with():
    x = np.linspace(-30, 30, 7 * 45 * 100, dtype=np.float32).reshape(45 * 7, 100)

    exact = [value * (1 + math.erf(value / math.sqrt(2))) / 2 for value in x.ravel().tolist()]

    assert np.abs(embeddings._gelu(x).ravel() - np.array(exact)).max() < 2e-6


def test_a_text_is_embedded_by_one_thread():
    # OpenBLAS reads it once, when NumPy is loaded.
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"


def test_what_shares_no_word_is_found_by_its_meaning(local, shelf):
    assert slugs("cryptocurrency quotes") == []

    assert embed_all()["skills"] == len(shelf)

    assert slugs("cryptocurrency quotes")[0] == "coin-watch"
    assert slugs("organise my e-mail automatically")[0] == "mail-sorter"
    assert slugs("repair damaged pictures of my grandmother")[0] == "photo-fix"


def test_without_embeddings_words_answer_alone(settings, shelf):
    settings.EMBEDDINGS = "off"

    assert embed_all() == {}
    assert slugs("bitcoin") == ["coin-watch"]
    assert slugs("cryptocurrency quotes") == []


# The second is a package, and holds no weights.
@pytest.mark.parametrize("package", ["no_such_weights", "tokenizers"])
def test_a_model_that_is_not_there_breaks_no_search(local, shelf, monkeypatch, caplog, package):
    monkeypatch.setattr(embeddings, "_PACKAGE", package)
    embeddings._read_model.cache_clear()
    embeddings.embed_query.cache_clear()

    for _ in range(2):
        assert slugs("bitcoin") == ["coin-watch"]

    assert len(caplog.records) == 1
    embeddings._read_model.cache_clear()


def test_a_text_is_embedded_once_and_again_when_it_changes(local, shelf, publish):
    embed_all()
    assert meaning.embed_next() == 0
    vector = SkillEmbedding.objects.get(skill=shelf["coin-watch"].skill).vector

    publish(
        "coin-watch",
        {"SKILL.md": "---\nname: coin-watch\ndescription: Bake bread.\n---\n\nBake bread.\n"},
        version="2.0.0",
        display_name="Bread",
        summary="Bake bread at home.",
    )

    assert meaning.embed_next() == 1
    assert SkillEmbedding.objects.get(skill=shelf["coin-watch"].skill).vector != vector
    assert slugs("knead dough in an oven")[0] == "coin-watch"


def test_what_was_hidden_for_a_while_is_not_embedded_again(local, shelf):
    embed_all()
    skill = shelf["coin-watch"].skill
    for status in ("hidden", "active"):
        skill.moderation_status = status
        skill.save()

    assert meaning.embed_next() == 0
    assert slugs("cryptocurrency quotes")[0] == "coin-watch"


def test_all_are_embedded_anew_on_request_while_the_old_serve(local, shelf):
    embed_all()

    started = start_run(kind="reembed_skills")
    execute_run(started.run.pk)

    assert slugs("cryptocurrency quotes")[0] == "coin-watch"
    assert embed_all()["skills"] == len(shelf)
    assert meaning.embed_next() == 0


def test_what_is_embedded_follows_the_embeddings(local, shelf):
    embed_all()
    lost, other_text, other_model, _right = sorted(done.skill.pk for done in shelf.values())
    SkillEmbedding.objects.get(pk=lost).delete()
    SkillEmbedding.objects.filter(pk=other_text).update(text_key="of another text")
    SkillEmbedding.objects.filter(pk=other_model).update(model="of last year")

    waiting = SkillSearch.objects.exclude(embedded_key=F("text_key"))
    assert set(waiting.values_list("pk", flat=True)) == {lost, other_text, other_model}
    assert embed_all()["skills"] == 3
    assert SkillEmbedding.objects.filter(model=embeddings.MODEL).count() == len(shelf)
    assert not waiting.exists()


@pytest.mark.allow_drift
def test_embeddings_that_went_by_hand_are_found_as_drift(local, shelf):
    embed_all()
    gone = shelf["photo-fix"].skill.pk
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM skills_skillembedding WHERE skill_id = %s", [gone])

    assert derived.SKILL_SEARCH.drifted_keys() == [gone]


def test_a_hidden_skill_is_not_found_by_its_meaning(local, shelf):
    from skills.models import HoldKind
    from tests.factories.skills import hold

    embed_all()
    assert "coin-watch" in slugs("cryptocurrency quotes")
    hold(shelf["coin-watch"].skill, HoldKind.HIDDEN)

    assert "coin-watch" not in slugs("cryptocurrency quotes")


@pytest.mark.parametrize("text", ["PDF documents", "cryptocurrency quotes", "mail sortr", "photo"])
def test_a_search_takes_five_statements_and_reads_no_embedding(local, shelf, text):
    embed_all()
    embeddings.embed_query(text)

    with CaptureQueriesContext(connection) as queries:
        search.search(text)

    statements = asked(queries)
    assert len(statements) == 5
    near = [sql for sql in statements if 'AS "distance"' in sql]
    assert len(near) == 1
    [columns, _rest] = near[0].split(" FROM ", 1)
    assert columns.startswith('SELECT "skills_skillembedding"."skill_id" AS ')
    assert columns.count('"vector"') == 1, "it is compared, and not read"
    assert sum('"vector"' in sql for sql in statements) == 1


@pytest.mark.parametrize("typed", ["mail sortr", "foto-fix", "coin wacth"])
def test_typing_errors_in_a_name_are_forgiven(shelf, typed):
    wanted = {"mail sortr": "mail-sorter", "foto-fix": "photo-fix", "coin wacth": "coin-watch"}

    assert slugs(typed)[0] == wanted[typed]


def test_a_name_that_begins_like_an_owner_and_a_skill_hides_no_words(shelf, publish):
    publish("helper", display_name="Bitcoin/Price Helper")

    assert {"helper", "coin-watch"} <= set(slugs("bitcoin/price"))


@pytest.mark.parametrize("text", ["price/alert bitcoin", "bitcoin/price", "sort/inbox"])
def test_words_around_a_slash_are_words(shelf, text):
    assert slugs(text)


def test_what_is_hidden_takes_no_place_of_what_is_near(local, shelf, monkeypatch):
    from skills.models import HoldKind
    from tests.factories.skills import hold

    embed_all()
    monkeypatch.setattr(meaning, "NEAREST", 1)
    monkeypatch.setattr(meaning, "FARTHEST", 2.0)
    assert slugs("cryptocurrency quotes") == ["coin-watch"]
    hold(shelf["coin-watch"].skill, HoldKind.HIDDEN)

    # No other text holds either word: what stands here was near.
    assert len(slugs("cryptocurrency quotes")) == 1


def test_what_holds_some_words_takes_no_place_of_what_holds_all(shelf, monkeypatch):
    monkeypatch.setattr(search, "SOME_CANDIDATES", 1)
    monkeypatch.setattr(search, "MAX_CANDIDATES", 1)

    assert slugs("scratches photographs text price inbox")
    assert slugs("old photographs")[0] == "photo-fix"


def test_the_readme_of_a_withdrawn_version_is_searched_no_more(shelf, publish):
    from django.utils import timezone

    from skills.models import SkillVersion

    assert slugs("scratches") == ["photo-fix"]

    SkillVersion.objects.filter(skill=shelf["photo-fix"].skill).update(withdrawn_at=timezone.now())

    assert slugs("scratches") == []

"""The speed benchmark of search at a tiny scale: drawn directions are found, goals are asked of."""

from __future__ import annotations

import numpy as np
import pytest
from django.db import connection

from config.patience import for_seconds
from skills import meaning
from skills.models import SkillEmbedding, SkillSearch
from tests.benchmarks import data, devpi, directions, loader, search_speed

TINY = 400


@pytest.fixture
def generated(db, monkeypatch, settings):
    settings.EMBEDDINGS = "local"
    monkeypatch.setattr(data, "SAMPLES", 20)
    monkeypatch.setattr(directions, "CENTRES", 20)
    directions.centres.cache_clear()
    directions.of_query.cache_clear()
    data.fill(TINY)
    with connection.cursor() as cursor:
        # Indexes are made anew, which waits for the checks a commit would run.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    directions.fill()
    data.analyze()
    yield
    directions.centres.cache_clear()
    directions.of_query.cache_clear()


def test_every_skill_has_a_direction_and_what_is_hidden_is_not_found(generated):
    assert SkillEmbedding.objects.count() == TINY

    with directions.asked(), for_seconds("", *meaning.WALK_ON):
        found = {match.skill_id for match in meaning.nearest("anything")}

    assert 0 < len(found) < TINY
    assert found <= set(SkillSearch.objects.values_list("skill", flat=True))


def test_directions_lie_in_clusters_and_are_drawn_alike_each_time():
    some = directions.drawn(3, 400)

    assert np.allclose(some, directions.drawn(3, 400))
    assert np.allclose(np.linalg.norm(some, axis=1), 1, atol=1e-5)
    nearness = some @ directions.centres().T
    assert (np.sort(nearness, axis=1)[:, -1] > 0.75).all()
    assert (np.sort(nearness, axis=1)[:, -2] < 0.5).all()


def test_searches_of_every_kind_are_measured_against_the_vector_query(generated, monkeypatch):
    monkeypatch.setattr(search_speed, "SKILLS", TINY)
    monkeypatch.setattr(search_speed, "NEAREST", 6)
    monkeypatch.setattr(search_speed, "PER_KIND", 4)
    monkeypatch.setattr(search_speed, "ROUNDS", 1)
    kinds = search_speed.queries()

    with directions.asked():
        near = list(search_speed._nearest())
        found = list(search_speed._searching(kinds))

    assert {m.unit for m in near} == {"ms", "of them", "blocks"}
    [recall] = [m for m in near if m.unit == "of them"]
    assert recall.ok
    assert len(found) == len(kinds) + 3
    assert all(len(set(texts)) == 4 for texts in kinds.values())
    [statements] = [m for m in found if m.unit == "statements"]
    assert statements.ok


def test_a_text_has_as_many_tokens_as_asked():
    text = search_speed._text_of(40)

    assert len(search_speed.embeddings._load().tokenizer.encode(text).ids) == 40


def test_answers_by_connections_of_their_own_are_counted(live_server):
    port = live_server.thread.port

    assert loader.requests_per_second_anew(port, ["/healthz"], 1) > 1
    with pytest.raises(loader.LoadFailed):
        loader.requests_per_second_anew(port, ["/no-such-page"], 10)


def test_without_the_rival_its_goal_is_skipped_with_a_word(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(devpi, "FINISHED", tmp_path / "never")
    monkeypatch.setattr(devpi, "HOME", tmp_path / "devpi")
    monkeypatch.setattr(devpi, "PROGRAMS", tmp_path / "devpi" / "venv" / "bin")
    monkeypatch.setattr(devpi.sys, "executable", str(tmp_path / "no-python"))

    assert list(search_speed._beside_devpi()) == []
    assert "skipped: devpi-server" in capsys.readouterr().err

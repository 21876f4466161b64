"""Copies follow totals where they changed; recounts find drift beside running folds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs.as_of import forget
from jobs.models import JobRun, RunState
from jobs.services import execute_run, start_run
from skills import events, jobs, statistics
from skills.models import (
    CategoryTotal,
    DownloadMark,
    EventKind,
    ListedChange,
    SiteTotals,
    Skill,
    SkillDailyStat,
    SkillHourlyStat,
    SkillListing,
    SkillTotal,
    StatEvent,
)
from skills.slugs import CATEGORY_KEYS
from tests.factories import stats
from tests.factories.skills import SkillFactory
from tests.factories.stats import queue

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def run(kind: str) -> dict:
    done = execute_run(start_run(kind=kind).run.pk)
    assert done.state == RunState.SUCCEEDED, done.error
    return done.result


def copied(skill: Skill) -> tuple[int, int, int, int]:
    row = Skill.objects.get(pk=skill.pk)
    return row.downloads, row.stars, row.installs_current, row.installs_all_time


# --- Copies ---------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_totals_reach_the_sortable_columns_and_the_list(publish, charlie):
    skill = publish().skill
    queue(skill, EventKind.DOWNLOAD, NOON, count=4)
    queue(skill, EventKind.INSTALL_NEW, NOON, count=2)
    events.star(skill_id=skill.pk, user_id=charlie.pk)
    before = Skill.objects.get(pk=skill.pk).updated_at
    run("fold_events")

    assert run("copy_totals") == {"skills": 1}

    assert copied(skill) == (4, 1, 2, 2)
    row = SkillListing.objects.get(skill=skill, facet="")
    assert (row.downloads, row.stars, row.installs_all_time) == (4, 1, 2)
    assert Skill.objects.get(pk=skill.pk).updated_at == row.updated_at == before


@pytest.mark.django_db
def test_totals_below_nothing_are_shown_as_nothing():
    skill = SkillFactory()
    queue(skill, EventKind.INSTALL_DEACTIVATE, NOON, count=3)
    run("fold_events")
    run("copy_totals")

    assert copied(skill) == (0, 0, 0, 0)
    assert stats.total(skill)["installs_current"] == -3


@pytest.mark.django_db
def test_what_is_right_is_not_written():
    skills = [SkillFactory() for _ in range(3)]
    for skill in skills:
        queue(skill, EventKind.DOWNLOAD, NOON)
    run("fold_events")
    run("copy_totals")
    queue(skills[1], EventKind.DOWNLOAD, NOON)
    run("fold_events")

    with CaptureQueriesContext(connection) as captured:
        assert list(statistics.copy_totals()) == [(skills[1].pk, 1)]
    assert list(statistics.copy_totals()) == []

    written = [q["sql"] for q in captured if q["sql"].startswith('UPDATE "skills_skill"')]
    assert len(written) == 1


@pytest.mark.django_db
def test_copies_go_on_behind_the_last_id(monkeypatch):
    monkeypatch.setattr(statistics, "COPY_BATCH", 2)
    skills = [SkillFactory() for _ in range(5)]
    for skill in skills:
        queue(skill, EventKind.DOWNLOAD, NOON)
    run("fold_events")

    first = next(statistics.copy_totals())
    rest = list(statistics.copy_totals(after=first[0]))

    assert first == (skills[1].pk, 2)
    assert rest == [(skills[3].pk, 2), (skills[4].pk, 1)]
    assert {copied(skill)[0] for skill in skills} == {1}


# --- Recounts -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_totals_that_are_the_sum_of_their_days_are_left_alone(charlie):
    skill = SkillFactory()
    queue(skill, EventKind.DOWNLOAD, NOON, NOON + timedelta(days=1), count=2)
    events.star(skill_id=skill.pk, user_id=charlie.pk)
    run("fold_events")
    queue(skill, EventKind.DOWNLOAD, NOON)
    events.unstar(skill_id=skill.pk, user_id=charlie.pk)

    assert run("recount_statistics") == {"skills_drift": {}, "site_drift": {}}


@pytest.mark.django_db
def test_drift_of_totals_is_reported_and_repaired():
    skill, other = SkillFactory(), SkillFactory()
    for one in (skill, other):
        queue(one, EventKind.DOWNLOAD, NOON, count=2)
    run("fold_events")
    SkillTotal.objects.filter(pk=skill.pk).update(downloads=5)

    found = run("recount_statistics")

    assert found["skills_drift"] == {str(skill.pk): {"downloads": {"stored": 5, "counted": 2}}}
    assert stats.total(skill)["downloads"] == 2
    assert run("recount_statistics")["skills_drift"] == {}


@pytest.mark.django_db
def test_drift_is_reported_though_the_run_goes_on_in_slices(monkeypatch):
    monkeypatch.setattr(statistics, "RECOUNT_BATCH", 1)
    skills = [SkillFactory() for _ in range(3)]
    for skill in skills:
        queue(skill, EventKind.DOWNLOAD, NOON)
    run("fold_events")
    SkillTotal.objects.update(downloads=5)
    run_id = start_run(kind="recount_statistics").run.pk

    states = [execute_run(run_id, slice_seconds=0) for _ in range(4)]

    assert [one.state for one in states] == ["queued", "queued", "queued", "succeeded"]
    assert set(states[-1].result["skills_drift"]) == {str(skill.pk) for skill in skills}
    assert states[-1].result["site_drift"] == {}


@pytest.mark.django_db
def test_drift_is_noted_before_it_is_repaired(monkeypatch):
    skill = SkillFactory()
    queue(skill, EventKind.DOWNLOAD, NOON)
    run("fold_events")
    SkillTotal.objects.update(downloads=5)

    def die(_pk):
        raise SystemExit  # As a killed worker: nothing after this is written.

    run_id = start_run(kind="recount_statistics").run.pk
    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(statistics, "_repair", die)
        execute_run(run_id)

    noted = {str(skill.pk): {"downloads": {"stored": 5, "counted": 1}}}
    assert JobRun.objects.get(pk=run_id).result["skills_drift"] == noted
    assert stats.total(skill)["downloads"] == 5


@pytest.mark.django_db
def test_the_fold_tells_events_of_all_its_slices(settings):
    settings.STAT_FOLD_BATCH = 2
    skill = SkillFactory()
    queue(skill, EventKind.DOWNLOAD, NOON, count=3)
    StatEvent.objects.create(skill_id=skill.pk + 999, kind=EventKind.DOWNLOAD)
    run_id = start_run(kind="fold_events").run.pk

    first = execute_run(run_id, slice_seconds=0)
    done = execute_run(run_id)

    assert (first.state, first.done) == (RunState.QUEUED, 2)
    assert done.result == {"events": 4, "of_deleted_skills": 1}


@pytest.mark.django_db
def test_counts_of_a_skill_deleted_during_a_fold_are_cleared_away():
    skill = SkillFactory()
    queue(skill, EventKind.DOWNLOAD, NOON)
    run("fold_events")
    # As a fold leaves it that had seen the skill, and wrote after its deletion was done.
    Skill.objects.filter(pk=skill.pk)._raw_delete("default")

    run("recount_statistics")

    for model in (SkillTotal, SkillDailyStat, SkillHourlyStat):
        assert not model.objects.exists(), model


@pytest.mark.django_db
def test_drift_of_the_site_is_reported_and_repaired(publish, charlie):
    skill = publish().skill
    queue(skill, EventKind.DOWNLOAD, NOON, count=2)
    events.star(skill_id=skill.pk, user_id=charlie.pk)
    run("fold_events")
    SiteTotals.objects.update(downloads=9, stars=7, skills=3)

    found = run("recount_statistics")

    assert found["site_drift"] == {
        "downloads": {"stored": 9, "counted": 2},
        "stars": {"stored": 7, "counted": 1},
        "skills": {"stored": 3, "counted": 1},
    }
    assert run("recount_statistics")["site_drift"] == {}


@pytest.mark.django_db
def test_the_number_of_listed_skills_moves_with_the_list(publish):
    skill = publish("one").skill
    publish("two")
    run("fold_events")
    assert SiteTotals.objects.get().skills == 2

    skill.moderation_status = "hidden"
    skill.save()
    run("fold_events")
    assert SiteTotals.objects.get().skills == 1
    skill.moderation_status = "active"
    skill.save()
    skill.display_name = "Another name"
    skill.save()
    run("fold_events")

    assert SiteTotals.objects.get().skills == 2
    assert not ListedChange.objects.exists()
    assert run("recount_statistics")["site_drift"] == {}


# --- Pruning --------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_hours_and_marks_past_their_time_go_and_days_stay():
    skill, now = SkillFactory(), timezone.now()
    queue(skill, EventKind.DOWNLOAD, now, now - timedelta(hours=71), now - timedelta(hours=74))
    run("fold_events")
    for days in (0, 1, 2):
        DownloadMark.objects.create(
            day=now.date() - timedelta(days=days),
            skill_id=skill.pk,
            visitor="00000000-0000-0000-0000-000000000000",
        )

    found = run("prune_stats")

    assert (found["hourly_rows"], found["download_marks"]) == (1, 1)
    assert SkillHourlyStat.objects.count() == 2
    assert sum(SkillDailyStat.objects.values_list("downloads", flat=True)) == 3


@pytest.mark.django_db
def test_pruning_goes_by_batches_and_tells_of_each(monkeypatch):
    monkeypatch.setattr(jobs, "PRUNE_BATCH", 2)
    day = timezone.now().date() - timedelta(days=3)
    DownloadMark.objects.bulk_create(
        DownloadMark(day=day, skill_id=n % 3, visitor=UUID(int=n)) for n in range(7)
    )
    told = []
    run_id = start_run(kind="prune_stats", enqueue=False).run.pk

    with CaptureQueriesContext(connection) as asked:
        done = execute_run(run_id, on_advance=lambda run: told.append(run.done))

    assert done.result["download_marks"] == 7
    assert told == [2, 4, 6, 7]
    assert not DownloadMark.objects.exists()
    deleted = [q["sql"] for q in asked if q["sql"].startswith("DELETE") and "mark" in q["sql"]]
    assert len(deleted) == 4
    assert run("prune_stats")["download_marks"] == 0


@pytest.mark.django_db
def test_unseen_installs_are_given_up_by_the_job(charlie):
    skill = SkillFactory()
    events.record_installs(user_id=charlie.pk, skill_ids=[skill.pk])
    run("fold_events")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE skills_skillinstall SET last_seen_at = now() - interval '61 days'")

    assert run("deactivate_installs") == {"installs": 1}
    run("fold_events")

    assert stats.total(skill)["installs_current"] == 0
    assert stats.total(skill)["installs_all_time"] == 1


@pytest.mark.django_db
def test_categories_are_counted_as_the_list_shows_them(publish, client):
    publish("one", categories=["data", "web"])
    hidden = publish("two", categories=["data"]).skill
    publish("three", categories=["data"])
    Skill.objects.filter(slug="three").update(moderation_flags=["flagged.suspicious"])
    assert 'class="num"' not in _facets(client, "")
    run("copy_totals")
    forget()
    counts = {row.category: (row.skills, row.clean_skills) for row in CategoryTotal.objects.all()}
    assert counts == dict.fromkeys(CATEGORY_KEYS, (0, 0)) | {
        "": (3, 2),
        "data": (3, 2),
        "web": (1, 1),
    }
    assert re.findall(r'num">(\d+)', _facets(client, ""))[:4] == ["2", "0", "0", "2"]
    assert re.findall(r'num">(\d+)', _facets(client, "?suspicious=1"))[:4] == ["3", "0", "0", "3"]
    assert 'class="num"' not in _facets(client, "?topic=csv")
    assert 'class="num"' not in _facets(client, "?q=one")

    hidden.moderation_status = "hidden"
    hidden.save()
    run("copy_totals")
    forget()

    assert CategoryTotal.objects.get(category="data").skills == 2
    assert re.findall(r'num">(\d+)', _facets(client, ""))[:4] == ["1", "0", "0", "1"]


def _facets(client, query: str) -> str:
    page = client.get(f"/skills/{query}").content.decode()
    return page.partition('id="facet-category"')[2].partition("</nav>")[0]
